import { assertEquals, assertRejects } from "@std/assert";
import { WriteBehind } from "../../lib/jobs/write_behind.ts";

/** A store that writes when it is told to, and what was asked of it. */
function slowStore() {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const write = (batch: number[]) => {
    batches.push(batch);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    ends.push(resolve);
    fails.push(reject);
    return promise;
  };
  return { batches, ends, fails, write };
}

/** Lets everything happen that waits for nothing else. */
const settled = () => new Promise((done) => setTimeout(done, 0));

Deno.test("batches are written one after another, all as large as they must be", async () => {
  const { batches, ends, write } = slowStore();
  const behind = new WriteBehind<number>(10, write);
  for (let i = 0; i < 9; i++) await behind.add(i, 1);
  assertEquals(batches, []);
  await behind.add(9, 1);
  assertEquals(batches, [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  for (let i = 10; i < 27; i++) await behind.add(i, 1);
  assertEquals(batches.length, 1);
  ends[0]!();
  await settled();
  assertEquals(batches.slice(1).map((batch) => [batch[0], batch.at(-1)]), [[10, 19]]);
  ends[1]!();
  await settled();
  assertEquals(batches.length, 2); // seven are no batch, but at the end
  const ended = behind.end();
  assertEquals(batches[2], [20, 21, 22, 23, 24, 25, 26]);
  ends[2]!();
  await ended;
  await behind.end(); // nothing is left
  assertEquals(batches.length, 3);
});

Deno.test("who reads waits while three batches do, and `send()` waits for no more", async () => {
  const { batches, ends, write } = slowStore();
  const behind = new WriteBehind<number>(10, write);
  await behind.add(0, 3);
  behind.send();
  assertEquals(batches, [[0]]);
  await behind.add(1, 29);
  let waited = false;
  const third = behind.add(2, 1).then(() => waited = true);
  await settled();
  assertEquals([waited, batches.length], [false, 1]);
  for (let i = 0; i < 3; i++) {
    ends[i]?.();
    await settled();
  }
  await third;
  assertEquals(batches, [[0], [1], [2]]);
});

Deno.test("what the store throws reaches who waits and who ends, and nothing more is written", async () => {
  const { batches, fails, write } = slowStore();
  const behind = new WriteBehind<number>(1, write);
  await behind.add(0, 1);
  await behind.add(1, 1);
  fails[0]!(new Error("the disk is full"));
  await assertRejects(() => behind.add(2, 5), Error, "the disk is full");
  await assertRejects(() => behind.end(), Error, "the disk is full");
  assertEquals(batches, [[0]]);
});
