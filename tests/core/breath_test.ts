import { assert, assertEquals, assertRejects } from "@std/assert";
import { breath, Slices } from "../../lib/core/breath.ts";
import { gather } from "../../routes/large.ts";

/** Keeps the process busy. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Counts how often others have had their turn. */
function others(): { turns: number; stop: () => void } {
  const seen = { turns: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => seen.turns++);
  return seen;
}

Deno.test("of several that take a breath one goes on at a time, with turns for others in between", async () => {
  const seen = others();
  const went: [name: string, turns: number][] = [];
  await Promise.all(["a", "b", "c"].map(async (name) => {
    await breath();
    went.push([name, seen.turns]);
  }));
  seen.stop();
  assertEquals(went.map(([name]) => name), ["a", "b", "c"]);
  for (const [i, [name, turns]] of went.entries()) {
    assert(turns > (went[i - 1]?.[1] ?? 0), `${name} after ${turns} turns`);
  }
});

Deno.test("Slices: long work lets others in after every piece, short work never", async () => {
  const seen = others();
  const short = new Slices();
  for (let i = 0; i < 20; i++) assertEquals(await short.do(() => i), i);
  assertEquals(seen.turns, 0);
  const long = new Slices();
  for (let i = 0; i < 5; i++) {
    const before: number = seen.turns;
    await long.do(() => work(5));
    assert(seen.turns > before, `piece ${i}`);
  }
  seen.stop();
  await assertRejects(() => long.do(() => Promise.reject(new Error("broken"))), Error, "broken");
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
