import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import {
  isRemoteKv,
  kvManifestStore,
  openKv,
  pollEveryMs,
  readKvReadMs,
} from "../../lib/manifest/kv.ts";
import { currentManifest } from "../../lib/manifest/store.ts";
import { commitOf, kvWith } from "../helpers/commits.ts";
import { canMount, withSmallDisk } from "../helpers/fault_disk.ts";

/** Every entry of a KV, keys as text, values read from their JSON. */
async function dump(kv: Deno.Kv): Promise<Record<string, unknown>> {
  const entries = await Array.fromAsync(kv.list<Uint8Array>({ prefix: ["bfa"] }));
  const text = new TextDecoder();
  return Object.fromEntries(
    entries.map(({ key, value }) => [key.join("/"), JSON.parse(text.decode(value))]),
  );
}

async function withKv(test: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await test(kv);
  } finally {
    kv.close();
  }
}

Deno.test("readKvReadMs() takes 1 to 60000 ms, and 250 when nothing is given", () => {
  assertEquals([undefined, "1", "250", "60000"].map((text) => readKvReadMs(text)), [
    250,
    1,
    250,
    60_000,
  ]);
  for (const text of ["", "0", "-1", "60001", "1e3", "250ms", "0250", " 250"]) {
    assertThrows(() => readKvReadMs(text), BfaError, "Cannot read BFA_KV_READ_MS");
  }
});

Deno.test("commit() writes manifest, channel, version and log in one step", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    const commit = commitOf({ sequence: 1 });
    assertEquals(await store.commit(commit), true);
    assertEquals(await dump(kv), {
      "bfa/channel/latest": { sequence: 1, version: "2024-03-31.1" },
      "bfa/log/1": commit.log,
      "bfa/manifest/1": commit.stored.manifest,
      "bfa/version/2024-03-31.1": 1,
    });
    const stamps = await Array.fromAsync(kv.list({ prefix: ["bfa"] }), (e) => e.versionstamp);
    assertEquals(new Set(stamps).size, 1);
  });
});

Deno.test("commit() with a head that has moved changes nothing", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    await store.commit(commitOf({ sequence: 1 }));
    const head = await store.head("latest");
    await store.commit(commitOf({ sequence: 2, version: "2024-03-31.2", head }));
    const before = await dump(kv);
    const late = commitOf({ sequence: 3, version: "2024-03-31.3", head });
    assertEquals(await store.commit(late), false);
    assertEquals(await store.commit(commitOf({ sequence: 3 })), false);
    assertEquals(await dump(kv), before);
  });
});

Deno.test("commit() never writes over a sequence, in whatever channel", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    await store.commit(commitOf({ sequence: 1 }));
    const before = await dump(kv);
    assertEquals(await store.commit(commitOf({ sequence: 1, channel: "candidate" })), false);
    const head = await store.head("latest");
    assertEquals(await store.commit(commitOf({ sequence: 1, head })), false);
    assertEquals(await dump(kv), before);
  });
});

Deno.test("two commits from one head: one wins", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    const commits = [commitOf({ sequence: 1, by: "a" }), commitOf({ sequence: 1, by: "b" })];
    const won = await Promise.all(commits.map((commit) => store.commit(commit)));
    assertEquals(won.filter(Boolean).length, 1);
    assertEquals((await store.log(9)).map((entry) => entry.by), [won[0] ? "a" : "b"]);
  });
});

