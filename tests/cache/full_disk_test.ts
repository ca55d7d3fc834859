import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cachePaths } from "../../lib/cache/folder_store.ts";
import { clearCache } from "../../lib/cache/upkeep.ts";
import { canMount, flipBit, type SmallDisk, withSmallDisk } from "../helpers/fault_disk.ts";
import {
  AT,
  codeOf,
  type CopyWorld,
  MORE_LISTINGS,
  NEW,
  OLD,
  someBytes,
  withCopy,
} from "../helpers/fault_world.ts";
import { open } from "../../lib/mod.ts";

/** A test with a cache on a disk of 64 KiB; visibly ignored where nothing can be mounted. */
function diskTest(
  name: string,
  test: (world: CopyWorld, disk: SmallDisk) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !canMount,
    fn: () =>
      withSmallDisk((disk) =>
        withCopy((world) => test(world, disk), { cacheDir: join(disk.dir, "cache") })
      ),
  });
}

/** Files of the cache, with their sizes. */
async function files(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory) found.push(...await files(path));
    else found.push(`${path} ${(await Deno.stat(path)).size}`);
  }
  return found.sort();
}

diskTest(
  "a read-only disk without a copy: answers from memory, says not-kept",
  async (world, disk) => {
    await disk.readOnly(true);
    const dataset = await world.open();
    assertEquals((await dataset.symbols()).version, OLD);
    assertEquals(world.notices, ["not-kept", "pinned"]);
    world.endpoint.take();
    assertEquals((await dataset.symbols()).version, OLD);
    assertEquals(world.endpoint.take(), []);
    assertEquals(await files(disk.dir), []);
  },
);

Deno.test({
  name:
    "a place where no folder can be made: answers from memory, says not-kept and what to do for files",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withCopy(async (world) => {
      const dataset = await world.open();
      assertEquals((await dataset.symbols()).version, OLD);
      assertEquals(world.notices, ["not-kept", "pinned"]);
      const refused = await dataset.path("listings.json").catch((error) => error);
      assertEquals(
        [refused.code, refused.message],
        [
          "storage",
          "Cannot give the file listings.json: the copy is in memory; set BFA_CACHE_DIR, or cacheDir, to a folder that can be written",
        ],
      );
    }, { cacheDir: "/proc/bfa" }),
});

diskTest("a read-only disk with a fresh copy: 0 requests, no notice", async (world, disk) => {
  await (await world.open()).symbols();
  await disk.readOnly(true);
  world.endpoint.take();
  world.notices.length = 0;
  assertEquals((await (await world.open()).symbols()).version, OLD);
  assertEquals(world.endpoint.take(), []);
  assertEquals(world.notices, []);
});

for (const at of ["due", "stale"] as const) {
  diskTest(
    `a read-only disk with a ${at} copy: the newer version answers from memory, the copy is as before`,
    async (world, disk) => {
      await (await world.open()).symbols();
      const before = await files(disk.dir);
      await disk.readOnly(true);
      world.notices.length = 0;
      world.clock = new Date(AT[at]);
      await world.publishListings(NEW, MORE_LISTINGS);
      const dataset = await world.open();
      await dataset.symbols();
      await dataset.settled();
      assertEquals((await dataset.symbols()).version, NEW);
      assertEquals(world.notices, ["not-kept"]);
      assertEquals(await files(disk.dir), before);
      assertEquals(await world.offlineVersion(), OLD);
    },
  );
}

diskTest(
  "a read-only disk: pins and the highest sequence are still known in memory",
  async (world, disk) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    await (await world.open()).symbols();
    await disk.readOnly(true);
    const first = join(world.mirrorDir, "manifests/1.json");
    await Deno.copyFile(first, join(world.mirrorDir, "manifest.json"));
    assertEquals(await codeOf((await world.open()).refresh()), "rollback");
  },
);

