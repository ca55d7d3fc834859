/**
 * Learning files: what a listing showed, compared with what is known.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { sqlText } from "./duckdb.ts";
import { NEWEST } from "./observation_views.ts";
import { type Learned, PUBLISHED_BY_HOURS, type Run } from "./observations.ts";
import { learnOdd } from "./staging.ts";

/** A file of a symbol that was known before is late when the source wrote it after this. */
export const IS_LATE = (modified: string, date: string) =>
  `coalesce(${modified} > ${date} + INTERVAL ${24 + PUBLISHED_BY_HOURS} HOUR, false)`;

/**
 * A file is another one than was known, as SQL. Of an imported one the ETag is not known: to learn it, or its
 * time, is no change.
 */
export const IS_OTHER = (now: string, before: string) =>
  `((${before}.etag IS NOT NULL AND ${now}.etag IS DISTINCT FROM ${before}.etag)
    OR ${now}.file_size_bytes IS DISTINCT FROM ${before}.file_size_bytes)`;

/** Adds what is new among what was staged. */
export async function learnStaged(
  connection: DuckDBConnection,
  run: Run,
  { fill, now }: { fill: boolean; now?: Date | undefined },
): Promise<Learned> {
  const began = `TIMESTAMP ${sqlText(run.startedAt)}`;
  // Nobody knew when the run began what it would see at its end: `--as-of` must not, either.
  const at = now ? `greatest(${began}, TIMESTAMP ${sqlText(now.toISOString())})` : began;
  await connection.run(`CREATE OR REPLACE TEMP TABLE known AS
    SELECT f.* FROM files f JOIN seen_symbols y USING (symbol)
    WHERE y.first IS NULL OR f.date >= y.first::DATE
    ${NEWEST}`);
  // Only what is known is listed from a day on. To look through the whole log would take longer.
  await connection.run(`CREATE OR REPLACE TEMP TABLE old_symbols AS
    SELECT symbol FROM seen_symbols WHERE first IS NOT NULL UNION SELECT symbol FROM known`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE news AS
    SELECT s.symbol, s.date, s.file_size_bytes,
      s.modified, s.etag, false AS gone,
      k.symbol IS NULL OR k.gone AS added, ${IS_OTHER("s", "k")} AS changed,
      s.symbol IN (FROM old_symbols) AND ${IS_LATE("s.modified", "s.date")} AS late
    FROM seen s LEFT JOIN known k ON k.symbol = s.symbol AND k.date = s.date
    WHERE k.symbol IS NULL OR (NOT ${fill} AND (k.gone OR k.etag IS DISTINCT FROM s.etag
      OR k.file_size_bytes IS DISTINCT FROM s.file_size_bytes))
    UNION ALL
    SELECT k.symbol, k.date, NULL, NULL, NULL, true, false, false, false
    FROM known k JOIN seen_symbols y ON y.symbol = k.symbol
    WHERE NOT ${fill} AND NOT k.gone AND (y.first IS NULL OR k.date >= y.first::DATE)
      AND NOT EXISTS (FROM seen s WHERE s.symbol = k.symbol AND s.date = k.date)`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE learned AS
    SELECT symbol, count(*) FILTER (added) AS added,
      count(*) FILTER (NOT added AND NOT gone AND changed) AS changed,
      count(*) FILTER (gone) AS gone, count(*) FILTER (added AND late) AS late
    FROM news GROUP BY symbol`);
  await connection.run(`INSERT INTO progress
    SELECT ${run.id}, y.symbol, y.keys::BIGINT, y.pages::BIGINT, y.odd::BIGINT,
      coalesce(l.added, 0), coalesce(l.changed, 0), coalesce(l.gone, 0), coalesce(l.late, 0),
      l.symbol IS NOT NULL AND y.symbol NOT IN (FROM old_symbols)
    FROM seen_symbols y LEFT JOIN learned l USING (symbol)`);
  if (!fill) {
    await connection.run(`DELETE FROM listed_whole WHERE interval = '1m'
      AND symbol IN (SELECT symbol FROM seen_symbols WHERE first IS NULL)`);
    await connection.run(`INSERT INTO listed_whole
      SELECT symbol, '1m', ${began} FROM seen_symbols WHERE first IS NULL AND symbol <> ''`);
  }
  await connection.run(`INSERT INTO files
    SELECT symbol, date, file_size_bytes, modified, etag, gone, ${at}, ${run.id} FROM news`);
  await learnOdd(connection, at);
  const result = await connection.runAndReadAll(`SELECT coalesce(sum(added), 0),
    coalesce(sum(changed), 0), coalesce(sum(gone), 0), coalesce(sum(late), 0),
    (SELECT count(*) FROM seen_odd) FROM learned`);
  const [added, changed, gone, late, odd] = result.getRows()[0]!.map(Number) as number[];
  return { added: added!, changed: changed!, gone: gone!, late: late!, odd: odd! };
}
