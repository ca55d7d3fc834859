import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { lateReader } from "../../lib/manifest/late_reader.ts";
import { commitOf } from "../helpers/commits.ts";

Deno.test("a store that does not open: reads say so, the watch waits, and both have it when it opens", async () => {
  const kv = await Deno.openKv(":memory:");
  const store = kvManifestStore(kv);
  assertEquals(await store.commit(commitOf({ sequence: 1 })), true);
  let [tries, there] = [0, false];
  const reader = lateReader(() => {
    tries++;
    return there
      ? Promise.resolve(store)
      : Promise.reject(new BfaError("unavailable", "Cannot open it: it is down"));
  }, 1);
  for (const read of [() => reader.head("latest"), () => reader.versions(), () => reader.open()]) {
    const error = await assertRejects(read, BfaError, "it is down");
    assertEquals(error.code, "unavailable");
  }
  assertEquals(tries, 3);

  const stop = new AbortController();
  const sights = reader.watch("latest", stop.signal)[Symbol.asyncIterator]();
  const first = sights.next();
  await assertRejects(() => reader.channels(), BfaError);
  there = true;
  assertEquals((await first).value, { sequence: 1, version: "2024-03-31.1" });
  const before = tries;
  assertEquals(await reader.versions(), [{ version: "2024-03-31.1", sequence: 1 }]);
  assertEquals((await reader.bySequences([1]))[0]?.manifest.signed.sequence, 1);
  assertEquals(tries, before, "an open store is opened once");
  stop.abort();
  assertEquals((await sights.next()).done, true);
  reader.close();
});

Deno.test("a watch on a store that never opens ends when it is told to", async () => {
  const reader = lateReader(() => Promise.reject(new Error("never")), 3_600_000);
  const stop = new AbortController();
  const next = reader.watch("latest", stop.signal)[Symbol.asyncIterator]().next();
  setTimeout(() => stop.abort());
  assertEquals((await next).done, true);
  reader.close();
});
