/** Builds whose whole files do not go as far as the version, and what reads them. */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { addDays, parseDay } from "../../lib/core/day.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { readRowsJson } from "../../lib/engine/sql_answer.ts";
import { build } from "../../lib/jobs/build.ts";
import type { Build } from "../../lib/jobs/build_folder.ts";
import { follow } from "../../lib/jobs/follow.ts";
import { sqlService } from "../../lib/jobs/sql_service.ts";
import type { MirrorReader } from "../../lib/mirror/mirror.ts";
import { open } from "../../lib/mod.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { listing } from "../helpers/listing.ts";
import { MANY_LISTINGS, publishNumbers, writeObservations } from "../helpers/numbers.ts";
import { gunzipFile } from "../helpers/parquet.ts";
import { withPublisher } from "../helpers/publisher.ts";

/** The listings a day later: nothing has ended since. */
const NEXT: ListingsFile = { ...MANY_LISTINGS, dataThrough: addDays(MANY_LISTINGS.dataThrough, 1) };

/** With files missing, so that numbers are missing too. */
const GAPS: ListingsFile = {
  ...MANY_LISTINGS,
  listings: [
    listing("AGAPUSDT#1", "2024-01-05", null, null, {
      gaps: [[parseDay("2024-01-10"), parseDay("2024-02-03")]],
    }),
    ...MANY_LISTINGS.listings,
  ],
};

let root: string;
let daily: Build;
let monthly: Build;
const of = (name: string) => join(root, "monthly", name);

/** Builds listings with numbers, into a folder of a name. */
async function made(name: string, file: ListingsFile, more: { wholeFiles?: "monthly" } = {}) {
  const observations = join(root, `${name}.observations.duckdb`);
  await writeObservations(observations, file);
  const version = `${file.dataThrough}.1`;
  return await build(file, { version, outDir: join(root, name), observations, ...more });
}

Deno.test.beforeAll(async () => {
  root = await Deno.makeTempDir({ prefix: "bfa-whole-" });
  daily = await made("daily", GAPS);
  monthly = await made("monthly", GAPS, { wholeFiles: "monthly" });
});

Deno.test.afterAll(() => Deno.remove(root, { recursive: true }));

Deno.test("whole files say how far they go; the others are those of every version", () => {
  assertEquals(
    monthly.artifacts.map(({ name, dataThrough }) => dataThrough ? [name, dataThrough] : name),
    [
      "listings.json",
      ["availability.parquet", "2024-02-29"],
      ["availability-by-symbol.parquet", "2024-02-29"],
      "recent/availability-by-symbol.parquet",
      "parts/2023.parquet",
      "parts/2024-01.parquet",
      "parts/2024-02.parquet",
      "parts/2024-03.parquet",
      "blocks/availability.parquet",
      ["volume-rankings.parquet", "2024-02-29"],
      "recent/volume-rankings.parquet",
      "blocks/volume-rankings.parquet",
      ["availability.duckdb.gz", "2024-02-29"],
      "quarantine.json",
      "datapackage.json",
    ],
  );
  assertEquals(daily.artifacts.filter(({ dataThrough }) => dataThrough !== undefined), []);
  assertEquals(
    daily.artifacts.map(({ name }) => name),
    monthly.artifacts.map(({ name }) => name).filter((name) => !name.startsWith("recent/")),
  );
  // Only what is read by ranges because of it is written in another way.
  const other = daily.artifacts.map(({ sha256 }) => sha256);
  assertEquals(
    monthly.artifacts.filter(({ sha256 }) => other.includes(sha256)).map(({ name }) => name),
    [
      "listings.json",
      "parts/2023.parquet",
      "parts/2024-01.parquet",
      "parts/2024-02.parquet",
      "quarantine.json",
    ],
  );
});

Deno.test("a whole file and the days after it are all rows, each once", async () => {
  const pairs = [
    ["availability.parquet", "parts/2024-03.parquet"],
    ["availability-by-symbol.parquet", "recent/availability-by-symbol.parquet"],
    ["volume-rankings.parquet", "recent/volume-rankings.parquet"],
  ] as const;
  await withDuckdb({}, async (connection) => {
    const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
    for (const [whole, recent] of pairs) {
      const [short, after] = [sqlText(of(whole)), sqlText(of(recent))];
      const all = sqlText(join(root, "daily", whole));
      assertEquals(await rows(`SELECT max(date) FROM ${short}`), [["2024-02-29"]]);
      assertEquals(await rows(`SELECT min(date) FROM ${after}`), [["2024-03-01"]]);
      const joined = `FROM ${short} UNION ALL FROM ${after}`;
      assertEquals(await rows(`(${joined}) EXCEPT ALL FROM ${all}`), [], whole);
      assertEquals(await rows(`(FROM ${all}) EXCEPT ALL (${joined})`), [], whole);
    }
  });
});

Deno.test("the database goes as far as it says: rows, rankings and listings", async () => {
  const path = join(root, "look.duckdb");
  await gunzipFile(of("availability.duckdb.gz"), path);
  await withDuckdb({}, async (connection) => {
    await connection.run(`ATTACH ${sqlText(path)} AS file (READ_ONLY)`);
    await connection.run("USE file");
    const all = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
    assertEquals(await all("SELECT data_through FROM dataset"), [["2024-02-29"]]);
    for (const table of ["daily_availability", "volume_rankings"]) {
      assertEquals(await all(`SELECT max(date) FROM ${table}`), [["2024-02-29"]]);
    }
    assertEquals(
      await all("SELECT count(*) FROM listings"),
      [[GAPS.listings.length - 1]].map(
        ([count]) => [String(count)],
      ),
    );
  });
});

