import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { Copy } from "../../lib/cache/copy.ts";
import type { CopyStore } from "../../lib/cache/copy_store.ts";
import { cachePaths, folderStore } from "../../lib/cache/folder_store.ts";
import {
  cacheContents,
  cachedSources,
  clearCache,
  pruneCache,
  verifyCache,
} from "../../lib/cache/upkeep.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { httpClient } from "../../lib/net/client.ts";
import { flipBit } from "../helpers/fault_disk.ts";
import { AT, NEW, OLD, someBytes, withCopy, withWarmCopy } from "../helpers/fault_world.ts";

const DAY_MS = 86_400_000;

/** Makes a file look as if it was written that long ago. */
async function age(path: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  await Deno.utime(path, then, then);
}

Deno.test("upkeep of a cache that is not there finds nothing, removes nothing", async () => {
  await withCopy(async ({ dir }) => {
    const missing = join(dir, "missing");
    assertEquals(await cacheContents(missing), {
      place: missing,
      sources: [],
      objects: [],
      bytes: 0,
      hits: 0,
      misses: 0,
    });
    assertEquals(await verifyCache(missing), { sound: 0, damaged: [] });
    assertEquals(await clearCache(missing), { files: 0, bytes: 0 });
  });
});

Deno.test("cacheContents() lists sources, objects with their users, bytes, hits and misses", async () => {
  await withCopy(async (world) => {
    const shared = someBytes(1000, 1);
    const { artifacts: [listings, big] } = await world.publishFiles(NEW, { "big.bin": shared });
    await (await world.open()).pull(["*"]);
    await world.publishFiles("2024-04-02.1", { "big.bin": shared });
    await (await world.open()).refresh();
    await (await world.open()).symbols();
    await (await world.open()).symbols();
    const contents = await cacheContents(world.cacheDir);
    assertEquals(contents.place, world.cacheDir);
    assertEquals(contents.sources.map(({ record }) => record.sequence), [3]);
    assertEquals(
      contents.sources[0]!.manifests.map(({ signed }) => signed.version),
      [NEW, "2024-04-02.1"],
    );
    assertEquals(contents.objects.length, 3);
    assertEquals(contents.bytes, contents.objects.reduce((sum, { bytes }) => sum + bytes, 0));
    const usersOf = (sha256: string) =>
      contents.objects.find((object) => object.sha256 === sha256)!.usedBy;
    assertEquals(usersOf(big!.sha256), [`${NEW}/big.bin`, "2024-04-02.1/big.bin"]);
    assertEquals(usersOf(listings!.sha256), [`${NEW}/listings.json`]);
    assertEquals([contents.hits, contents.misses], [2, 1]);
  });
});

Deno.test("a question counts once per opened dataset: a hit without network, a miss with it", async () => {
  await withWarmCopy(async (world) => {
    const counts = async () => {
      const { hits, misses } = await cacheContents(world.cacheDir);
      return [hits, misses];
    };
    const [hits, misses] = await counts();
    const dataset = await world.open();
    await dataset.symbols();
    await dataset.symbols();
    assertEquals(await counts(), [hits! + 1, misses]);
    world.clock = new Date(AT.stale);
    await world.publishFiles(NEW, {});
    await (await world.open()).symbols();
    assertEquals(await counts(), [hits! + 1, misses! + 1]);
  });
});

Deno.test("a first contact is a miss", async () => {
  await withCopy(async (world) => {
    await (await world.open()).symbols();
    assertEquals((await cacheContents(world.cacheDir)).misses, 1);
  });
});

Deno.test("the source that was asked last comes first, and answers without an endpoint", async () => {
  await withWarmCopy(async (world) => {
    await (await world.open()).symbols();
    world.clock = new Date(AT.fresh);
    const later = world.endpoint.url.replace("127.0.0.1", "localhost");
    await (await world.open({ endpoint: later })).symbols();
    const endpoints = (await cachedSources(world.cacheDir)).map(({ record }) => record.endpoint);
    assertEquals(endpoints, [later, world.endpoint.url]);
    assertEquals((await (await world.open({ endpoint: undefined })).status()).endpoint, later);
  });
});