diskTest(
  "a read-only disk with a damaged object: fetched into memory, says not-kept",
  async (world, disk) => {
    await (await world.open()).symbols();
    const { objects } = cachePaths(world.cacheDir);
    for await (const { name } of Deno.readDir(objects)) await flipBit(join(objects, name));
    await disk.readOnly(true);
    world.notices.length = 0;
    assertEquals((await (await world.open()).symbols()).version, OLD);
    assertEquals(world.notices, ["not-kept"]);
  },
);

diskTest(
  "a full disk without a copy: answers from memory, says not-kept, leaves no object",
  async (world, disk) => {
    await disk.fill();
    assertEquals((await (await world.open()).symbols()).version, OLD);
    assertEquals(world.notices, ["not-kept", "pinned"]);
  },
);

diskTest(
  "a disk that fills up at any point of an install: old or new, never torn, never refused",
  async (world, disk) => {
    await (await world.open()).symbols();
    world.clock = new Date(AT.stale);
    await world.publishListings(NEW, MORE_LISTINGS);
    let kept = 0;
    for (let pages = 0; pages < 12; pages++) {
      await disk.fill(pages);
      world.notices.length = 0;
      assertEquals((await (await world.open()).symbols()).version, NEW, `${pages} pages left`);
      const version = await world.offlineVersion();
      assertEquals([OLD, NEW].includes(version), true);
      assertEquals(world.notices, version === NEW ? [] : ["not-kept"], `${pages} pages left`);
      // An empty part waits for the next try.
      const left = (await files(disk.dir)).filter((file) => /\.tmp |\.part [1-9]/.test(file));
      assertEquals(left, [], "a full disk gets its room back");
      await disk.empty();
      if (version === NEW) kept++;
    }
    assertEquals(kept > 0, true, "with enough room it is kept");
  },
);

diskTest(
  "a file larger than the disk: storage, the copy still answers, the room is given back",
  async (world, disk) => {
    await world.publishFiles(NEW, { "big.bin": someBytes(200_000, 1) });
    const dataset = await world.open();
    await dataset.symbols();
    assertEquals(await codeOf(dataset.pull(["big.bin"])), "storage");
    assertEquals((await dataset.symbols()).version, NEW);
    assertEquals(await world.offlineVersion(), NEW);
    const bytes = (await files(disk.dir)).reduce(
      (sum, file) => sum + Number(file.split(" ")[1]),
      0,
    );
    assertEquals(bytes < 10_000, true);
    assertEquals((await world.record())!.keeps, ["listings.json"]);
  },
);

diskTest(
  "a full disk: clearing the cache makes room, and keeps whom it trusts",
  async (world, disk) => {
    await (await world.open()).symbols();
    const { pins } = (await world.record())!;
    await disk.fill();
    assertEquals((await clearCache(world.cacheDir)).files, 1);
    const { sequence, highestSequence, pins: kept } = (await world.record())!;
    assertEquals([sequence, highestSequence, kept], [0, 1, pins]);
  },
);

diskTest("a read-only disk: clearing the cache is refused in one line", async (world, disk) => {
  await (await world.open()).symbols();
  await disk.readOnly(true);
  const error = await clearCache(world.cacheDir).catch((error) => error);
  assertEquals([error.code, /^Cannot write .*: this place is read-only$/.test(error.message)], [
    "storage",
    true,
  ]);
});

Deno.test("a cache folder below a file: answers from memory, says not-kept", async () => {
  await withCopy(async (world) => {
    const file = join(world.dir, "file");
    await Deno.writeTextFile(file, "");
    const dataset = await world.open({ cacheDir: join(file, "cache") });
    assertEquals((await dataset.symbols()).version, OLD);
    assertEquals(world.notices, ["not-kept", "pinned"]);
  });
});

Deno.test("a cache folder that is a file: the seed answers all the same", async () => {
  await withCopy(async (world) => {
    const file = join(world.dir, "file");
    await Deno.writeTextFile(file, "");
    const dataset = await open({ cacheDir: file });
    assertEquals((await dataset.snapshot("2019-12-31")).count, 3);
  });
});
