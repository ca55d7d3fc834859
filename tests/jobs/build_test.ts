import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { type FileMetaData, parquetMetadata } from "hyparquet";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { listing } from "../helpers/listing.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { parseListings } from "../../lib/core/listings_file.ts";
import type { Artifact } from "../../lib/core/manifest.ts";
import { DAILY_AVAILABILITY, LISTINGS } from "../../lib/core/schema.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { hashFile } from "../../lib/files/file_facts.ts";
import { build } from "../../lib/jobs/build.ts";
import { type Build, readBuild } from "../../lib/jobs/build_folder.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { gunzipFile, readBuffer, readParquetRows } from "../helpers/parquet.ts";

/** Two closed years and two months of the current one; relisted, delivered, halted, with a gap. */
const LISTINGS_FILE: ListingsFile = {
  dataThrough: parseDay("2024-02-10"),
  listings: [
    listing("AAAUSDT#1", "2022-12-30", null, null, {
      contractType: "perpetual",
      quoteAsset: "USDT",
      gaps: [[parseDay("2023-01-02"), parseDay("2023-01-02")]],
      halts: [[parseDay("2023-06-01"), parseDay("2023-06-03")]],
    }),
    listing("BBBUSDT#1", "2023-12-30", "2024-01-02", "2024-01-05"),
    listing("BBBUSDT#2", "2024-02-01", null, null),
    listing("ETHUSDT_240126#1", "2024-01-20", "2024-01-26", "2024-01-26", {
      contractType: "delivery",
    }),
    listing("ZZZUSDT#1", "2024-02-11"),
    listing("币安人生USDT#1", "2024-02-09", null, null, { quoteAsset: "USDT" }),
  ],
};
const VERSION = "2024-02-10.1";

/** 408 days of AAAUSDT, 7 + 10 of BBBUSDT, 7 of the delivery, 2 of 币安人生USDT. */
const ROWS = 408 + 17 + 7 + 2;

const ROWS_OF = {
  "availability.parquet": ROWS,
  "availability-by-symbol.parquet": ROWS,
  "parts/2022.parquet": 2,
  "parts/2023.parquet": 367,
  "parts/2024-01.parquet": 43,
  "parts/2024-02.parquet": 22,
};

let root: string;
let dir: string;
let made: Build;

Deno.test.beforeAll(async () => {
  root = await Deno.makeTempDir({ prefix: "bfa-build-" });
  dir = join(root, "first");
  made = await build(LISTINGS_FILE, { version: VERSION, outDir: dir });
});

Deno.test.afterAll(() => Deno.remove(root, { recursive: true }));

Deno.test("`build()` makes the artifacts of a version: closed years, months of the current one", () => {
  assertEquals(made.artifacts.map((a) => [a.name, a.role]), [
    ["listings.json", "listings"],
    ["availability.parquet", "availability"],
    ["availability-by-symbol.parquet", "availability-by-symbol"],
    ["parts/2022.parquet", "part"],
    ["parts/2023.parquet", "part"],
    ["parts/2024-01.parquet", "part"],
    ["parts/2024-02.parquet", "part"],
    ["blocks/availability.parquet", "blocks"],
    ["availability.duckdb.gz", "database"],
    ["datapackage.json", "description"],
  ]);
  const { artifacts: _, ...facts } = made;
  assertEquals<unknown>(facts, {
    version: VERSION,
    dataThrough: "2024-02-10",
    schemaVersion: 1,
    rows: ROWS,
    symbols: 5,
    formats: {
      duckdbStorage: "v1.0.0",
      parquet: {
        codecs: ["ZSTD"],
        encodings: ["DELTA_BINARY_PACKED", "PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY"],
      },
    },
  });
});

Deno.test("`build()` counts the rows of every Parquet file", () => {
  const rows = made.artifacts.flatMap((a) => a.parquet ? [[a.name, a.parquet.rows]] : []);
  assertEquals(Object.fromEntries(rows), ROWS_OF);
});

Deno.test("`build()` leaves only what the artifacts name, and its own `build.json`", async () => {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(dir)) if (isFile) names.push(name);
  for (const folder of ["parts", "blocks"]) {
    for await (const { name } of Deno.readDir(join(dir, folder))) names.push(`${folder}/${name}`);
  }
  assertEquals(names.sort(), ["build.json", ...made.artifacts.map((a) => a.name)].sort());
  assertEquals(await readBuild(dir), made);
  assertEquals(await readBuild(join(root, "nothing-here")), undefined);
});

Deno.test("every artifact has the length and the digest that the build states", async () => {
  for (const { name, bytes, sha256 } of made.artifacts) {
    assertEquals(await hashFile(join(dir, name)), { bytes, sha256 }, name);
  }
});

Deno.test("`footerBytes` of a tail are enough to read a Parquet file's metadata, one less is not", async () => {
  for (const { name, parquet } of made.artifacts.filter((a) => a.parquet)) {
    const file = await readBuffer(join(dir, name));
    const whole: FileMetaData = parquetMetadata(file);
    const tail = file.slice(-parquet!.footerBytes);
    assertEquals(parquetMetadata(tail).num_rows, BigInt(parquet!.rows), name);
    assertThrows(() => parquetMetadata(tail.slice(1)), Error, "metadata length");
    assertEquals(
      whole.schema.slice(1).map((column) => column.name),
      DAILY_AVAILABILITY.map((column) => column.name),
    );
  }
});