Deno.test("verifyCache() puts damaged objects aside, which are then fetched again", async () => {
  await withCopy(async (world) => {
    const { artifacts } = await world.publishFiles(NEW, { "big.bin": someBytes(1000, 1) });
    await (await world.open()).pull(["*"]);
    assertEquals(await verifyCache(world.cacheDir), { sound: 2, damaged: [] });
    const { objects, damaged } = cachePaths(world.cacheDir);
    const { sha256 } = artifacts[1]!;
    await flipBit(join(objects, sha256));
    assertEquals(await verifyCache(world.cacheDir), { sound: 1, damaged: [sha256] });
    assertEquals((await Deno.stat(join(damaged, sha256))).size, 1000);
    assertEquals(await verifyCache(world.cacheDir), { sound: 1, damaged: [] });
    world.endpoint.take();
    await (await world.open()).path("big.bin");
    assertEquals(world.endpoint.take(), ["big.bin 200 1000"]);
  });
});

Deno.test("verifyCache() passes over an object that another process removes meanwhile", async () => {
  await withWarmCopy(async ({ cacheDir }) => {
    // It is listed, and cannot be opened.
    await Deno.symlink(join(cacheDir, "gone"), join(cacheDir, "v1", "objects", "0".repeat(64)));
    assertEquals(await verifyCache(cacheDir), { sound: 1, damaged: [] });
  });
});

Deno.test("clearCache() in the middle of a download: it begins again, and is kept", async () => {
  await withWarmCopy(async (world) => {
    const bytes = someBytes(100_000, 1);
    await world.publishFiles(NEW, { "big.bin": bytes });
    await (await world.open()).refresh();
    let cleared = 0;
    world.endpoint.fault = (_request, path) => {
      if (!path.endsWith("big.bin") || cleared++) return undefined;
      return clearCache(world.cacheDir).then(() => new Response(bytes));
    };
    const dataset = await world.open();
    assertEquals(await Deno.readFile(await dataset.path("big.bin")), bytes);
    assertEquals(cleared, 2);
  });
});

Deno.test("pruneCache() removes what no current version uses, when it is older than a day", async () => {
  await withWarmCopy(async (world) => {
    const { objects, tmp, damaged } = cachePaths(world.cacheDir);
    const [old] = (await Array.fromAsync(Deno.readDir(objects))).map(({ name }) => name);
    const oldBytes = (await Deno.stat(join(objects, old!))).size;
    await world.publishFiles(NEW, {});
    await (await world.open()).refresh();
    await Deno.mkdir(damaged, { recursive: true });
    const young = [join(tmp, "young.part"), join(damaged, "young")];
    const aged = [join(tmp, "old.part"), join(damaged, "old")];
    for (const path of [...young, ...aged]) await Deno.writeFile(path, new Uint8Array(10));
    for (const path of young) await age(path, DAY_MS - 60_000);
    for (const path of aged) await age(path, DAY_MS + 60_000);
    const manifestBytes = await manifestSize(world.mirrorDir, 1);

    assertEquals(await pruneCache(world.cacheDir, new Date()), {
      files: 3,
      bytes: 20 + manifestBytes,
    });
    for (const path of young) assertEquals((await Deno.stat(path)).size, 10);
    assertEquals((await Deno.stat(join(objects, old!))).size, oldBytes);
    await age(join(objects, old!), DAY_MS + 60_000);
    assertEquals(await pruneCache(world.cacheDir, new Date()), { files: 1, bytes: oldBytes });
    assertEquals((await cacheContents(world.cacheDir)).objects.length, 1);
    world.endpoint.take();
    assertEquals(await world.offlineVersion(), NEW);
    assertEquals(await pruneCache(world.cacheDir, new Date(Date.now() + DAY_MS)), {
      files: 2,
      bytes: 20,
    });
  });
});

async function manifestSize(mirrorDir: string, sequence: number): Promise<number> {
  return (await Deno.stat(join(mirrorDir, "manifests", `${sequence}.json`))).size;
}

Deno.test("pruneCache() removes what a kill left of writing the record, after a day", async () => {
  await withWarmCopy(async (world) => {
    const { sources } = cachePaths(world.cacheDir);
    const [source] = await cachedSources(world.cacheDir);
    const left = [
      join(sources, source!.name, `current.json.${crypto.randomUUID()}.tmp`),
      join(sources, source!.name, "manifests", `2.json.${crypto.randomUUID()}.tmp`),
    ];
    for (const path of left) await Deno.writeFile(path, new Uint8Array(10));
    assertEquals(await pruneCache(world.cacheDir, new Date()), { files: 0, bytes: 0 });
    for (const path of left) await age(path, DAY_MS + 60_000);
    assertEquals(await pruneCache(world.cacheDir, new Date()), { files: 2, bytes: 20 });
    assertEquals(await world.offlineVersion(), OLD);
  });
});