Deno.test("a store reads back what was committed", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    assertEquals(await store.head("latest"), { pointer: null, versionstamp: null });
    assertEquals(await store.lastSequence(), 0);
    assertEquals(await store.versions(), []);
    assertEquals(await store.channels(), {});
    assertEquals(await store.log(5), []);
    assertEquals(await store.bySequence(1), undefined);
    assertEquals(await store.sequenceOf("2024-03-31.1"), undefined);
    assertEquals(await currentManifest(store, "latest"), undefined);

    const commits = [];
    for (let sequence = 1; sequence <= 12; sequence++) {
      const channel = sequence % 2 ? "latest" : "candidate";
      const version = `2024-03-31.${13 - Math.ceil(sequence / 2)}`;
      const commit = commitOf({ sequence, version, channel, head: await store.head(channel) });
      assertEquals(await store.commit(commit), true);
      commits.push(commit);
    }
    assertEquals(await store.lastSequence(), 12);
    assertEquals((await store.versions()).map(({ version, sequence }) => [version, sequence]), [
      ["2024-03-31.12", 2],
      ["2024-03-31.11", 4],
      ["2024-03-31.10", 6],
      ["2024-03-31.9", 8],
      ["2024-03-31.8", 10],
      ["2024-03-31.7", 12],
    ]);
    assertEquals(await store.channels(), {
      candidate: { sequence: 12, version: "2024-03-31.7" },
      latest: { sequence: 11, version: "2024-03-31.7" },
    });
    assertEquals((await store.log(3)).map(({ sequence }) => sequence), [12, 11, 10]);
    assertEquals(await store.sequenceOf("2024-03-31.9"), 8);
    assertEquals((await store.bySequence(10))?.text, commits[9]!.stored.text);
    assertEquals((await currentManifest(store, "latest"))?.text, commits[10]!.stored.text);
  });
});

Deno.test("commit() refuses a manifest that KV could not hold, before it asks KV", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    const bytes = commitOf({ sequence: 1 }).stored.text.length;
    const most = 65_536;
    const large = commitOf({ sequence: 1, padding: most + 1 - bytes });
    const error = await assertRejects(() => store.commit(large), BfaError);
    assertEquals(error.code, "limit");
    assertMatch(error.message, /2024-03-31\.1: its manifest has 65537 bytes.*takes 65536/);
    assertEquals(await dump(kv), {});
    assertEquals(await store.commit(commitOf({ sequence: 1, padding: most - bytes })), true);
    assertEquals((await store.bySequence(1))?.text.length, most);
  });
});

Deno.test("commit() takes a large manifest with letters of three bytes, counted as bytes", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    const commit = commitOf({
      sequence: 1,
      padding: 40_000,
      mirrors: ["https://币安人生.example/"],
    });
    assertEquals(await store.commit(commit), true);
    assertEquals((await store.bySequence(1))?.text, commit.stored.text);
    const { length } = commit.stored.text;
    const large = commitOf({
      sequence: 2,
      padding: 40_000 + 65_536 - length,
      mirrors: ["https://币安人生.example/"],
    });
    assertEquals(large.stored.text.length, 65_536); // so many letters, and some more bytes
    assertEquals((await assertRejects(() => store.commit(large), BfaError)).code, "limit");
  });
});

Deno.test("values are UTF-8 bytes: no version of V8 is needed to read them", async () => {
  await withKv(async (kv) => {
    await kvManifestStore(kv).commit(commitOf({ sequence: 1 }));
    const values = await Array.fromAsync(kv.list({ prefix: ["bfa"] }), ({ value }) => value);
    assertEquals(values.map((value) => value instanceof Uint8Array), [true, true, true, true]);
    await kv.set(["bfa", "channel", "latest"], { sequence: 1, version: "2024-03-31.1" });
    const error = await assertRejects(() => kvManifestStore(kv).head("latest"), BfaError);
    assertEquals(error.code, "integrity");
  });
});

Deno.test("openKv() says where it cannot open KV", async () => {
  const error = await assertRejects(() => openKv("/no/such/folder/kv.sqlite3"), BfaError);
  assertEquals(error.code, "unavailable");
  assertMatch(error.message, /^Cannot open Deno KV at \/no\/such\/folder\/kv\.sqlite3: /);
});

Deno.test("openKv() says how to get KV when this Deno has none", async () => {
  const real = Deno.openKv;
  Object.defineProperty(Deno, "openKv", { value: undefined, configurable: true, writable: true });
  try {
    const error = await assertRejects(() => openKv("x"), BfaError);
    assertEquals(error.code, "usage");
    assertMatch(error.message, /--unstable-kv/);
  } finally {
    Object.defineProperty(Deno, "openKv", { value: real, configurable: true, writable: true });
  }
});

