/**
 * Four ways to the same answer: the interval index, Parquet in both sort orders read by hyparquet,
 * and DuckDB over the published database file.
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import { snapshot, type Source, timeline } from "../../lib/core/answers.ts";
import { addDays, type Day, dayFromNumber, dayNumber, parseDay } from "../../lib/core/day.ts";
import { ROW_STATES, type RowState } from "../../lib/core/listing.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { build } from "../../lib/jobs/build.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { listingsFile } from "../helpers/arbitraries.ts";
import { gunzipFile, type ParquetRow, readParquetRows } from "../helpers/parquet.ts";

type Counts = Record<RowState, number>;

/** One way to answer. */
interface Engine {
  readonly name: string;
  snapshot(day: Day, state: RowState): string[] | Promise<string[]>;
  timeline(symbol: string): Counts | Promise<Counts>;
}

/** Builds listings and hands over all four engines. */
async function withEngines(
  file: ListingsFile,
  use: (index: ListingIndex, engines: Engine[]) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "bfa-agreement-" });
  try {
    const dir = join(root, "build");
    await build(file, { version: `${file.dataThrough}.1`, outDir: dir });
    const database = join(root, "availability.duckdb");
    await gunzipFile(join(dir, "availability.duckdb.gz"), database);
    const index = new ListingIndex(file);
    await withDuckdb({}, async (connection) => {
      await connection.run(`ATTACH ${sqlText(database)} AS file (READ_ONLY)`);
      await connection.run("USE file");
      await use(index, [
        indexEngine({ version: "test", index }),
        await parquetEngine(dir, "availability.parquet"),
        await parquetEngine(dir, "availability-by-symbol.parquet"),
        duckdbEngine(connection),
      ]);
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function indexEngine(source: Source): Engine {
  return {
    name: "interval index",
    snapshot: (day, state) => snapshot(source, day, { states: [state] }).symbols,
    timeline: (symbol) => timeline(source, symbol).days,
  };
}

async function parquetEngine(dir: string, name: string): Promise<Engine> {
  const rows = await readParquetRows(join(dir, name));
  const byDay = Map.groupBy(rows, (row) => row.date);
  const bySymbol = Map.groupBy(rows, (row) => row.symbol);
  const inState = (found: readonly ParquetRow[] | undefined, state: RowState) =>
    (found ?? []).filter((row) => row.state === state);
  return {
    name,
    snapshot: (day, state) => inState(byDay.get(day), state).map((row) => row.symbol),
    timeline: (symbol) => countsOf((state) => inState(bySymbol.get(symbol), state).length),
  };
}

function duckdbEngine(connection: DuckDBConnection): Engine {
  return {
    name: "DuckDB",
    async snapshot(day, state) {
      const result = await connection.runAndReadAll(
        `SELECT symbol FROM daily_availability
         WHERE date = ${sqlText(day)} AND state = ${sqlText(state)} ORDER BY symbol`,
      );
      return result.getRows().map(([symbol]) => String(symbol));
    },
    async timeline(symbol) {
      const result = await connection.runAndReadAll(
        `SELECT state, count(*) FROM daily_availability
         WHERE symbol = ${sqlText(symbol)} GROUP BY state`,
      );
      const counts = new Map(result.getRows().map(([state, n]) => [String(state), Number(n)]));
      return countsOf((state) => counts.get(state) ?? 0);
    },
  };
}

function countsOf(count: (state: RowState) => number): Counts {
  return { traded: count("traded"), archived: count("archived"), missing: count("missing") };
}

/** Asks every engine; the first one's answer is what the others must give. */
async function assertAgreement<T>(
  engines: readonly Engine[],
  what: string,
  ask: (engine: Engine) => T | Promise<T>,
): Promise<T> {
  const [first, ...others] = engines;
  const expected = await ask(first!);
  for (const engine of others) assertEquals(await ask(engine), expected, `${engine.name}: ${what}`);
  return expected;
}

/** Days on which something changes, and the days around them, as far as the data knows them. */
function edges({ listings, dataThrough }: ListingsFile, firstDay: Day): Day[] {
  const days = new Set<Day>([firstDay, dataThrough]);
  for (const { first, lastTraded, last, gaps, halts } of listings) {
    for (const day of [first, lastTraded, last, ...gaps.flat(), ...halts.flat()]) {
      if (day !== null) days.add(addDays(day, -1)).add(day).add(addDays(day, 1));
    }
  }
  return [...days].filter((day) => firstDay <= day && day <= dataThrough);
}

Deno.test("index, both Parquet files and DuckDB agree on random listings", async () => {
  await fc.assert(
    fc.asyncProperty(listingsFile(), async (file) => {
      await withEngines(file, async (index, engines) => {
        for (const day of edges(file, index.firstDay)) {
          for (const state of ROW_STATES) {
            await assertAgreement(engines, `${state} on ${day}`, (e) => e.snapshot(day, state));
          }
        }
        for (const symbol of index.symbols) {
          await assertAgreement(engines, symbol, (engine) => engine.timeline(symbol));
        }
      });
    }),
    { numRuns: 15 },
  );
});

Deno.test("index, both Parquet files and DuckDB agree on the seed", async (t) => {
  const seed = await seedListings();
  await withEngines(seed, async (index, engines) => {
    await t.step("snapshots of 30 days, in every state", async () => {
      const days = sampleDays(index, 27, ["2023-11-09", "2025-02-01", "2025-12-23"]);
      assertEquals(days.length, 30);
      let rows = 0;
      for (const day of days) {
        for (const state of ROW_STATES) {
          const what = `${state} on ${day}`;
          rows += (await assertAgreement(engines, what, (e) => e.snapshot(day, state))).length;
        }
      }
      assertEquals(rows > 5000, true, "the sample saw listings");
    });

    await t.step("timelines of relisted, delivered and other symbols", async () => {
      const symbols = index.symbols.filter((symbol, i) =>
        index.lives(symbol).length > 1 || symbol.includes("_") || i % 40 === 0 ||
        ["LITUSDT", "NMRUSDT", "ETHBTC", "币安人生USDT"].includes(symbol)
      );
      assertEquals(symbols.length >= 57 + 20, true);
      for (const symbol of symbols) {
        await assertAgreement(engines, symbol, (engine) => engine.timeline(symbol));
      }
    });
  });
});

/** Days spread evenly over the data, its first and last among them, and some more. */
function sampleDays({ firstDay, dataThrough }: ListingIndex, count: number, more: string[]): Day[] {
  const [from, to] = [dayNumber(firstDay), dayNumber(dataThrough)];
  const spread = Array.from(
    { length: count },
    (_, i) => dayFromNumber(Math.round(from + (to - from) * i / (count - 1))),
  );
  return [...spread, ...more.map(parseDay)];
}