Deno.test("the two whole Parquet files hold the same rows, each in its own order", async () => {
  const byDay = await readParquetRows(join(dir, "availability.parquet"));
  const bySymbol = await readParquetRows(join(dir, "availability-by-symbol.parquet"));
  const order = (...keys: ("date" | "symbol")[]) => (a: typeof byDay[0], b: typeof byDay[0]) => {
    const key = keys.find((key) => a[key] !== b[key]);
    return key === undefined ? 0 : a[key] < b[key] ? -1 : 1;
  };
  assertEquals(byDay, byDay.toSorted(order("date", "symbol")));
  assertEquals(bySymbol, byDay.toSorted(order("symbol", "date")));
  assertEquals(byDay.filter((row) => row.symbol === "AAAUSDT").slice(2, 5), [
    { date: "2023-01-01", symbol: "AAAUSDT", state: "traded", available: true },
    { date: "2023-01-02", symbol: "AAAUSDT", state: "missing", available: false },
    { date: "2023-01-03", symbol: "AAAUSDT", state: "traded", available: true },
  ]);
});

Deno.test("the parts, one after the other, are the rows in date order", async () => {
  const parts = made.artifacts.filter((a) => a.role === "part");
  const rows = await Promise.all(parts.map((a) => readParquetRows(join(dir, a.name))));
  assertEquals(rows.flat(), await readParquetRows(join(dir, "availability.parquet")));
});

Deno.test("`datapackage.json` describes every other artifact, by length and digest", async () => {
  const descriptor = JSON.parse(await Deno.readTextFile(join(dir, "datapackage.json")));
  const { resources, name, version } = descriptor;
  assertEquals([name, version], ["binance-um-daily-availability", VERSION]);
  assertEquals(
    resources.map((r: Record<string, unknown>) => [r.path, r.bytes, r.hash, r.mediatype]),
    made.artifacts.slice(0, -1).map((a) => [a.name, a.bytes, `sha256:${a.sha256}`, a.mediaType]),
  );
  const names = resources.map((r: { name: string }) => r.name);
  assertEquals(new Set(names).size, names.length);
  assertEquals(names.every((text: string) => /^[a-z0-9-]+$/.test(text)), true);
  const told = resources.filter((r: { description?: string }) => r.description?.includes("ranges"));
  assertEquals(told.map((r: { path: string }) => r.path), ["blocks/availability.parquet"]);
});

Deno.test("`listings.json` is what the version was built from", async () => {
  assertEquals(parseListings(await Deno.readTextFile(join(dir, "listings.json"))), LISTINGS_FILE);
});

Deno.test("the database holds both tables, the view and the day it goes through", async () => {
  const path = join(root, "look.duckdb");
  await gunzipFile(join(dir, "availability.duckdb.gz"), path);
  await withDuckdb({}, async (connection) => {
    await connection.run(`ATTACH ${sqlText(path)} AS file (READ_ONLY)`);
    await connection.run("USE file");
    const all = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
    assertEquals(await all("SELECT count(*) FROM daily_availability"), [[String(ROWS)]]);
    assertEquals(await all("SELECT listing FROM listings ORDER BY ALL"), [
      ["AAAUSDT#1"],
      ["BBBUSDT#1"],
      ["BBBUSDT#2"],
      ["ETHUSDT_240126#1"],
      ["ZZZUSDT#1"],
      ["币安人生USDT#1"],
    ]);
    assertEquals(await all("SELECT * FROM dataset"), [["2024-02-10", 1]]);
    assertEquals(
      await all(`SELECT url, status_code FROM availability_urls
        WHERE date = '2024-02-10' AND symbol = '币安人生USDT' OR state = 'missing' ORDER BY date`),
      [
        [
          "https://data.binance.vision/data/futures/um/daily/klines/AAAUSDT/1m/AAAUSDT-1m-2023-01-02.zip",
          404,
        ],
        [
          "https://data.binance.vision/data/futures/um/daily/klines/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT/1m/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT-1m-2024-02-10.zip",
          200,
        ],
      ],
    );
    for (
      const [table, columns] of [["daily_availability", DAILY_AVAILABILITY], [
        "listings",
        LISTINGS,
      ]] as const
    ) {
      assertEquals(
        await all(`SELECT column_name, data_type FROM duckdb_columns()
          WHERE database_name = 'file' AND table_name = '${table}' ORDER BY column_index`),
        columns.map((column) => [column.name, column.type]),
      );
    }
  });
});

Deno.test("`build()` of the same listings gives the same bytes, in a folder of any name", async () => {
  const again = await build(LISTINGS_FILE, {
    version: VERSION,
    outDir: join(root, "it's", "deep [1] * ü", "again"),
  });
  assertEquals(again, made);
});

