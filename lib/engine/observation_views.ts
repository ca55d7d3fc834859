/**
 * What the log of observations amounts to: tables derived from it, as SQL to be put after FROM.
 *
 * @module
 */

import { KLINES_PREFIX } from "../core/vision_keys.ts";
import { sqlText } from "./duckdb.ts";

/** The 1m ZIPs of smaller or larger size are odd: a minute of trading packs to about 200 bytes. */
export const PLAUSIBLE_BYTES = [1_000, 5_000_000] as const;

/** Of the rows of `files` about a day, the one that was learned last, as SQL. */
export const NEWEST =
  "QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC, run DESC) = 1";

/** Now, as SQL; or after all that is in the log, when a clock has gone back: what is learned last counts. */
export function learnedAt(table: "files" | "klines", now: Date): string {
  const at = `TIMESTAMP ${sqlText(now.toISOString())}`;
  return `(SELECT CASE WHEN max(learned_at) > ${at} THEN max(learned_at) + INTERVAL 1 MILLISECOND
    ELSE ${at} END FROM ${table})`;
}

/** Which part of the log is looked at. */
export interface LogPart {
  /** Only what was learned by this instant, ISO 8601; all when left out. */
  readonly asOf?: string | undefined;
  /** Where the tables of the log are; `main` when left out. */
  readonly schema?: string;
  /** Only these symbols, the first and the last of them in their order; all when left out. */
  readonly symbols?: SymbolRange;
}

/** The first and the last symbol of some that follow each other. */
export type SymbolRange = readonly [first: string, last: string];

/** Cuts symbols, sorted, into ranges of so many: what is known of all days at once would not fit into memory. */
export function symbolRanges(sorted: readonly string[], atOnce = 500): SymbolRange[] {
  const starts = sorted.map((_, at) => at).filter((at) => at % atOnce === 0);
  return starts.map((at) => [sorted[at]!, sorted.slice(at, at + atOnce).at(-1)!]);
}

/** A condition as SQL: the symbol is in the range. */
export function inRange([first, last]: SymbolRange): string {
  return `symbol BETWEEN ${sqlText(first)} AND ${sqlText(last)}`;
}

/** The conditions of a part of the log, to be put after those that stand before it. */
function conditions({ asOf, symbols }: LogPart): string[] {
  return [
    ...(asOf ? [`learned_at <= TIMESTAMP ${sqlText(asOf)}`] : []),
    ...(symbols ? [inRange(symbols)] : []),
  ];
}

/**
 * The files that are known. Nearly every file was learned of once: only of the others the newest row has to be
 * found, which takes much more memory than to find out which they are.
 */
export function knownFiles(part: LogPart = {}): string {
  const where = conditions(part);
  const log = `(FROM ${part.schema ?? "main"}.files ${
    where.length ? `WHERE ${where.join(" AND ")}` : ""
  })`;
  const again = `(SELECT symbol, date FROM ${log} GROUP BY symbol, date HAVING count(*) > 1)`;
  return `(SELECT * FROM (
      SELECT l.* FROM ${log} l ANTI JOIN ${again} USING (symbol, date)
      UNION ALL
      SELECT l.* FROM ${log} l SEMI JOIN ${again} USING (symbol, date)
      ${NEWEST})
    WHERE NOT gone)`;
}

const NUMBERS = [
  "quote_volume_usdt",
  "trade_count",
  "volume_base",
  "taker_buy_volume_base",
  "taker_buy_quote_volume_usdt",
  "open_price",
  "high_price",
  "low_price",
  "close_price",
];

/**
 * The files that were known, with the numbers that were known of them: none where they were read for
 * an earlier file of the day, or from a 1d file that has changed or gone since. A fetch that failed
 * takes nothing away. Imported numbers, of which nobody knows the file, stay until there are better ones.
 */
export function knownDays(part: LogPart = {}): string {
  const kept = ["coalesce(problem, 'changed') IN ('changed', 'gone')", ...conditions(part)];
  // Not a condition of the join: DuckDB would compare every file with every number.
  const count = "k.problem IS NULL AND (k.etag IS NULL OR k.etag = f.etag)";
  return `(SELECT f.symbol, f.date, f.file_size_bytes, f.last_modified,
      ${NUMBERS.map((name) => `CASE WHEN ${count} THEN k.${name} END AS ${name}`).join(", ")}
    FROM ${knownFiles(part)} f LEFT JOIN (
      SELECT * FROM ${part.schema ?? "main"}.klines WHERE ${kept.join(" AND ")}
      QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC, problem NULLS FIRST) = 1
    ) k ON k.symbol = f.symbol AND k.date = f.date)`;
}

/** The last that was heard of each day's numbers: that they are known, or why not. */
export function lastTries(schema = "main"): string {
  return `(SELECT * FROM ${schema}.klines
    QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC, problem NULLS FIRST) = 1)`;
}

/**
 * All that is set aside, as (key, reason, learned_at): keys that cannot be a day's file, unless one
 * has become such a file since; files of implausible size (their days stay); numbers that cannot be
 * trusted (their days stay without). `learned_at` is when that was first seen.
 */
export function quarantined(schema = "main"): string {
  const [least, most] = PLAUSIBLE_BYTES;
  const key = (interval: string) =>
    `'${KLINES_PREFIX}' || symbol || '/${interval}/' || symbol || '-${interval}-' || date || '.zip'`;
  // Few rows of many: what is known of their days is looked up for those days alone.
  const last = (table: string, days: string, tie: string) =>
    `(SELECT * FROM ${schema}.${table} SEMI JOIN ${days} USING (symbol, date)
      QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC, ${tie}) = 1)`;
  return `(
    WITH odd AS (
      SELECT key, reason, learned_at, name.symbol, TRY_CAST(name.date AS DATE) AS date FROM (
        SELECT *, regexp_extract(key, '/1[md]/(.+)-1[md]-([0-9-]{10})[.]zip$', ['symbol', 'date']) AS name
        FROM ${schema}.odd_keys)
    ), sized AS (FROM ${schema}.files WHERE file_size_bytes NOT BETWEEN ${least} AND ${most}),
    failed AS (FROM ${schema}.klines WHERE problem IN ('checksum', 'malformed'))
    SELECT key, reason, learned_at FROM odd ANTI JOIN (
      SELECT ${key("1m")} AS key FROM ${last("files", "odd", "run DESC")} WHERE NOT gone
      UNION ALL SELECT ${key("1d")} FROM ${
    last("klines", "odd", "problem NULLS FIRST")
  } WHERE problem IS NULL) USING (key)
    UNION ALL
    SELECT ${key("1m")}, 'implausible size: ' || file_size_bytes || ' bytes', learned_at
    FROM ${
    last("files", "sized", "run DESC")
  } WHERE NOT gone AND file_size_bytes NOT BETWEEN ${least} AND ${most}
    UNION ALL
    SELECT ${key("1d")}, 'numbers: ' || l.problem, min(f.learned_at)
    FROM ${
    last("klines", "failed", "problem NULLS FIRST")
  } l JOIN failed f USING (symbol, date, problem)
    WHERE f.etag IS NOT DISTINCT FROM l.etag GROUP BY symbol, date, l.problem)`;
}
