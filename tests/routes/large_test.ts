import { assertEquals, assertRejects } from "@std/assert";
import { largeStream } from "../../routes/large.ts";
import { largeAnswers } from "../helpers/large_answers.ts";

/** Pieces of a mirror's file whose connection breaks while the client takes nothing. */
function broken(): AsyncIterator<Uint8Array<ArrayBuffer>> {
  return {
    next: () => Promise.resolve({ done: false, value: new Uint8Array(10) }),
    return: () => Promise.reject(new Error("the mirror broke off")),
  };
}

Deno.test("a large answer that is left, by itself or by its client, ends without a failure of the process", async () => {
  const failures: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    failures.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    const idle = largeStream(broken(), { idleMs: 1, holds: "file" });
    while (largeAnswers() > 0) await new Promise((turn) => setTimeout(turn));
    await assertRejects(() => new Response(idle).bytes(), Error, "the client takes nothing");

    await largeStream(broken(), { holds: "file" }).cancel();
    const kept = Array.from(
      { length: 8 },
      () => largeStream(broken(), { holds: "memory", client: "a" }),
    );
    await assertRejects(async () =>
      await largeStream(broken(), { holds: "memory", client: "a" }).cancel()
    );
    for (const stream of kept) await stream.cancel();
    await new Promise((turn) => setTimeout(turn));
    assertEquals([failures, largeAnswers()], [[], 0]);
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
});
