import { assert, assertEquals, assertRejects } from "@std/assert";
import { gather, largeStream } from "../../routes/large.ts";
import { largeAnswers } from "../helpers/large_answers.ts";
import { others, work } from "../helpers/turns.ts";

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

Deno.test("others have their turn while an answer is made", async () => {
  const seen = others();
  const { start, rest } = await gather(function* () {
    for (let i = 0; i < 5; i++) {
      work(5);
      yield new Uint8Array([i]);
    }
  }());
  seen.stop();
  assertEquals([[...start], rest], [[0, 1, 2, 3, 4], undefined]);
  assert(seen.turns >= 5, String(seen.turns));
});

Deno.test("an answer that nobody waits for any more is not made to its end", async () => {
  const left = new AbortController();
  let made = 0;
  const chunks = function* () {
    for (; made < 5; yield new Uint8Array()) if (++made === 2) left.abort();
  };
  await assertRejects(() => gather(chunks(), left.signal), DOMException);
  assertEquals(made, 2);
});
