/**
 * The publisher's working set: every observation of a file, as an append-only log in one DuckDB file.
 * What is known now is the newest row of each (symbol, date); what was known on a day, the newest
 * one learned by then.
 *
 * | table | a row is |
 * | --- | --- |
 * | `files` | something learned about one day's file: that it is there, changed, or gone |
 * | `klines` | a day's numbers, or why there are none yet |
 * | `runs`, `progress` | a collection, and the symbols it has finished, with what it learned of each |
 * | `listed_whole` | when a symbol's 1m (1d) files were last listed from the first on |
 * | `odd_keys` | a key that should not be there |
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { BfaError } from "../core/errors.ts";
import type { Day } from "../core/day.ts";
import { appendRows, sqlText, withDuckdb } from "./duckdb.ts";
import { knownDays, knownFiles, lastTries } from "./observation_views.ts";
import {
  type FileChange,
  type KnownSymbol,
  type Learned,
  type ObservationStore,
  PUBLISHED_BY_HOURS,
  type Run,
} from "./observations.ts";
import { stageFiles } from "./staging.ts";

/**
 * A 1m ZIP of a day without trades has 7,400 to 8,400 bytes; of live days, the smallest hundredth
 * begins at 31 KB, and days that began late or ended early lie in between. Source: 19,586
 * symbol-months of the archive.
 */
const TRADED_FROM_BYTES = 9_000;

/** A problem is looked at again after this time: Binance repairs its files, sooner or later. */
const RETRY_NUMBERS_MS = 6 * 3_600_000;

/** A file of a symbol that was known before is late when the source wrote it after this. */
const IS_LATE = (modified: string, date: string) =>
  `coalesce(${modified} > ${date} + INTERVAL ${24 + PUBLISHED_BY_HOURS} HOUR, false)`;

const SCHEMA = `
CREATE SEQUENCE IF NOT EXISTS run_ids;
CREATE TABLE IF NOT EXISTS runs (
  id BIGINT NOT NULL, kind VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP, report VARCHAR);
CREATE TABLE IF NOT EXISTS progress (
  run BIGINT NOT NULL, symbol VARCHAR NOT NULL, keys BIGINT NOT NULL, pages BIGINT NOT NULL,
  odd BIGINT NOT NULL, added BIGINT NOT NULL, changed BIGINT NOT NULL, gone BIGINT NOT NULL,
  late BIGINT NOT NULL, is_new BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS listed_whole (
  symbol VARCHAR NOT NULL, interval VARCHAR NOT NULL, listed_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  symbol VARCHAR NOT NULL, date DATE NOT NULL, file_size_bytes BIGINT, last_modified TIMESTAMP,
  etag VARCHAR, gone BOOLEAN NOT NULL, learned_at TIMESTAMP NOT NULL, run BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS klines (
  symbol VARCHAR NOT NULL, date DATE NOT NULL, etag VARCHAR, zip_etag VARCHAR, problem VARCHAR,
  quote_volume_usdt DOUBLE, trade_count BIGINT, volume_base DOUBLE, taker_buy_volume_base DOUBLE,
  taker_buy_quote_volume_usdt DOUBLE, open_price DOUBLE, high_price DOUBLE, low_price DOUBLE,
  close_price DOUBLE, learned_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS odd_keys (
  key VARCHAR NOT NULL, reason VARCHAR NOT NULL, learned_at TIMESTAMP NOT NULL);
CREATE TEMP TABLE seen_symbols (
  symbol VARCHAR, first VARCHAR, keys VARCHAR, pages VARCHAR, odd VARCHAR);
CREATE TEMP TABLE seen_zips (date VARCHAR, etag VARCHAR);
CREATE TEMP TABLE seen_numbers (
  symbol VARCHAR, date VARCHAR, etag VARCHAR, zip_etag VARCHAR, problem VARCHAR,
  quote_volume VARCHAR, trades VARCHAR, volume VARCHAR, taker VARCHAR, taker_quote VARCHAR,
  open VARCHAR, high VARCHAR, low VARCHAR, close VARCHAR);
CREATE TEMP TABLE seen_odd (key VARCHAR, reason VARCHAR);`;

/** What a collection of the whole history needs, with room; the history itself stays on disk. */
const MEMORY_LIMIT = "160MB";

/** Runs work with the store in a file open. Only one process at a time can have it. */
export async function withObservations<T>(
  path: string,
  work: (store: ObservationStore) => Promise<T>,
): Promise<T> {
  return await withDuckdb({ path, memoryLimit: MEMORY_LIMIT, threads: 1 }, async (connection) => {
    await connection.run(SCHEMA);
    return await work(observationStore(connection));
  }).catch((error) => {
    throw heldBy(error, path) ?? error;
  });
}

