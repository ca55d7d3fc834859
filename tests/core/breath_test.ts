import { assert, assertEquals, assertRejects } from "@std/assert";
import { breath, Slices } from "../../lib/core/breath.ts";
import { others, work } from "../helpers/turns.ts";

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
  // Several tries: a machine that is busy may make the shortest work long.
  for (let least = Infinity, tries = 0; least > 0; tries++) {
    assert(tries < 20, "short work let others in every time");
    const before: number = seen.turns;
    assertEquals(await new Slices().do(() => tries), tries);
    least = Math.min(least, seen.turns - before);
  }
  const long = new Slices();
  for (let i = 0; i < 5; i++) {
    const before: number = seen.turns;
    await long.do(() => work(5));
    assert(seen.turns > before, `piece ${i}`);
  }
  seen.stop();
  await assertRejects(() => long.do(() => Promise.reject(new Error("broken"))), Error, "broken");
});
