import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cachePaths, unreadable } from "../../lib/cache/folder_store.ts";
import { clearCache, pruneCache, verifyCache } from "../../lib/cache/upkeep.ts";
import type { Notice } from "../../lib/mod.ts";
import { sourceName } from "../../lib/cache/copy.ts";
import type { BfaError } from "../../lib/core/errors.ts";
import { flipBit } from "../helpers/fault_disk.ts";
import {
  AT,
  codeOf,
  type CopyWorld,
  MORE_LISTINGS,
  NEW,
  OLD,
  someBytes,
  withCopy,
  withWarmCopy,
} from "../helpers/fault_world.ts";

const DAY_MS = 86_400_000;

async function objectOf(world: CopyWorld, name: string): Promise<string> {
  const { signed } = await (await world.open({ offline: true })).manifest();
  const { sha256 } = signed.artifacts.find((artifact) => artifact.name === name)!;
  return join(cachePaths(world.cacheDir).objects, sha256);
}

const recordFile = async (world: CopyWorld) =>
  join(
    cachePaths(world.cacheDir).sources,
    await sourceName(world.endpoint.url, "latest"),
    "current.json",
  );

const DAMAGES: { injected: string; damage: (path: string) => Promise<void> }[] = [
  { injected: "a bit flip", damage: flipBit },
  { injected: "a truncation to half", damage: (path) => Deno.truncate(path, 100) },
  { injected: "a truncation to nothing", damage: (path) => Deno.truncate(path, 0) },
  {
    injected: "bytes appended",
    damage: (path) => Deno.writeTextFile(path, "more", { append: true }),
  },
  { injected: "a deletion", damage: (path) => Deno.remove(path) },
];

for (const { injected, damage } of DAMAGES) {
  Deno.test(`${injected} in the listings: found before use, fetched again with 1 request`, async () => {
    await withWarmCopy(async (world) => {
      const path = await objectOf(world, "listings.json");
      const good = await Deno.readFile(path);
      await damage(path);
      assertEquals(await codeOf(world.offlineVersion()), "offline");
      assertEquals(world.endpoint.take(), []);
      assertEquals((await (await world.open()).symbols()).version, OLD);
      assertEquals(world.endpoint.take(), [`listings.json 200 ${good.length}`]);
      assertEquals(await Deno.readFile(path), good);
      assertEquals(await world.offlineVersion(), OLD);
    });
  });

  Deno.test(`${injected} in a pulled file: found before its path is given, fetched again`, async () => {
    await withCopy(async (world) => {
      const big = someBytes(100_000, 1);
      await world.publishFiles(NEW, { "big.bin": big });
      await (await world.open()).pull(["big.bin"]);
      await damage(await objectOf(world, "big.bin"));
      world.endpoint.take();
      const dataset = await world.open();
      assertEquals(await Deno.readFile(await dataset.path("big.bin")), big);
      assertEquals(world.endpoint.take(), ["big.bin 200 100000"]);
    });
  });
}

const TORN: [injected: string, text: (whole: string) => string][] = [
  ["empty", () => ""],
  ["cut in half", (whole) => whole.slice(0, whole.length / 2)],
  ["null", () => "null"],
  ["a list", () => "[]"],
  ["of wrong types", () => '{"endpoint":1,"sequence":"2"}'],
  ["no text", () => "\0\0\0\0"],
];

for (const [injected, text] of TORN) {
  Deno.test(`current.json ${injected}: no crash, as if there were no copy; the next contact repairs it`, async () => {
    await withWarmCopy(async (world) => {
      const path = await recordFile(world);
      const whole = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, text(whole));
      assertEquals(await codeOf(world.offlineVersion()), "offline");
      assertEquals((await verifyCache(world.cacheDir)).sound, 1);
      assertEquals((await (await world.open()).symbols()).version, OLD);
      // The listings are still there, and found by their digest.
      assertEquals(world.endpoint.take().map((line) => line.split(" ")[0]), ["manifest.json"]);
      assertEquals(await Deno.readTextFile(path), whole);
    });
  });
}

Deno.test("a torn manifest file: fetched whole again; pins and the highest sequence survive", async () => {
  await withWarmCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    await (await world.open()).refresh();
    world.endpoint.take();
    const manifest = join(await recordFile(world), "../manifests/2.json");
    await Deno.truncate(manifest, 300);
    assertEquals(await codeOf(world.offlineVersion()), "offline");
    const old = await Deno.readTextFile(join(world.mirrorDir, "manifests/1.json"));
    world.endpoint.fault = () => new Response(old);
    assertEquals(await codeOf((await world.open()).symbols()), "rollback");
    world.endpoint.fault = undefined;
    world.endpoint.take();
    assertEquals((await (await world.open()).symbols()).version, NEW);
    assertEquals(world.endpoint.take().length, 1);
    assertEquals(world.notices, []);
  });
});

Deno.test("the cache is deleted while a dataset is open: it goes on, and fills a new one", async () => {
  await withWarmCopy(async (world) => {
    const dataset = await world.open();
    const answer = await dataset.symbols();
    await Deno.remove(world.cacheDir, { recursive: true });
    assertEquals(await dataset.symbols(), answer);
    assertEquals(world.endpoint.take(), []);
    assertEquals((await Deno.readFile(await dataset.path("listings.json"))).length > 0, true);
    world.clock = new Date(AT.stale);
    await world.publishListings(NEW, MORE_LISTINGS);
    assertEquals((await dataset.symbols()).version, NEW);
    assertEquals(await world.offlineVersion(), NEW);
  });
});