function observationStore(connection: DuckDBConnection): ObservationStore {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();

  return {
    async symbols() {
      return knownSymbols(await rows(knownSymbolsSql("files", "1m")));
    },

    async begin(kind, now) {
      const [open] = await rows(`SELECT id FROM runs
        WHERE kind = ${sqlText(kind)} AND finished_at IS NULL
          AND (started_at - INTERVAL ${PUBLISHED_BY_HOURS} HOUR)::DATE
            = (TIMESTAMP ${sqlText(now.toISOString())} - INTERVAL ${PUBLISHED_BY_HOURS} HOUR)::DATE
        ORDER BY id DESC LIMIT 1`);
      if (open) {
        const done = await rows(`SELECT symbol FROM progress WHERE run = ${open[0]}`);
        // What it learns from here on is learned now, not when it began.
        const startedAt = now.toISOString();
        return { id: Number(open[0]), startedAt, done: new Set(done.map(([s]) => String(s))) };
      }
      const [made] = await rows(`INSERT INTO runs (id, kind, started_at) VALUES
        (nextval('run_ids'), ${sqlText(kind)}, TIMESTAMP ${
        sqlText(now.toISOString())
      }) RETURNING id`);
      return { id: Number(made![0]), startedAt: now.toISOString(), done: new Set<string>() };
    },

    async learn(run, seen, { fill = false } = {}) {
      await stage(
        connection,
        "seen_symbols",
        seen.map((s) => [s.symbol, s.from, ...[s.keys, s.pages, s.odd.length].map(String)]),
      );
      await stage(connection, "seen_odd", seen.flatMap((s) => s.odd.map((o) => [o.key, o.reason])));
      await stageFiles(connection, seen);
      return await inTransaction(connection, () => learnStaged(connection, run, fill));
    },

    async totals(run) {
      const [sums] = await rows(`SELECT sum(keys), sum(pages), sum(odd), sum(added), sum(changed),
        sum(gone), sum(late) FROM progress WHERE run = ${run.id}`);
      const [keys, pages, odd, added, changed, gone, late] = sums!.map(Number) as number[];
      const symbols = await rows(`SELECT symbol FROM progress
        WHERE run = ${run.id} AND is_new ORDER BY symbol`);
      return {
        keys: keys!,
        pages: pages!,
        odd: odd!,
        added: added!,
        changed: changed!,
        gone: gone!,
        late: late!,
        newSymbols: symbols.map(([symbol]) => String(symbol)),
      };
    },

    async changes(run, most) {
      const found = await rows(`
        WITH log AS (
          SELECT *, lag(gone) OVER w IS NOT false AS added
          FROM files SEMI JOIN (FROM files WHERE run = ${run.id}) mine USING (symbol, date)
          WHERE symbol NOT IN (SELECT symbol FROM progress WHERE run = ${run.id} AND is_new)
          WINDOW w AS (PARTITION BY symbol, date ORDER BY learned_at, run)
        ), found AS (
          SELECT symbol, date, CASE WHEN gone THEN 'gone' WHEN NOT added THEN 'changed'
            WHEN ${IS_LATE("last_modified", "date")} THEN 'late' END AS what
          FROM log WHERE run = ${run.id}
        )
        SELECT symbol, date::VARCHAR, what FROM found WHERE what IS NOT NULL
        ORDER BY date DESC, symbol LIMIT ${most}`);
      return found.map(([symbol, date, what]) => ({
        symbol: String(symbol),
        date: String(date) as Day,
        what: what as FileChange["what"],
      }));
    },

    async finish(run, report, now) {
      await connection.run(`UPDATE runs SET finished_at = TIMESTAMP ${sqlText(now.toISOString())},
        report = ${sqlText(JSON.stringify(report))} WHERE id = ${run.id}`);
      await connection.run(`DELETE FROM progress WHERE run = ${run.id}`);
      await connection.run("CHECKPOINT");
    },

    async lastReport() {
      const [found] = await rows(`SELECT report FROM runs WHERE kind IN ('full', 'incremental')
        AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`);
      return found ? JSON.parse(String(found[0])) : undefined;
    },

    async daysWithoutNumbers({ since, most, now }) {
      const after = since ? `AND f.date >= DATE ${sqlText(since)}` : "";
      const retryBefore = new Date(now.getTime() - RETRY_NUMBERS_MS).toISOString();
      const found = await rows(`
        SELECT f.symbol, f.date::VARCHAR, f.etag
        FROM ${knownFiles()} f LEFT JOIN ${lastTries()} t USING (symbol, date)
        WHERE (t.symbol IS NULL OR t.etag IS DISTINCT FROM f.etag OR t.problem = 'changed'
          OR (t.problem IS NOT NULL AND t.learned_at <= TIMESTAMP ${sqlText(retryBefore)})) ${after}
        ORDER BY f.date DESC, f.symbol LIMIT ${most}`);
      return found.map(([symbol, date, etag]) => ({
        symbol: String(symbol),
        date: String(date) as Day,
        etag: etag === null ? null : String(etag),
      }));
    },

    async learnNumbers(seen, now, { fill = false } = {}) {
      await stage(
        connection,
        "seen_numbers",
        seen.map(({ symbol, date, etag, zipEtag, found }) => {
          if ("problem" in found) {
            return [symbol, date, etag, zipEtag, found.problem, ...Array(9).fill(null)];
          }
          const numbers = [
            found.quoteVolume,
            found.tradeCount,
            found.volumeBase,
            found.takerBuyVolumeBase,
            found.takerBuyQuoteVolume,
            found.open,
            found.high,
            found.low,
            found.close,
          ];
          return [symbol, date, etag, zipEtag, null, ...numbers.map(String)];
        }),
      );
      const unknown = fill
        ? "ANTI JOIN (FROM klines WHERE problem IS NULL) k ON k.symbol = s.symbol AND k.date = s.date::DATE"
        : "";
      const result = await connection.run(
        `INSERT INTO klines SELECT s.*, TIMESTAMP ${sqlText(now.toISOString())}
         FROM seen_numbers s ${unknown}`,
      );
      return result.rowsChanged;
    },

    async symbolsWithNumbers() {
      const numbers = "(FROM klines WHERE zip_etag IS NOT NULL)";
      return knownSymbols(await rows(knownSymbolsSql(numbers, "1d")));
    },

    async compareNumbers(symbol, files, now) {
      const at = `TIMESTAMP ${sqlText(now.toISOString())}`;
      await stage(connection, "seen_zips", files.map(({ date, etag }) => [date, etag]));
      return await inTransaction(connection, async () => {
        const result = await connection.run(`
          INSERT INTO klines (symbol, date, etag, zip_etag, problem, learned_at)
          SELECT t.symbol, t.date, t.etag, t.zip_etag,
            CASE WHEN s.date IS NULL THEN 'gone' ELSE 'changed' END, ${at}
          FROM ${lastTries()} t LEFT JOIN seen_zips s ON s.date::DATE = t.date
          WHERE t.symbol = ${sqlText(symbol)} AND t.problem IS NULL AND t.zip_etag IS NOT NULL
            AND s.etag IS DISTINCT FROM t.zip_etag`);
        await connection.run(`DELETE FROM listed_whole
          WHERE symbol = ${sqlText(symbol)} AND interval = '1d'`);
        await connection.run(`INSERT INTO listed_whole VALUES (${sqlText(symbol)}, '1d', ${at})`);
        return result.rowsChanged;
      });
    },

    async evidence(asOf) {
      const found = await rows(`
        WITH days AS (
          SELECT symbol, date,
            coalesce(trade_count > 0, file_size_bytes >= ${TRADED_FROM_BYTES}, true) AS traded
          FROM ${knownDays(asOf)}
        ), islands AS (
          SELECT *, date - row_number() OVER (PARTITION BY symbol, traded ORDER BY date)::INT AS island
          FROM days
        )
        SELECT symbol, min(date)::VARCHAR, max(date)::VARCHAR, traded
        FROM islands GROUP BY symbol, traded, island ORDER BY 1, 2`);
      return found.map(([symbol, from, to, traded]) => ({
        symbol: String(symbol),
        from: String(from) as Day,
        to: String(to) as Day,
        traded: traded === true,
      }));
    },

    async newestDays(days, asOf) {
      const found = await rows(`SELECT date::VARCHAR, count(*) FROM ${knownFiles(asOf)}
        GROUP BY date ORDER BY date DESC LIMIT ${days}`);
      return found.map(([date, symbols]) => ({
        date: String(date) as Day,
        symbols: Number(symbols),
      }));
    },

    async count() {
      const [found] = await rows(`SELECT count(*) FROM ${knownFiles()}`);
      return Number(found![0]);
    },
  };
}

