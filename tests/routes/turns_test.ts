import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { Turns } from "../../routes/turns.ts";

/** Turns whose work ends when the test says so; `began` names those that work or worked, in order. */
function world() {
  const turns = new Turns({ action: "work", atOnce: 4, waiting: 6, ofClient: 5 });
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string, client: string | undefined, signal?: AbortSignal) =>
    turns.run({ client, signal }, async () => {
      began.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(name, resolve);
      await promise;
      return name;
    });
  const end = async (name: string, asked: Promise<string>) => {
    ends.get(name)!();
    assertEquals(await asked, name);
  };
  return { ask, began, end };
}

const codeOf = async (asked: Promise<unknown>) => (await assertRejects(() => asked, BfaError)).code;

Deno.test("Turns: half of the places are one client's, the others wait their turn, and no more", async () => {
  const { ask, began, end } = world();
  const mine = [1, 2, 3, 4, 5].map((i) => ask(`a${i}`, "a"));
  assertEquals(began, ["a1", "a2"]);
  assertEquals(await codeOf(ask("a6", "a")), "too_many");
  const yours = [ask("b1", "b"), ask("c1", "c")];
  assertEquals(began, ["a1", "a2", "b1", "c1"], "who comes later need not wait for a's");
  const more = [ask("b2", "b"), ask("d1", "d"), ask("e1", "e")];
  assertEquals(await codeOf(ask("f1", "f")), "busy", "six wait");
  await end("b1", yours[0]!);
  assertEquals(began.slice(4), ["b2"], "a has half of the places already");
  await end("a1", mine[0]!);
  assertEquals(began.slice(5), ["a3"], "the first one that waits and may work");
  await end("c1", yours[1]!);
  assertEquals(began.slice(6), ["d1"]);
  for (const [name, asked] of [["a2", mine[1]], ["a3", mine[2]], ["a4", mine[3]]] as const) {
    await end(name, asked!);
  }
  assertEquals(began.slice(7), ["a4", "a5", "e1"]);
  await end("a5", mine[4]!);
  for (const [i, name] of ["b2", "d1", "e1"].entries()) await end(name, more[i]!);
});

Deno.test("Turns: who leaves while it waits takes nobody's place, at whatever moment", async () => {
  const { ask, began, end } = world();
  const working = [1, 2, 3, 4].map((i) => ask(`w${i}`, undefined));
  const gone = new AbortController();
  gone.abort(new BfaError("deadline", "left"));
  assertEquals(await codeOf(ask("never", "a", gone.signal)), "deadline");
  const leave = new AbortController();
  const leaves = ask("leaves", "a", leave.signal);
  const waits = ask("waits", "a");
  leave.abort(new BfaError("deadline", "left"));
  const ended = end("w1", working[0]!); // the place is free before `leaves` has been told
  assertEquals(await codeOf(leaves), "deadline");
  await ended;
  assertEquals(began, ["w1", "w2", "w3", "w4", "waits"]);
  // Nothing was lost: as many places as before, and a's share is whole.
  const others = [1, 2, 3, 4].map((i) => ask(`a${i}`, "a"));
  assertEquals(await codeOf(ask("a5", "a")), "too_many");
  for (const i of [2, 3, 4]) await end(`w${i}`, working[i - 1]!);
  await end("waits", waits);
  for (const i of [1, 2, 3, 4]) await end(`a${i}`, others[i - 1]!);
});

Deno.test("Turns: work that fails ends its turn", async () => {
  const turns = new Turns({ action: "work", atOnce: 1, waiting: 1, ofClient: 1 });
  for (let i = 0; i < 3; i++) {
    const fails = turns.run({ client: "a" }, () => Promise.reject(new BfaError("integrity", "no")));
    assertEquals(await codeOf(fails), "integrity");
  }
  assertEquals(await turns.run({ client: "a" }, () => Promise.resolve(1)), 1);
});