Deno.test("the cache is deleted while a file of it is read: the reader finishes", async () => {
  await withWarmCopy(async (world) => {
    using file = await Deno.open(await (await world.open()).path("listings.json"));
    const { size } = await file.stat();
    await clearCache(world.cacheDir);
    const bytes = new Uint8Array(size + 1);
    assertEquals(await file.read(bytes), size);
    assertEquals(JSON.parse(new TextDecoder().decode(bytes.subarray(0, size))).listingsFormat, 1);
  });
});

Deno.test("a cache of a newer format beside it is left alone by questions, prune and clear", async () => {
  await withCopy(async (world) => {
    const newer = join(world.cacheDir, "v2/objects");
    await Deno.mkdir(newer, { recursive: true });
    await Deno.writeTextFile(join(newer, "something"), "of the future");
    await Deno.writeTextFile(join(world.cacheDir, "v2/current.json"), "{}");
    assertEquals((await (await world.open()).symbols()).version, OLD);
    await pruneCache(world.cacheDir, new Date(Date.now() + 10 * DAY_MS));
    await clearCache(world.cacheDir);
    assertEquals(await Deno.readTextFile(join(newer, "something")), "of the future");
    assertEquals(await Deno.readTextFile(join(world.cacheDir, "v2/current.json")), "{}");
    const left = (await Array.fromAsync(Deno.readDir(world.cacheDir))).map((e) => e.name).sort();
    assertEquals(left, ["CACHEDIR.TAG", "v1", "v2"]);
  });
});

Deno.test("a manifest of a newer format in the cache, left by a newer bfa: a pinned version still answers", async () => {
  await withWarmCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    await (await world.open()).refresh();
    const manifest = join(await recordFile(world), "../manifests/2.json");
    const text = await Deno.readTextFile(manifest);
    await Deno.writeTextFile(
      manifest,
      text.replace('"manifestFormat": 1', '"manifestFormat": 2'),
    );
    assertEquals((await (await world.open({ version: OLD })).symbols()).version, OLD);
  });
});

/** Files of the copy in whose place a folder stands, which is no more read than a file of another user. */
const IN_THE_WAY: [what: string, path: (world: CopyWorld) => Promise<string>, notices: string[]][] =
  [
    ["current.json", recordFile, ["not-kept", "pinned"]],
    ["listings.json", (world) => objectOf(world, "listings.json"), ["not-kept"]],
  ];

for (const [what, pathOf, notices] of IN_THE_WAY) {
  Deno.test(`${what} cannot be read: answers from memory, says not-kept; what needs the disk says why`, async () => {
    await withWarmCopy(async (world) => {
      const path = await pathOf(world);
      await Deno.remove(path);
      await Deno.mkdir(path);
      assertEquals((await (await world.open()).symbols()).version, OLD);
      assertEquals(world.notices, notices);
      if (what !== "current.json") return;
      const error = await (await world.open()).status().catch((error) => error);
      assertEquals(
        [error.code, error.message],
        [
          "storage",
          `Cannot read ${path}: Is a directory; repair the disk, or set BFA_CACHE_DIR, or cacheDir, to another folder`,
        ],
      );
    });
  });
}

Deno.test("a network folder that fails to write: answers from memory, says not-kept and what failed", async () => {
  for (const [code, said] of [["EIO", "Input/output error"], ["ESTALE", "Stale file handle"]]) {
    await withCopy(async (world) => {
      const reasons: string[] = [];
      const { rename } = Deno;
      try {
        Deno.rename = () =>
          Promise.reject(Object.assign(new Error(`${said} (os error 5)`), { code }));
        const onNotice = (notice: Notice) => {
          if (notice.kind === "not-kept") reasons.push(notice.reason);
        };
        assertEquals((await (await world.open({ onNotice })).symbols()).version, OLD);
      } finally {
        Deno.rename = rename;
      }
      const path = join(world.cacheDir, "CACHEDIR.TAG");
      assertEquals(reasons, [`Cannot write ${path}: ${said}`]);
    });
  }
});

Deno.test("a network folder without locks is a cache all the same", async () => {
  await withCopy(async (world) => {
    const { tryLock } = Deno.FsFile.prototype;
    try {
      Deno.FsFile.prototype.tryLock = () => Promise.reject(new Error("No locks available"));
      assertEquals((await (await world.open()).symbols()).version, OLD);
    } finally {
      Deno.FsFile.prototype.tryLock = tryLock;
    }
    assertEquals(await world.offlineVersion(), OLD);
    assertEquals(world.notices, ["pinned"]);
  });
});

Deno.test("a file of another user is told as one, whatever the platform calls it", () => {
  for (const code of ["EACCES", "EPERM"]) {
    const said = new Deno.errors.PermissionDenied("Permission denied (os error 13): readfile '/x'");
    const error = unreadable(Object.assign(said, { code }), "/x") as BfaError;
    assertEquals(
      [error.code, error.message],
      [
        "storage",
        "Cannot read /x: it belongs to another user; give it to this one, or set BFA_CACHE_DIR, or cacheDir, to another folder",
      ],
    );
  }
  const bug = new TypeError("x is not a function");
  assertEquals(unreadable(bug, "/x"), bug);
});
