/**
 * Import: an upstream database, `availability.duckdb[.gz]`, as observations.
 *
 * Its table `daily_availability` has 8 columns, or 17 since volumes were added. Its `last_modified`
 * was stored in the local time of the machine that wrote it. That is corrected where the offset can
 * be proved: files of a day appear between 06:57 and 08:40 UTC on the next one, so that a week whose
 * times all lie that window plus one whole number of hours away was written with that offset.
 * Where no offset explains at least 80 % of a week's times, or two do about as well, they are left out:
 * so are the days on both sides of a change to summer time. A file that was written later than on the
 * day after its own keeps its time where the offset of both days is proved, and is the same.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { addDays, dayOf } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import type { KnownNumbers } from "../core/kline.ts";
import { checkWhole } from "./whole_stream.ts";

/** The volume columns of the newer form, and what we call them. */
const NUMBER_COLUMNS: Readonly<Record<keyof KnownNumbers, string>> = {
  quoteVolume: "quote_volume_usdt",
  tradeCount: "trade_count",
  volumeBase: "volume_base",
  takerBuyVolumeBase: "taker_buy_volume_base",
  takerBuyQuoteVolume: "taker_buy_quote_volume_usdt",
  open: "open_price",
  high: "high_price",
  low: "low_price",
  close: "close_price",
};

/** What both forms have, besides `url`, `status_code` and `probe_timestamp`, which are derivable. */
const COLUMNS = ["date", "symbol", "available", "file_size_bytes", "last_modified"] as const;

/** Rows of files that exist. */
const EXISTING = "FROM upstream.daily_availability WHERE TRY_CAST(available AS BOOLEAN)";

/** The share of a week's times that one offset must explain, and how close the next best may come. */
const PROVED_SHARE = 0.8;

/** Fewer times prove nothing. */
const LEAST_TIMES = 10;

/** A day is proved by the times of so many days before and after it too, and by its own. */
const DAYS_AROUND = 3;

const HOUR_MS = 3_600_000;

/** One row of an upstream database, as it is: nothing in it has been checked. */
export interface UpstreamRow {
  readonly symbol: string | null;
  /** As `YYYY-MM-DD` where it is a day of the usual years; `null` where there is none. */
  readonly date: string | null;
  readonly bytes: number | null;
  /** ISO 8601, UTC; `null` where its offset could not be proved. */
  readonly lastModified: string | null;
  /** `null` where none is known. */
  readonly numbers: KnownNumbers | null;
}

/** An upstream database, attached as `upstream`. */
export interface UpstreamTable {
  readonly hasNumbers: boolean;
  /** Hours that the times of each day's files are ahead of UTC; days without a proof are missing. */
  readonly offsets: ReadonlyMap<string, number>;
  /** The rows of files that exist, by symbol and day. */
  rows(): AsyncGenerator<UpstreamRow>;
}

/** Looks at an upstream database that is attached to a connection as `upstream`. */
export async function upstreamTable(connection: DuckDBConnection): Promise<UpstreamTable> {
  const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  // Times that have a zone are then the same on any machine.
  await connection.run("SET TimeZone = 'UTC'");
  // Only a table: a view would run SQL of whoever made the file.
  const columns = new Set(
    (await read(`SELECT column_name FROM duckdb_columns() JOIN duckdb_tables()
        USING (database_name, schema_name, table_name)
      WHERE database_name = 'upstream' AND schema_name = 'main'
        AND table_name = 'daily_availability'`)).map(([c]) => c),
  );
  const missing = COLUMNS.filter((column) => !columns.has(column));
  if (missing.length > 0) {
    throw new BfaError(
      "integrity",
      `Cannot import: no table daily_availability with ${missing.join(", ")}`,
    );
  }
  const numbers = Object.values(NUMBER_COLUMNS);
  const hasNumbers = numbers.some((column) => columns.has(column));
  const offsets = await provedOffsets(read);
  const values = numbers.map((name) => columns.has(name) ? `TRY_CAST(${name} AS DOUBLE)` : "NULL");

  return {
    hasNumbers,
    offsets,
    async *rows() {
      const result = await connection.stream(`
        SELECT symbol::VARCHAR, TRY_CAST(date AS DATE)::VARCHAR, TRY_CAST(file_size_bytes AS BIGINT),
          CASE WHEN isfinite(${MODIFIED}) THEN epoch_ms(${MODIFIED}) END, ${values.join(", ")}
        ${EXISTING} ORDER BY ALL`);
      let read = 0;
      for await (const chunk of result.yieldRowsJson()) {
        for (const [symbol, date, bytes, modified, ...values] of chunk) {
          yield {
            symbol: symbol as string | null,
            date: date as string | null,
            bytes: bytes === null ? null : Number(bytes),
            lastModified: inUtc(modified === null ? null : Number(modified), String(date), offsets),
            numbers: readNumbers(values),
          };
          read++;
        }
      }
      await checkWhole(connection, read, EXISTING, "import");
    },
  };
}