Deno.test("openKv() on a disk with room for a file, but not for a KV: storage", async () => {
  const real = Deno.openKv;
  // What SQLite said on a disk of 72 KiB.
  const value = () => Promise.reject(new Error("database or disk is full"));
  Object.defineProperty(Deno, "openKv", { value, configurable: true, writable: true });
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  try {
    const error = await assertRejects(() => openKv(`${dir}/kv.sqlite3`), BfaError);
    assertEquals(error.code, "storage");
  } finally {
    Object.defineProperty(Deno, "openKv", { value: real, configurable: true, writable: true });
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("bySequences() reads ten at a time and keeps the order; missing ones are undefined", async () => {
  await withKv(async (kv) => {
    const store = kvManifestStore(kv);
    for (let sequence = 1; sequence <= 23; sequence++) {
      const version = `2024-03-31.${sequence}`;
      const head = await store.head("latest");
      assertEquals(await store.commit(commitOf({ sequence, version, head })), true);
    }
    const asked: number[] = [];
    const getMany: Deno.Kv["getMany"] = (keys, options) => {
      asked.push(keys.length);
      return kv.getMany(keys, options);
    };
    const get = () => Promise.reject(new Error("one by one"));
    const counted = kvManifestStore(kvWith(kv, { get, getMany }));
    const sequences = [...Array(23).keys()].map((i) => 23 - i);
    const found = await counted.bySequences([...sequences, 99]);
    assertEquals(asked, [10, 10, 4]);
    assertEquals(found.map((stored) => stored?.manifest.signed.sequence), [
      ...sequences,
      undefined,
    ]);
    assertEquals(await counted.bySequences([]), []);
  });
});

Deno.test("a channel is read every second where watch is local, every minute where it is not", () => {
  const cases: [string | undefined, boolean, number][] = [
    [undefined, false, 1_000],
    [undefined, true, 60_000],
    ["/var/kv.sqlite3", false, 1_000],
    ["/var/kv.sqlite3", true, 1_000],
    ["http://127.0.0.1:4512", false, 60_000],
    ["https://api.example.com/v2/databases/x/connect", true, 60_000],
  ];
  for (const [path, onDeploy, ms] of cases) {
    assertEquals([path, onDeploy, pollEveryMs(isRemoteKv(path, onDeploy))], [path, onDeploy, ms]);
  }
});

Deno.test("openKv() of a file that is none: integrity, and it stays as it is", async () => {
  const path = await Deno.makeTempFile({ prefix: "bfa-kv-" });
  try {
    const bytes = new TextEncoder().encode("these are my notes; ".repeat(100));
    await Deno.writeFile(path, bytes);
    const error = await assertRejects(() => openKv(path), BfaError);
    assertEquals([error.code, error.message], [
      "integrity",
      `Cannot read ${path}: it is damaged, or no KV file; put a copy in its place, or give another --kv`,
    ]);
    assertEquals(await Deno.readFile(path), bytes);
  } finally {
    await Deno.remove(path);
  }
});

for (const state of ["full", "read-only"]) {
  Deno.test({
    name: `openKv() on a disk that is ${state}: storage; afterwards it opens as before`,
    ignore: !canMount,
    fn: () =>
      withSmallDisk(async (disk) => {
        const path = `${disk.dir}/kv.sqlite3`;
        const open = () => openKv(path).then((kv) => kv.close());
        await open();
        await (state === "full" ? disk.fill() : disk.readOnly(true));
        const error = await assertRejects(open, BfaError);
        const why = state === "full" ? "the disk is full" : "this place is read-only";
        assertEquals([error.code, error.message], ["storage", `Cannot write ${path}: ${why}`]);
        await (state === "full" ? disk.empty() : disk.readOnly(false));
        await open();
      }, "1m"),
  });
}

Deno.test({
  name: "a commit on a disk that fills up: storage, and nothing is lost",
  ignore: !canMount,
  fn: () =>
    withSmallDisk(async (disk) => {
      const kv = await openKv(`${disk.dir}/kv.sqlite3`);
      try {
        const store = kvManifestStore(kv);
        assertEquals(await store.commit(commitOf({ sequence: 1 })), true);
        const head = await store.head("latest");
        const next = commitOf({ sequence: 2, version: "2024-03-31.2", head });
        await disk.fill();
        const error = await assertRejects(() => store.commit(next), BfaError);
        assertEquals(
          [error.code, error.message],
          ["storage", "Cannot use Deno KV: database or disk is full"],
        );
        await disk.empty();
        assertEquals(await store.lastSequence(), 1);
        assertEquals(await store.commit(next), true);
      } finally {
        kv.close();
      }
    }, "1m"),
});