Deno.test("pruneCache() leaves a cache alone that a newer bfa uses, too", async () => {
  await withWarmCopy(async (world) => {
    const { objects, sources } = cachePaths(world.cacheDir);
    const [source] = await cachedSources(world.cacheDir);
    const manifest = JSON.stringify(source!.manifests[0]);
    const newer = manifest.replace('"schemaVersion":1', '"schemaVersion":99');
    await Deno.writeTextFile(join(sources, source!.name, "manifests", "2.json"), newer);
    await Deno.writeTextFile(join(objects, "of-the-newer-one"), "kept");
    const later = new Date(Date.now() + 2 * DAY_MS);
    const error = await assertRejects(() => pruneCache(world.cacheDir, later), BfaError);
    assertEquals([error.code, error.message], [
      "format_too_new",
      `Cannot prune ${world.cacheDir}: a newer bfa keeps files there that this one does not know; prune with that one`,
    ]);
    assertEquals(await Deno.readTextFile(join(objects, "of-the-newer-one")), "kept");
    assertEquals(await world.offlineVersion(), OLD);
  });
});

Deno.test("pruneCache() in the middle of an install, between manifest and record: nothing is lost", async () => {
  await withWarmCopy(async (world) => {
    await world.publishFiles(NEW, {});
    const folder = folderStore(world.cacheDir);
    const store: CopyStore = {
      ...folder,
      async setManifest(...args) {
        await folder.setManifest(...args);
        await pruneCache(world.cacheDir, new Date(Date.now() + DAY_MS / 2));
      },
    };
    const copy = new Copy({
      endpoint: world.endpoint.url,
      channel: "latest",
      store,
      http: httpClient(),
      trustedKeys: [],
      now: () => world.clock,
    });
    await copy.refresh();
    assertEquals(await world.offlineVersion(), NEW);
  });
});

Deno.test("clearCache() removes everything but whom it trusts; the next question fills it again", async () => {
  await withWarmCopy(async (world) => {
    const { bytes } = await cacheContents(world.cacheDir);
    assertEquals(await clearCache(world.cacheDir), { files: 1, bytes });
    const [cleared] = (await cacheContents(world.cacheDir)).sources;
    assertEquals([cleared!.record.sequence, cleared!.record.highestSequence], [0, 1]);
    assertEquals(cleared!.record.pins, [world.publisher.signers[0]!.keyId]);
    assertEquals((await (await world.open()).symbols()).version, OLD);
    assertEquals((await cacheContents(world.cacheDir)).bytes, bytes);
  });
});

Deno.test("clearCache() that is stopped after any step has not forgotten whom it trusts", async () => {
  await withWarmCopy(async (world) => {
    const { bytes } = await cacheContents(world.cacheDir);
    const real = Deno.remove;
    try {
      for (let steps = 0; steps < 8; steps++) {
        let left = steps;
        Deno.remove = async (...args) => {
          await real(...args);
          if (left-- === 0) throw new Error("killed");
        };
        await clearCache(world.cacheDir).catch(() => {});
        const [record] = (await cacheContents(world.cacheDir)).sources.map(({ record }) => record);
        assertEquals(
          [record?.highestSequence, record?.pins],
          [1, [world.publisher.signers[0]!.keyId]],
          `${steps} steps`,
        );
      }
    } finally {
      Deno.remove = real;
    }
    assertEquals((await (await world.open()).symbols()).version, OLD);
    assertEquals((await cacheContents(world.cacheDir)).bytes, bytes);
  });
});

Deno.test("clearCache() removes a folder into which another process writes meanwhile", async () => {
  await withWarmCopy(async ({ cacheDir }) => {
    const real = Deno.remove;
    let filled = false;
    try {
      Deno.remove = async (path, options) => {
        if (!String(path).endsWith("/objects") || filled) return await real(path, options);
        filled = true;
        // As a folder with contents answers: they came after it was read.
        await real(path);
      };
      assertEquals((await clearCache(cacheDir)).files, 1);
    } finally {
      Deno.remove = real;
    }
    assertEquals((await cacheContents(cacheDir)).objects, []);
  });
});

Deno.test("clearCache() while a record is being written: it is written again", async () => {
  await withWarmCopy(async (world) => {
    await world.publishFiles(NEW, {});
    const real = Deno.rename;
    let cleared = false;
    try {
      Deno.rename = async (from, to) => {
        if (String(to).endsWith("/current.json") && !cleared) {
          cleared = true;
          await clearCache(world.cacheDir);
        }
        await real(from, to);
      };
      assertEquals((await (await world.open()).refresh()).version, NEW);
    } finally {
      Deno.rename = real;
    }
    assertEquals([cleared, (await world.record())?.sequence], [true, 2]);
    assertEquals((await (await world.open()).symbols()).version, NEW);
  });
});