/** Compares what was seen with what is known, and adds what is new. */
async function learnStaged(
  connection: DuckDBConnection,
  run: Run,
  fill: boolean,
): Promise<Learned> {
  const at = `TIMESTAMP ${sqlText(run.startedAt)}`;
  await connection.run(`CREATE OR REPLACE TEMP TABLE known AS
    SELECT f.* FROM files f JOIN seen_symbols y USING (symbol)
    WHERE y.first IS NULL OR f.date >= y.first::DATE
    QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC, run DESC) = 1`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE news AS
    SELECT s.symbol, s.date, s.bytes,
      s.modified, s.etag, false AS gone,
      k.symbol IS NULL OR k.gone AS added,
      s.symbol IN (SELECT DISTINCT symbol FROM files SEMI JOIN seen_symbols USING (symbol))
        AND ${IS_LATE("s.modified", "s.date")} AS late
    FROM seen s LEFT JOIN known k ON k.symbol = s.symbol AND k.date = s.date
    WHERE k.symbol IS NULL OR (NOT ${fill} AND (k.gone OR k.etag IS DISTINCT FROM s.etag
      OR k.file_size_bytes IS DISTINCT FROM s.bytes))
    UNION ALL
    SELECT k.symbol, k.date, NULL, NULL, NULL, true, false, false
    FROM known k JOIN seen_symbols y ON y.symbol = k.symbol
    WHERE NOT ${fill} AND NOT k.gone AND (y.first IS NULL OR k.date >= y.first::DATE)
      AND NOT EXISTS (FROM seen s WHERE s.symbol = k.symbol AND s.date = k.date)`);
  await connection.run(`INSERT INTO progress
    SELECT ${run.id}, y.symbol, any_value(y.keys)::BIGINT, any_value(y.pages)::BIGINT,
      any_value(y.odd)::BIGINT, count(n.symbol) FILTER (added),
      count(n.symbol) FILTER (NOT added AND NOT gone), count(n.symbol) FILTER (gone),
      count(n.symbol) FILTER (added AND late),
      count(n.symbol) > 0 AND y.symbol NOT IN
        (SELECT DISTINCT symbol FROM files SEMI JOIN seen_symbols USING (symbol))
    FROM seen_symbols y LEFT JOIN news n USING (symbol) GROUP BY y.symbol`);
  if (!fill) {
    await connection.run(`DELETE FROM listed_whole WHERE interval = '1m'
      AND symbol IN (SELECT symbol FROM seen_symbols WHERE first IS NULL)`);
    await connection.run(`INSERT INTO listed_whole
      SELECT symbol, '1m', ${at} FROM seen_symbols WHERE first IS NULL AND symbol <> ''`);
  }
  await connection.run(`INSERT INTO files
    SELECT symbol, date, bytes, modified, etag, gone, ${at}, ${run.id} FROM news`);
  await connection.run(`INSERT INTO odd_keys SELECT key, reason, ${at} FROM seen_odd
    WHERE key NOT IN (SELECT key FROM odd_keys)`);
  const result = await connection.runAndReadAll(`SELECT
    count(*) FILTER (added), count(*) FILTER (NOT added AND NOT gone), count(*) FILTER (gone),
    count(*) FILTER (added AND late), (SELECT count(*) FROM seen_odd) FROM news`);
  const [added, changed, gone, late, odd] = result.getRows()[0]!.map(Number) as number[];
  return { added: added!, changed: changed!, gone: gone!, late: late!, odd: odd! };
}

async function inTransaction<T>(
  connection: DuckDBConnection,
  work: () => Promise<T>,
): Promise<T> {
  await connection.run("BEGIN");
  try {
    const result = await work();
    await connection.run("COMMIT");
    return result;
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => {});
    throw error;
  }
}

function knownSymbolsSql(table: string, interval: "1m" | "1d"): string {
  return `SELECT symbol, last::VARCHAR, listed_at::VARCHAR
    FROM (SELECT symbol, max(date) AS last FROM ${table} GROUP BY symbol)
    LEFT JOIN (FROM listed_whole WHERE interval = '${interval}') USING (symbol)`;
}

function knownSymbols(rows: readonly (readonly unknown[])[]): Map<string, KnownSymbol> {
  return new Map(rows.map(([symbol, last, at]) => [
    String(symbol),
    { last: String(last) as Day, listedWhole: at === null ? null : String(at) },
  ]));
}

async function stage(
  connection: DuckDBConnection,
  table: string,
  rows: readonly (readonly (string | null)[])[],
): Promise<void> {
  // Made anew each time: what is deleted from a temporary table stays in memory.
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} AS FROM ${table} WITH NO DATA`);
  await appendRows(connection, table, rows);
}

/** DuckDB says who holds the file. */
export function heldBy(error: unknown, path: string): BfaError | undefined {
  const message = error instanceof Error ? error.message : "";
  const holder = /Conflicting lock is held in (.*?)\.? See/.exec(message)?.[1];
  return holder
    ? new BfaError(
      "unavailable",
      `Cannot use ${path}: it is in use by ${holder}; wait until that has finished`,
    )
    : undefined;
}