Deno.test("`build()` of the whole seed gives the same bytes twice", async () => {
  // The small listings fit one block: only here could threads write rows in varying blocks.
  const seed = await seedListings();
  const version = `${seed.dataThrough}.1`;
  const once = await build(seed, { version, outDir: join(root, "seed-1") });
  assertEquals(await build(seed, { version, outDir: join(root, "seed-2") }), once);
  assertEquals(once.symbols, 946);
});

Deno.test("the database's bytes do not hang on how DuckDB samples strings to compress them", async () => {
  // Thousands of similar names make it choose FSST, whose symbol table comes from a random sample.
  const listings = Array.from(
    { length: 5000 },
    (_, i) => listing(`${1_000_000 + i * 7919}SETTLEDUSDT#1`, "2024-01-01", "2024-01-02"),
  ).sort((a, b) => a.symbol < b.symbol ? -1 : 1);
  const many = { dataThrough: parseDay("2024-02-10"), listings };
  const once = await build(many, { version: VERSION, outDir: join(root, "many-1") });
  const again = await build(many, { version: VERSION, outDir: join(root, "many-2") });
  const isDatabase = ({ role }: Artifact) => role === "database";
  assertEquals(again.artifacts.find(isDatabase), once.artifacts.find(isDatabase));
});

Deno.test("`build()` of one more day leaves the parts of closed periods as they are", async () => {
  const next = await build({ ...LISTINGS_FILE, dataThrough: parseDay("2024-02-11") }, {
    version: "2024-02-11.1",
    outDir: join(root, "next"),
  });
  const digests = new Map(made.artifacts.map((a) => [a.name, a.sha256]));
  const same = next.artifacts.filter((a) => a.sha256 === digests.get(a.name)).map((a) => a.name);
  assertEquals(same, ["parts/2022.parquet", "parts/2023.parquet", "parts/2024-01.parquet"]);
  assertEquals(next.rows, ROWS + 4);
});

Deno.test("`build()` replaces what an earlier build left in the folder", async () => {
  const outDir = join(root, "twice");
  const small = { dataThrough: parseDay("2024-01-01"), listings: LISTINGS_FILE.listings };
  await build(small, { version: "2024-01-01.1", outDir });
  assertEquals(await build(LISTINGS_FILE, { version: VERSION, outDir }), made);
  assertEquals((await Array.fromAsync(Deno.readDir(join(outDir, "parts")))).length, 4);
});

Deno.test("`build()` refuses a version of another day, and makes nothing", async () => {
  for (const version of ["2024-02-09.1", "2024-02-10", "2024-02-10.0", "../2024-02-10.1"]) {
    const options = { version, outDir: join(root, "refused", "out") };
    const error = await assertRejects(() => build(LISTINGS_FILE, options), BfaError);
    assertEquals(error.code, "usage");
  }
  await assertRejects(() => Deno.stat(join(root, "refused")), Deno.errors.NotFound);
});

Deno.test("`build()` refuses listings that no client would read", async () => {
  const [a, , second, first] = LISTINGS_FILE.listings;
  const cases: [string, readonly Listing[], string][] = [
    [
      "unsorted",
      [second!, a!],
      'for their row "AAAUSDT": order; sort them by symbol and first day, without overlaps',
    ],
    [
      "overlapping",
      [a!, listing("AAAUSDT#2", "2024-01-01")],
      'for their row "AAAUSDT": order; sort them by symbol and first day, without overlaps',
    ],
    // JavaScript rolls this day over into March.
    [
      "no such day",
      [listing("AAAUSDT#1", "2023-02-30"), first!],
      'for their row "AAAUSDT": first; correct it',
    ],
  ];
  for (const [what, listings, reason] of cases) {
    const outDir = join(root, "unreadable");
    const file = { ...LISTINGS_FILE, listings };
    const said = `every client would refuse its listings, ${reason}`;
    const refused = await assertRejects(() => build(file, { version: VERSION, outDir }), BfaError);
    assertEquals(
      [refused.code, refused.message],
      ["usage", `Cannot build ${VERSION}: ${said}`],
      what,
    );
    await assertRejects(() => Deno.stat(outDir), Deno.errors.NotFound);
  }
});

Deno.test("a build that fails leaves no folder, and an earlier build as it was", async () => {
  const within = join(root, "failing");
  const outDir = join(within, "out");
  await build(LISTINGS_FILE, { version: VERSION, outDir });
  const options = { version: "2024-02-10.2", outDir, observations: join(root, "missing.duckdb") };
  const error = await assertRejects(() => build(LISTINGS_FILE, options), Error);
  assertStringIncludes(error.message, "missing.duckdb");
  assertEquals((await Array.fromAsync(Deno.readDir(within))).map((e) => e.name), ["out"]);
  assertEquals(await readBuild(outDir), made);
});

Deno.test("`build()` of no listings at all has no rows and no parts", async () => {
  const empty = { dataThrough: parseDay("2024-02-10"), listings: [] };
  const built = await build(empty, { version: VERSION, outDir: join(root, "empty") });
  assertEquals([built.rows, built.symbols], [0, 0]);
  assertEquals(built.artifacts.filter((a) => a.role === "part"), []);
  assertEquals(await readParquetRows(join(root, "empty", "availability.parquet")), []);
});