const MODIFIED = "TRY_CAST(last_modified AS TIMESTAMP)";

/** How many hours after the end of its day a file was written, in the time of the database. */
const IN_TIME = [-6, 24] as const;

async function provedOffsets(
  read: (sql: string) => Promise<unknown[][]>,
): Promise<Map<string, number>> {
  // Only files that were written on the day after theirs can prove anything: others were late.
  const found = await read(`
    WITH times AS (
      SELECT TRY_CAST(date AS DATE) AS day,
        (epoch(${MODIFIED}) - epoch(TRY_CAST(date AS DATE)::TIMESTAMP)) / 3600 - 24 AS hours
      ${EXISTING} AND isfinite(${MODIFIED}) AND isfinite(TRY_CAST(date AS DATE))
    ), tried AS (
      SELECT day, o.offset, count(*) FILTER (hours - o.offset BETWEEN 6.9 AND 8.8) AS fit, count(*) AS n
      FROM times, unnest(range(-12, 15)) AS o("offset")
      WHERE hours BETWEEN ${IN_TIME[0]} AND ${IN_TIME[1]} GROUP BY ALL
    ), around AS (
      SELECT day, "offset", sum(fit) OVER week / sum(n) OVER week AS share, sum(n) OVER week AS n
      FROM tried WINDOW week AS (PARTITION BY "offset" ORDER BY day
        RANGE BETWEEN INTERVAL ${DAYS_AROUND} DAY PRECEDING AND INTERVAL ${DAYS_AROUND} DAY FOLLOWING)
    )
    SELECT day::VARCHAR, arg_max("offset", share) FROM around WHERE n >= ${LEAST_TIMES}
    GROUP BY day HAVING max(share, 2)[1] >= ${PROVED_SHARE}
      AND max(share, 2)[2] <= ${PROVED_SHARE} * max(share, 2)[1]`);
  return new Map(found.map(([day, offset]) => [String(day), Number(offset)]));
}

function inUtc(
  local: number | null,
  date: string,
  offsets: ReadonlyMap<string, number>,
): string | null {
  const offset = offsets.get(date);
  if (local === null || offset === undefined) return null;
  const hours = (local - Date.parse(date)) / HOUR_MS - 24;
  const isInTime = hours >= IN_TIME[0] && hours <= IN_TIME[1];
  // Summer time, or another machine, may have begun since: the files of that day show it.
  if (!isInTime && offsets.get(addDays(dayOf(new Date(local)), -1)) !== offset) return null;
  return new Date(local - offset * HOUR_MS).toISOString();
}

function readNumbers(values: readonly unknown[]): KnownNumbers | null {
  if (values.every((value) => value === null)) return null;
  const names = Object.keys(NUMBER_COLUMNS) as (keyof KnownNumbers)[];
  return Object.fromEntries(
    names.map((name, i) => [name, values[i] === null ? null : Number(values[i])]),
  ) as unknown as KnownNumbers;
}
