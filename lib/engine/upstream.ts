/**
 * Import: an upstream database, `availability.duckdb[.gz]`, as observations.
 *
 * Its table `daily_availability` has 8 columns, or 17 since volumes were added. Its `last_modified`
 * was stored in the local time of the machine that wrote it. That is corrected where the offset can
 * be proved: files of a day appear between 06:57 and 08:40 UTC on the next one, so that a month whose
 * times all lie that window plus one whole number of hours away was written with that offset.
 * Where no offset explains at least 80 % of a month's times, or two do about as well, they are left out.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import type { DayNumbers } from "../core/kline.ts";
import { checkWhole } from "./whole_stream.ts";

/** The volume columns of the newer form, and what we call them. */
const NUMBER_COLUMNS: Readonly<Record<keyof DayNumbers, string>> = {
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
const EXISTING = "FROM upstream.daily_availability WHERE available";

/** The share of a month's times that one offset must explain, and how close the next best may come. */
const PROVED_SHARE = 0.8;

/** One row of an upstream database. */
export interface UpstreamRow {
  readonly symbol: string;
  readonly date: Day;
  readonly bytes: number | null;
  /** ISO 8601, UTC; `null` where its offset could not be proved. */
  readonly lastModified: string | null;
  readonly numbers: DayNumbers | null;
}

/** An upstream database, attached as `upstream`. */
export interface UpstreamTable {
  readonly hasNumbers: boolean;
  /** Hours that each month's times are ahead of UTC; months without a proof are missing. */
  readonly offsets: ReadonlyMap<string, number>;
  /** The rows of files that exist, by symbol and day. */
  rows(): AsyncGenerator<UpstreamRow>;
}

/** Looks at an upstream database that is attached to a connection as `upstream`. */
export async function upstreamTable(connection: DuckDBConnection): Promise<UpstreamTable> {
  const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  const columns = new Set(
    (await read(`SELECT column_name FROM duckdb_columns()
      WHERE database_name = 'upstream' AND table_name = 'daily_availability'`)).map(([c]) => c),
  );
  const missing = COLUMNS.filter((column) => !columns.has(column));
  if (missing.length > 0) {
    throw new BfaError(
      "integrity",
      `Cannot import: no table daily_availability with ${missing.join(", ")}`,
    );
  }
  const numbers = Object.values(NUMBER_COLUMNS);
  const hasNumbers = numbers.every((column) => columns.has(column));
  const offsets = await provedOffsets(read);

  return {
    hasNumbers,
    offsets,
    async *rows() {
      const result = await connection.stream(`
        SELECT symbol, date::VARCHAR, file_size_bytes, epoch_ms(last_modified::TIMESTAMP),
          ${hasNumbers ? numbers.join(", ") : numbers.map(() => "NULL").join(", ")}
        ${EXISTING} ORDER BY symbol, date`);
      let read = 0;
      for await (const chunk of result.yieldRowsJson()) {
        for (const [symbol, date, bytes, modified, ...values] of chunk) {
          yield {
            symbol: String(symbol),
            date: String(date) as Day,
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

async function provedOffsets(
  read: (sql: string) => Promise<unknown[][]>,
): Promise<Map<string, number>> {
  // Only files that were written on the day after theirs can prove anything: others were late.
  const found = await read(`
    WITH times AS (
      SELECT strftime(date, '%Y-%m') AS month,
        (epoch(last_modified::TIMESTAMP) - epoch(date::TIMESTAMP)) / 3600 - 24 AS hours
      FROM upstream.daily_availability WHERE available AND last_modified IS NOT NULL
    ), tried AS (
      SELECT month, o.offset,
        count(*) FILTER (hours - o.offset BETWEEN 6.9 AND 8.8) / count(*) AS share
      FROM times, unnest(range(-12, 15)) AS o("offset")
      WHERE hours BETWEEN -6 AND 24 GROUP BY ALL
    )
    SELECT month, arg_max("offset", share) FROM tried
    GROUP BY month HAVING max(share, 2)[1] >= ${PROVED_SHARE}
      AND max(share, 2)[2] <= ${PROVED_SHARE} * max(share, 2)[1]`);
  return new Map(found.map(([month, offset]) => [String(month), Number(offset)]));
}

function inUtc(
  local: number | null,
  date: string,
  offsets: ReadonlyMap<string, number>,
): string | null {
  const offset = offsets.get(date.slice(0, 7));
  if (local === null || offset === undefined) return null;
  return new Date(local - offset * 3_600_000).toISOString();
}

function readNumbers(values: readonly unknown[]): DayNumbers | null {
  if (values.some((value) => value === null)) return null;
  const names = Object.keys(NUMBER_COLUMNS) as (keyof DayNumbers)[];
  return Object.fromEntries(
    names.map((name, i) => [name, Number(values[i])]),
  ) as unknown as DayNumbers;
}
