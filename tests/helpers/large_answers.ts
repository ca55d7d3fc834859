/** Large answers that are under way in this process. @module */

import { largeLimits } from "../../routes/large.ts";

/** How many there are. */
export function largeAnswers(): number {
  return largeLimits().reduce((sum, { used }) => sum + used, 0);
}

/** Asks a server in this process for something small, until it sends nothing large any more. */
export async function untilNoneIsSent(base: string): Promise<void> {
  for (let asked = 0; largeAnswers() > 0; asked++) {
    if (asked > 2_000) throw new Error(`${largeAnswers()} large answers are still under way`);
    await (await fetch(`${base}/healthz`)).body?.cancel();
  }
}
