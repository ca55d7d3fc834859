import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { commitOf, kvWith, kvWithCommit } from "../helpers/commits.ts";
import { serveKv } from "../helpers/kv_connect.ts";

/** What SQLite makes Deno KV throw while another process writes. */
const locked = () => new TypeError("database is locked");
const never = () => new Promise<never>(() => {});

async function withKv(test: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await test(kv);
  } finally {
    kv.close();
  }
}

Deno.test("a KV that hangs: every read ends with `unavailable` at its deadline", async () => {
  await withKv(async (kv) => {
    const hanging = kvWith(kv, {
      get: never,
      getMany: never,
      list: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }) as never,
    });
    const store = kvManifestStore(hanging, { readMs: 20 });
    const reads: [string, () => Promise<unknown>][] = [
      ["head", () => store.head("latest")],
      ["bySequence", () => store.bySequence(1)],
      ["bySequences", () => store.bySequences([1])],
      ["sequenceOf", () => store.sequenceOf("2024-03-31.1")],
      ["versions", () => store.versions()],
      ["channels", () => store.channels()],
      ["lastSequence", () => store.lastSequence()],
      ["log", () => store.log(1)],
    ];
    for (const [name, read] of reads) {
      // It hangs for ever: that it ends at all is the deadline's work.
      const error = await assertRejects(read, BfaError, "no answer in 20 ms");
      assertEquals(error.code, "unavailable", name);
    }
  });
});

Deno.test("a KV Connect server that hangs: the read ends at its deadline, and a later one works", async () => {
  const server = serveKv();
  const kv = await Deno.openKv(server.url);
  const store = kvManifestStore(kv, { readMs: 50 });
  const patient = kvManifestStore(kv, { readMs: 60_000 });
  assertEquals(await patient.lastSequence(), 0);
  const goOn = server.hang();
  const error = await assertRejects(() => store.head("latest"), BfaError);
  assertEquals(error.code, "unavailable");
  goOn();
  assertEquals((await patient.head("latest")).pointer, null);
  kv.close();
  await server.close();
});

Deno.test("`database is locked` is retried, on reads and on commits", async () => {
  await withKv(async (kv) => {
    for (const times of [1, 2, 4]) {
      let reads = 0;
      let commits = 0;
      const get: Deno.Kv["get"] = (...args) =>
        reads++ < times ? Promise.reject(locked()) : kv.get(...args);
      const store = kvManifestStore(kvWith(kv, { get }));
      const head = await store.head("latest");
      assertEquals(reads, times + 1);
      const busy = kvWithCommit(
        kv,
        (real) => commits++ < times ? Promise.reject(locked()) : real(),
      );
      const sequence = (head.pointer?.sequence ?? 0) + 1;
      assertEquals(await kvManifestStore(busy).commit(commitOf({ sequence, head })), true);
      assertEquals(commits, times + 1);
    }
  });
});

Deno.test("a KV that stays locked ends with `unavailable`, and says what to do", async () => {
  await withKv(async (kv) => {
    let commits = 0;
    const get = () => Promise.reject(locked());
    const error = await assertRejects(
      () => kvManifestStore(kvWith(kv, { get }), { readMs: 60 }).head("latest"),
      BfaError,
      "another process keeps it locked; try again",
    );
    assertEquals(error.code, "unavailable");
    assertEquals((error.cause as Error).message, "database is locked");
    const busy = kvWithCommit(kv, () => (commits++, Promise.reject(locked())));
    const store = kvManifestStore(busy, { commitMs: 300 });
    const refused = await assertRejects(() => store.commit(commitOf({ sequence: 1 })), BfaError);
    assertEquals(refused.code, "unavailable");
    assert(commits > 1 && commits < 60, `${commits} tries`);
  });
});

Deno.test("another failure of KV is not retried", async () => {
  await withKv(async (kv) => {
    let reads = 0;
    const get = () => (reads++, Promise.reject(new TypeError("the disk is on fire")));
    const store = kvManifestStore(kvWith(kv, { get }));
    const error = await assertRejects(() => store.head("latest"), BfaError);
    assertEquals([error.code, reads], ["unavailable", 1]);
    assertMatch(error.message, /^Cannot use Deno KV: the disk is on fire/);
  });
});

Deno.test("a commit that landed but whose answer never came counts as won", async () => {
  await withKv(async (kv) => {
    let tries = 0;
    const silent = kvWithCommit(kv, async (real) => {
      tries++;
      await real();
      return await never();
    });
    const store = kvManifestStore(silent, { commitMs: 500 }); // the real commit is long done by then
    assertEquals(await store.commit(commitOf({ sequence: 1 })), true);
    assertEquals([tries, await store.lastSequence()], [1, 1]);
  });
});

Deno.test("a commit that landed but whose answer broke off counts as won", async () => {
  await withKv(async (kv) => {
    const broken = kvWithCommit(kv, async (real) => {
      await real();
      throw new TypeError("connection reset by peer");
    });
    assertEquals(await kvManifestStore(broken).commit(commitOf({ sequence: 1 })), true);
  });
});

Deno.test("a commit that never landed does not count as won", async () => {
  await withKv(async (kv) => {
    const deaf = kvManifestStore(kvWithCommit(kv, never), { commitMs: 30 });
    const silent = await assertRejects(() => deaf.commit(commitOf({ sequence: 1 })), BfaError);
    assertEquals(silent.code, "unavailable");
    const broken = kvWithCommit(kv, () => Promise.reject(new TypeError("connection refused")));
    const error = await assertRejects(
      () => kvManifestStore(broken).commit(commitOf({ sequence: 1 })),
      BfaError,
    );
    assertEquals(error.code, "unavailable");
    assertEquals(await kvManifestStore(kv).lastSequence(), 0);
  });
});

Deno.test("a commit that timed out while another publisher won does not count as won", async () => {
  await withKv(async (kv) => {
    const other = kvManifestStore(kv);
    const slow = kvWithCommit(kv, async () => {
      await other.commit(commitOf({ sequence: 1, by: "other" }));
      return await never();
    });
    const store = kvManifestStore(slow, { commitMs: 500 }); // the other's commit is long done by then
    assertEquals(await store.commit(commitOf({ sequence: 1, by: "slow" })), false);
    assertEquals((await other.log(9)).map(({ by }) => by), ["other"]);
  });
});

Deno.test("KV Connect sends a commit again when its answer is lost: it counts as won, once", async () => {
  const server = serveKv();
  const kv = await Deno.openKv(server.url);
  const store = kvManifestStore(kv);
  assertEquals(await store.lastSequence(), 0);
  server.loseNextAnswer();
  assertEquals(await store.commit(commitOf({ sequence: 1 })), true);
  assertEquals(server.seen.filter((path) => path === "/v2/atomic_write").length, 2);
  assertEquals((await store.log(9)).length, 1);
  kv.close();
  await server.close();
});
