/** Waits for the server to notice that clients have left. @module */

import { largeAnswers } from "../../routes/large.ts";

/** Asks a server in this process for something small, until it sends nothing large any more. */
export async function untilNoneIsSent(base: string): Promise<void> {
  for (let asked = 0; largeAnswers() > 0; asked++) {
    if (asked > 2_000) throw new Error(`${largeAnswers()} large answers are still under way`);
    await (await fetch(`${base}/healthz`)).body?.cancel();
  }
}
