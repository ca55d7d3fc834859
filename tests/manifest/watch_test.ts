import { assertEquals } from "@std/assert";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import type { ChannelPointer, ManifestStore } from "../../lib/manifest/store.ts";
import { commitOf, kvWith, withKvFile } from "../helpers/commits.ts";
import { serveKv } from "../helpers/kv_connect.ts";

/** Long enough that only a push can be what was seen. */
const NEVER_MS = 3_600_000;

/** A watch, read one sight at a time. */
function watching(store: ManifestStore, channel = "latest") {
  const stop = new AbortController();
  const sights = store.watch(channel, stop.signal)[Symbol.asyncIterator]();
  return {
    next: async (): Promise<ChannelPointer | null | "end"> => {
      const { value, done } = await sights.next();
      return done ? "end" : value;
    },
    async stop(): Promise<void> {
      stop.abort();
      assertEquals((await sights.next()).done, true);
    },
  };
}

/** Commits the next manifest of a channel; returns where the channel points then. */
async function commitNext(store: ManifestStore, channel = "latest"): Promise<ChannelPointer> {
  const head = await store.head(channel);
  const sequence = await store.lastSequence() + 1;
  const version = `2024-03-31.${sequence}`;
  assertEquals(await store.commit(commitOf({ sequence, version, channel, head })), true);
  return { sequence, version };
}

Deno.test("watch() shows the pointer now, and every change in the same process by push", async () => {
  await withKvFile(async (open) => {
    const store = kvManifestStore(await open(), { pollMs: NEVER_MS });
    const watch = watching(store);
    assertEquals(await watch.next(), null);
    for (let i = 0; i < 3; i++) assertEquals(await commitNext(store), await watch.next());
    await watch.stop();
  });
});

Deno.test("watch() sees what another handle on the same SQLite file commits, by poll", async () => {
  await withKvFile(async (open) => {
    const [reader, writer] = [
      kvManifestStore(await open(), { pollMs: 10 }),
      kvManifestStore(await open()),
    ];
    const watch = watching(reader);
    assertEquals(await watch.next(), null);
    for (let i = 0; i < 3; i++) assertEquals(await commitNext(writer), await watch.next());
    await watch.stop();
  });
});

Deno.test("watch() sees what another process commits to the same SQLite file", async () => {
  await withKvFile(async (open, path) => {
    const watch = watching(kvManifestStore(await open(), { pollMs: 20 }));
    assertEquals(await watch.next(), null);
    const code = `
      const kv = await Deno.openKv(Deno.args[0]);
      const pointer = JSON.stringify({ sequence: 7, version: "2024-03-31.7" });
      await kv.set(["bfa", "channel", "latest"], new TextEncoder().encode(pointer));
      kv.close();`;
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--unstable-kv", code, path],
      stderr: "null",
    }).output();
    assertEquals(success, true);
    assertEquals(await watch.next(), { sequence: 7, version: "2024-03-31.7" });
    await watch.stop();
  });
});

Deno.test("watch() sees through KV Connect what another handle commits, by push", async () => {
  const server = serveKv();
  const [one, other] = [await Deno.openKv(server.url), await Deno.openKv(server.url)];
  const reader = kvManifestStore(one, { pollMs: NEVER_MS });
  const writer = kvManifestStore(other);
  const watch = watching(reader);
  assertEquals(await watch.next(), null);
  for (let i = 0; i < 3; i++) assertEquals(await commitNext(writer), await watch.next());
  await watch.stop();
  one.close();
  other.close();
  await server.close();
});

Deno.test("watch() looks at one channel alone, and shows no pointer twice", async () => {
  await withKvFile(async (open) => {
    const store = kvManifestStore(await open(), { pollMs: 5 });
    const first = await commitNext(store);
    const watch = watching(store);
    assertEquals(await watch.next(), first);
    const seen = watch.next();
    await commitNext(store, "candidate");
    await commitNext(store, "candidate");
    assertEquals(await commitNext(store), await seen);
    await watch.stop();
  });
});

Deno.test("watch() goes on by poll when the push breaks", async () => {
  await withKvFile(async (open) => {
    const kv = await open();
    const watch = () =>
      new ReadableStream({ start: (c) => c.error(new Error("watch is broken")) }) as never;
    const store = kvManifestStore(kvWith(kv, { watch }), { pollMs: 5 });
    const watched = watching(store);
    assertEquals(await watched.next(), null);
    assertEquals(await commitNext(kvManifestStore(kv)), await watched.next());
    await watched.stop();
  });
});

Deno.test("watch() goes on when polls fail", async () => {
  await withKvFile(async (open) => {
    const kv = await open();
    let fails = 3;
    const get: Deno.Kv["get"] = (...args) =>
      fails-- > 0 ? Promise.reject(new Error("no answer")) : kv.get(...args);
    const watch = () => new ReadableStream({ start: (c) => c.close() }) as never;
    const watched = watching(kvManifestStore(kvWith(kv, { get, watch }), { pollMs: 5 }));
    assertEquals(await watched.next(), null);
    assertEquals(fails, -1);
    await watched.stop();
  });
});

Deno.test("watch() ends at once when its signal aborts, even while it waits", async () => {
  await withKvFile(async (open) => {
    const store = kvManifestStore(await open(), { pollMs: NEVER_MS });
    const stop = new AbortController();
    const sights = store.watch("latest", stop.signal)[Symbol.asyncIterator]();
    await sights.next();
    const waiting = sights.next();
    stop.abort();
    assertEquals((await waiting).done, true);
    const late = store.watch("latest", stop.signal)[Symbol.asyncIterator]();
    assertEquals((await late.next()).done, true);
  });
});