Deno.test("`datapackage.json` says which files lack days", async () => {
  const { resources } = JSON.parse(await Deno.readTextFile(of("datapackage.json")));
  const short = resources.filter((r: { dataThrough?: string }) => r.dataThrough !== undefined);
  assertEquals(
    short.map((r: Record<string, unknown>) => [r.path, r.dataThrough, r.description]),
    monthly.artifacts.filter(({ dataThrough }) => dataThrough).map(({ name }) => [
      name,
      "2024-02-29",
      "Days up to 2024-02-29; those after it are in parts/ and recent/",
    ]),
  );
  // Only the whole file's days are all in the file that its key refers to.
  const { foreignKeys, ...schema } = schemaOf("volume-rankings.parquet");
  assertEquals(foreignKeys.length, 1);
  assertEquals(schemaOf("recent/volume-rankings.parquet"), schema);

  function schemaOf(path: string) {
    return resources.find((r: { path: string }) => r.path === path).schema;
  }
});

Deno.test("the same observations give the same bytes, the database's too; a day more leaves whole files alone", async () => {
  assertEquals(await made("again", GAPS, { wholeFiles: "monthly" }), monthly);
  const next = await made("next", { ...GAPS, dataThrough: NEXT.dataThrough }, {
    wholeFiles: "monthly",
  });
  const known = new Map(monthly.artifacts.map(({ name, sha256 }) => [name, sha256]));
  assertEquals(
    next.artifacts.filter(({ name, sha256 }) => known.get(name) !== sha256).map(({ name }) => name),
    [
      "listings.json",
      "recent/availability-by-symbol.parquet",
      "parts/2024-04.parquet",
      "blocks/availability.parquet",
      "recent/volume-rankings.parquet",
      "blocks/volume-rankings.parquet",
      "datapackage.json",
    ],
  );
});

Deno.test("a year stays in months until whole files have all of it", async () => {
  const parts = async (day: string) => {
    const file = { dataThrough: parseDay(day), listings: [listing("AAAUSDT#1", "2022-11-01")] };
    const built = await build(file, {
      version: `${day}.1`,
      outDir: join(root, `year ${day}`),
      wholeFiles: "monthly",
    });
    return built.artifacts.filter(({ role }) => role === "part")
      .map(({ name, parquet }) => [name.slice(6, -8), parquet!.index !== undefined]);
  };
  // The second word: whether it is cut into blocks.
  assertEquals(await parts("2023-01-07"), [
    ["2022-11", false],
    ["2022-12", true],
    ["2023-01", true],
  ]);
  assertEquals(await parts("2023-01-08"), [["2022", false], ["2023-01", true]]);
  assertEquals(await parts("2023-02-08"), [["2022", false], ["2023-01", false], ["2023-02", true]]);
});

Deno.test("SQL of a copy and of a service knows every day; the database is loaded once for two versions", async () => {
  await withPublisher(async (world) => {
    const { store: reader, mirrors } = world.publisher;
    await publishNumbers(world, "2024-03-31.1", MANY_LISTINGS, { wholeFiles: "monthly" });
    const opened: string[] = [];
    const mirror: MirrorReader = {
      ...mirrors[0]!,
      open: (path, ...more) => {
        opened.push(path.slice(65));
        return mirrors[0]!.open(path, ...more);
      },
    };
    const problems: unknown[] = [];
    const onProblem = (error: unknown) => problems.push(error);
    const followed = await follow({ reader, mirror, channel: "latest", onProblem });
    const sql = sqlService({ reader, mirror, followed, onProblem, pool: { slots: 1 } });
    const endpoint = serveMirror(world.mirrorDir);
    const trustedKeys = world.publisher.signers.map(({ keyId }) => keyId);
    try {
      for (const version of ["2024-03-31.1", "2024-04-01.1"]) {
        if (version === "2024-04-01.1") {
          const changed = Promise.withResolvers<void>();
          const stop = followed.onChange(() => changed.resolve());
          world.clock = new Date("2024-04-02T12:05:00Z");
          await publishNumbers(world, version, NEXT, { wholeFiles: "monthly" });
          await changed.promise;
          stop();
        }
        await sql.ready();
        const copy = await open({
          endpoint: endpoint.url,
          cacheDir: join(world.dir, version),
          now: () => world.clock,
          trustedKeys,
        });
        for (const text of QUERIES) {
          const answer = await sql.query({ sql: text });
          assertEquals(answer.version, version);
          assertEquals(
            readRowsJson(answer.rows, answer.columns),
            (await copy.sql(text)).rows,
            text,
          );
        }
        const { rows, columns } = await sql.query({ sql: QUERIES[0]! });
        const [newest] = readRowsJson(rows, columns);
        assertEquals(String(newest![0]), version.slice(0, 10));
      }
      assertEquals(problems, []);
      assertEquals(opened.filter((name) => name === "availability.duckdb.gz").length, 1);
    } finally {
      await sql.close();
      await followed.close();
      await endpoint.close();
    }
  });
});

const QUERIES = [
  "SELECT max(date)::VARCHAR, count(*), count(DISTINCT (date, symbol)), sum(trade_count)::BIGINT FROM daily_availability",
  "SELECT date::VARCHAR, symbol, rank, rank_change_30d FROM volume_rankings WHERE rank <= 3 AND date > '2024-02-27' ORDER BY ALL",
  "SELECT listing, first_date::VARCHAR, last_date::VARCHAR FROM listings ORDER BY listing",
  "SELECT url, status_code FROM daily_availability WHERE symbol = 'S07USDT' AND date IN ('2024-02-29', '2024-03-01') ORDER BY date",
];
