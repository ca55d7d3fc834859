/** Caches and mirrors as earlier programs wrote them, from committed files; and what later ones may write. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { cacheContents, clearCache, pruneCache, verifyCache } from "../../lib/cache/upkeep.ts";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { copyFolder } from "../helpers/copy_folder.ts";
import { serveMirror } from "../helpers/endpoint.ts";

const FIXTURES = new URL("../fixtures/formats/", import.meta.url).pathname;

/** Every form that a cache and a mirror ever had, oldest first; see `tests/fixtures/formats/make.ts`. */
const FORMS = ["1-first", "1", "1-blocks"] as const;

/** How many files a version of that form has. */
const FILES = { "1-first": 11, "1": 11, "1-blocks": 13 } as const;

const NOW = new Date("2024-04-01T13:00:00Z");

/** Gives a test its own copy of a fixture. */
async function withForm(form: string, test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-form-" });
  try {
    await copyFolder(join(FIXTURES, form), dir);
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** All files of a folder, with what they hold. */
async function contentsOf(dir: string, prefix = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(join(dir, prefix))) {
    const path = `${prefix}${name}`;
    if (isDirectory) Object.assign(found, await contentsOf(dir, `${path}/`));
    else found[path] = await Deno.readTextFile(join(dir, path));
  }
  return found;
}

const TRADED = ["AAAUSDT", "DDDUSDC", "EEEUSDT_240329", "币安人生USDT"];

for (const form of FORMS) {
  Deno.test(`a cache of form ${form} answers without network: listings, rows and SQL`, async () => {
    await withForm(form, async (dir) => {
      const cacheDir = join(dir, "cache");
      const refuse = () => Promise.reject(new Error("no network"));
      const dataset = await open({ cacheDir, fetch: refuse, now: () => NOW });
      assertEquals((await dataset.snapshot("2024-03-15")).symbols, [
        TRADED[0],
        "BBBUSDT",
        ...TRADED.slice(1),
      ]);
      const { rows } = await dataset.rows({ day: "2024-01-15", columns: ["state", "trade_count"] });
      assertEquals(rows.map(({ symbol, state }) => [symbol, state]), [
        ["AAAUSDT", "traded"],
        ["CCCUSDT", "traded"],
        ["DDDUSDC", "traded"],
      ]);
      const counted = await dataset.sql("SELECT count(*) FROM daily_availability");
      assertEquals(counted.rows, [[369]]);
      assertEquals(await verifyCache(cacheDir), { sound: 6, damaged: [] });
      const { objects } = await cacheContents(cacheDir);
      assert(objects.every(({ usedBy }) => usedBy.length === 1));
    });
  });

  Deno.test(`a mirror of form ${form} is read: manifest, rows by ranges, all files`, async () => {
    await withForm(form, async (dir) => {
      const endpoint = serveMirror(join(dir, "mirror"));
      try {
        const now = () => NOW;
        const ranges = await open({ endpoint: endpoint.url, copy: "none", now });
        const bySymbol = await ranges.rows({ symbol: "DDDUSDC", columns: "all" });
        const copied = await open({ endpoint: endpoint.url, cacheDir: join(dir, "new"), now });
        assertEquals(
          (await copied.rows({ symbol: "DDDUSDC", columns: "all" })).rows,
          bySymbol.rows,
        );
        assertEquals(bySymbol.count, 82);
        assertEquals((await ranges.top("2024-03-31", 3)).ranked, 4);
        assertEquals((await copied.pull(["*"])).length, FILES[form]);
      } finally {
        await endpoint.close();
      }
    });
  });
}

Deno.test("what a cache of the first form has is not fetched again by a copy of another endpoint", async () => {
  await withForm("1-first", async (dir) => {
    const endpoint = serveMirror(join(dir, "mirror"));
    try {
      const cacheDir = join(dir, "cache");
      const first = await open({ cacheDir, now: () => NOW });
      const kept = (await first.status()).keys;
      const moved = await open({
        endpoint: endpoint.url,
        cacheDir,
        trustedKeys: kept,
        now: () => NOW,
      });
      assertEquals((await moved.refresh()).version, "2024-03-31.1");
      // Objects are named by their digests: what the old copy has is not fetched again.
      assertEquals(endpoint.take().filter((line) => line.includes("parts/")), []);
    } finally {
      await endpoint.close();
    }
  });
});

Deno.test("a manifest of a later format: exit 9, a clear line, and the copy answers as before", async () => {
  await withForm("1", async (dir) => {
    const endpoint = serveMirror(join(dir, "mirror"));
    try {
      const env = { BFA_ENDPOINT: endpoint.url, BFA_CACHE_DIR: join(dir, "own"), HOME: dir };
      assertEquals((await bfa(["snapshot", "2024-03-31", "-q"], { env, now: NOW })).code, 0);
      const before = await contentsOf(join(dir, "own", "v1", "objects"));
      const manifest = JSON.parse(await Deno.readTextFile(join(dir, "mirror", "manifest.json")));
      manifest.signed.manifestFormat = 2;
      await Deno.writeTextFile(join(dir, "mirror", "manifest.json"), JSON.stringify(manifest));
      const refused = await bfa(["refresh"], { env, now: NOW });
      assertEquals(refused.code, 9);
      assertStringIncludes(refused.err, "Cannot read a manifest of format 2");
      assertStringIncludes(refused.err, "update bfa");
      const answer = await bfa(["snapshot", "2024-03-31", "-q"], { env, now: NOW });
      assertEquals([answer.code, answer.out], [
        0,
        [...TRADED.slice(0, 1), "BBBUSDT", "DDDUSDC", "币安人生USDT", ""].join("\n"),
      ]);
      assertEquals(await contentsOf(join(dir, "own", "v1", "objects")), before);
    } finally {
      await endpoint.close();
    }
  });
});

Deno.test("what other formats keep in the same cache folder is never read, changed or removed", async () => {
  await withForm("1", async (dir) => {
    const cacheDir = join(dir, "cache");
    const others = {
      "v2/index.sqlite": "a later format",
      "v2/objects/00": "its object",
      "objects/00": "a layout from before there were formats",
      "current.json": '{"version":"2019-12-31.1"}',
    };
    for (const [path, text] of Object.entries(others)) {
      await Deno.mkdir(join(cacheDir, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(cacheDir, path), text);
    }
    const dataset = await open({ cacheDir, offline: true, now: () => NOW });
    assertEquals((await dataset.snapshot("2024-03-31")).version, "2024-03-31.1");
    await verifyCache(cacheDir);
    await pruneCache(cacheDir, new Date("2030-01-01"));
    await clearCache(cacheDir);
    const left = await contentsOf(cacheDir);
    for (const [path, text] of Object.entries(others)) {
      assertEquals([path, left[path]], [path, text]);
    }
    assert(!Object.keys(left).some((path) => path.startsWith("v1/objects/")));
  });
});
