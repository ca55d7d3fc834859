/**
 * What the log of observations says about one day, as it was known at an instant.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { sqlText, withDuckdb } from "./duckdb.ts";
import { openingError } from "./observation_store.ts";
import { knownDays } from "./observation_views.ts";

/** Which observations. */
export interface ObservedDayOptions {
  /** Only what was learned by then, ISO 8601; all when left out. */
  readonly asOf?: string | undefined;
  /** Only of these symbols; of all when left out. */
  readonly symbols?: readonly string[] | undefined;
  /** Not what counts, but all that was ever learned, in order. */
  readonly revisions?: boolean;
}

/** What was learned of one symbol's file of the day. */
export interface ObservedFile {
  readonly symbol: string;
  /** When it was learned, ISO 8601. */
  readonly learnedAt: string;
  readonly what: "new" | "changed" | "gone" | "back";
  readonly bytes: number | null;
  /** When the source wrote it, ISO 8601. */
  readonly lastModified: string | null;
  readonly etag: string | null;
  /** The file's own numbers, when they were known; `null` too for what does not count any more. */
  readonly trades: number | null;
  readonly quoteVolume: number | null;
}

/**
 * The files of a day, by symbol: the ones that were there, as far as was known.
 *
 * @throws {BfaError} `not_found` where nothing was collected; `unavailable` while a job has the file open.
 */
export async function observedDay(
  path: string,
  day: Day,
  { asOf, symbols, revisions = false }: ObservedDayOptions = {},
): Promise<ObservedFile[]> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BfaError("not_found", `no observations in ${path}; run \`bfa collect\` first`);
  }
  const filter = [
    `date = DATE ${sqlText(day)}`,
    ...(asOf ? [`learned_at <= TIMESTAMP ${sqlText(asOf)}`] : []),
    ...(symbols?.length ? [`symbol IN (${symbols.map(sqlText).join(", ")})`] : []),
  ].join(" AND ");
  const sql = `
    WITH log AS (
      SELECT *, lag(gone) OVER w AS was_gone, row_number() OVER w = count(*) OVER (PARTITION BY symbol) AS is_last
      FROM observations.files WHERE ${filter} WINDOW w AS (PARTITION BY symbol ORDER BY learned_at, run)
    )
    SELECT l.symbol, strftime(l.learned_at, '%Y-%m-%dT%H:%M:%SZ'),
      CASE WHEN gone THEN 'gone' WHEN was_gone IS NULL THEN 'new' WHEN was_gone THEN 'back' ELSE 'changed' END,
      l.file_size_bytes, strftime(l.last_modified, '%Y-%m-%dT%H:%M:%SZ'), l.etag,
      CASE WHEN is_last THEN k.trade_count END, CASE WHEN is_last THEN k.quote_volume_usdt END
    FROM log l LEFT JOIN (FROM ${
    knownDays({ asOf, schema: "observations.main" })
  } WHERE date = DATE ${sqlText(day)}) k USING (symbol)
    ${revisions ? "" : "WHERE is_last AND NOT gone"} ORDER BY l.symbol, l.learned_at, l.run`;
  const rows = await withDuckdb({}, async (connection) => {
    await connection.run(`ATTACH ${sqlText(path)} AS observations (READ_ONLY)`);
    return (await connection.runAndReadAll(sql)).getRowsJson();
  }).catch((error) => {
    throw openingError(error, path) ?? error;
  });
  const number = (value: unknown) => value === null ? null : Number(value);
  return rows.map(([symbol, learnedAt, what, bytes, modified, etag, trades, volume]) => ({
    symbol: String(symbol),
    learnedAt: String(learnedAt),
    what: what as ObservedFile["what"],
    bytes: number(bytes),
    lastModified: modified as string | null,
    etag: etag as string | null,
    trades: number(trades),
    quoteVolume: number(volume),
  }));
}
