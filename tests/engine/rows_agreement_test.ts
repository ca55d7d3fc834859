/**
 * Three ways to the same rows: DuckDB over the published files, a copy that reads parts, and ranges
 * without a copy.
 */

import { assertEquals } from "@std/assert";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import type { RowsAnswer, TopRow } from "../../lib/core/availability_rows.ts";
import { fieldOf } from "../../lib/core/availability_rows.ts";
import { addDays, type Day } from "../../lib/core/day.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { DAILY_AVAILABILITY, VOLUME_RANKINGS } from "../../lib/core/schema.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { type Dataset, open, type RowsQuestion } from "../../lib/mod.ts";
import { listingsFile } from "../helpers/arbitraries.ts";
import { publishNumbers } from "../helpers/numbers.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { serveRanges } from "../helpers/range_server.ts";

/** Publishes listings with numbers, and opens them in both ways, beside DuckDB on the files. */
async function withWays(
  file: ListingsFile,
  use: (ways: { copy: Dataset; ranges: Dataset; duckdb: DuckDBConnection; dir: string }) => Promise<
    void
  >,
): Promise<void> {
  await withPublisher(async (publisher) => {
    const { dir } = await publishNumbers(publisher, `${file.dataThrough}.1`, file);
    const server = serveRanges(publisher.mirrorDir);
    const options = { endpoint: server.url, cacheDir: null, now: () => publisher.clock };
    try {
      await withDuckdb({}, async (duckdb) => {
        const copy = await open(options);
        const ranges = await open({ ...options, copy: "none" });
        await use({ copy, ranges, duckdb, dir });
      });
    } finally {
      await server.close();
    }
  });
}

/** A column as JSON has it: the texts of days and instants, and numbers that keep all digits. */
function jsonOf({ name, type }: { name: string; type: string }): string {
  if (type === "DATE") return `${name}::VARCHAR`;
  return type === "TIMESTAMP" ? `strftime(${name}, '%Y-%m-%dT%H:%M:%SZ')` : name;
}

async function duckdbRows(
  duckdb: DuckDBConnection,
  path: string,
  columns: readonly { name: string; type: string }[],
  where: string,
): Promise<Record<string, unknown>[]> {
  const result = await duckdb.runAndReadAll(
    `SELECT ${columns.map(jsonOf).join(", ")} FROM read_parquet(${path}) ${where}`,
  );
  return result.getRows().map((row) =>
    Object.fromEntries(
      row.map((cell, i) => [
        fieldOf(columns[i]!.name),
        typeof cell === "bigint" ? Number(cell) : cell,
      ]),
    )
  );
}

Deno.test("DuckDB, a copy and ranges give the same rows and rankings of random listings", async () => {
  await fc.assert(
    fc.asyncProperty(
      listingsFile().filter(({ listings, dataThrough }) =>
        listings.some(({ first }) => first <= dataThrough)
      ),
      fc.array(fc.tuple(fc.nat(400), fc.nat(60), fc.nat(20)), { minLength: 4, maxLength: 4 }),
      async (file, picks) => {
        await withWays(file, async ({ copy, ranges, duckdb, dir }) => {
          const parts = sqlText(`${dir}/parts/*.parquet`);
          const symbols = [...new Set(file.listings.map((l) => l.symbol))];
          for (const [back, length, which] of picks) {
            const to = addDays(file.dataThrough, -back);
            const from = addDays(to, -length);
            const symbol = symbols[which % symbols.length]!;
            const span = `date BETWEEN '${from}' AND '${to}'`;
            const cases: [RowsQuestion, where: string][] = [
              [{ day: to }, `WHERE date = '${to}' ORDER BY date, symbol`],
              [{ symbol }, `WHERE symbol = ${sqlText(symbol)} ORDER BY date`],
              [{ from, to }, `WHERE ${span} ORDER BY date, symbol`],
              [{ symbol, from, to }, `WHERE symbol = ${sqlText(symbol)} AND ${span} ORDER BY date`],
            ];
            for (const [question, where] of cases) {
              const what = JSON.stringify(question);
              const expected = await duckdbRows(duckdb, parts, DAILY_AVAILABILITY, where);
              for (const way of [copy, ranges]) {
                const answer = await orNone(() => way.rows({ ...question, columns: "all" }));
                assertEquals<unknown>(answer?.rows ?? [], expected, what);
              }
              const [one, other] = [
                await orNone(() => copy.rows(question)),
                await orNone(() => ranges.rows(question)),
              ];
              assertEquals(one, other, what);
            }
            await assertSameTop(to, { copy, ranges, duckdb, dir });
          }
        });
      },
    ),
    { numRuns: 5 },
  );
});

async function assertSameTop(
  day: Day,
  { copy, ranges, duckdb, dir }: {
    copy: Dataset;
    ranges: Dataset;
    duckdb: DuckDBConnection;
    dir: string;
  },
): Promise<void> {
  const path = `${dir}/volume-rankings.parquet`;
  const known = await Deno.stat(path).then(() => true, () => false);
  const expected = known
    ? await duckdbRows(
      duckdb,
      sqlText(path),
      VOLUME_RANKINGS.filter(({ name }) => name !== "date"),
      `WHERE date = '${day}' ORDER BY rank, symbol`,
    )
    : [];
  for (const way of [copy, ranges]) {
    const answer = await orNone(() => way.top(day, 3));
    assertEquals<unknown>(answer?.rows ?? [], expected.slice(0, 3) as unknown as TopRow[], day);
    assertEquals(answer?.ranked ?? 0, expected.length);
  }
}

/** A day before the first has no answer; DuckDB has no rows. */
async function orNone<T extends Pick<RowsAnswer, "version">>(
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if ((error as { code?: string }).code === "not_found") return undefined;
    throw error;
  }
}
