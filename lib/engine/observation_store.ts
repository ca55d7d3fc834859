/**
 * The publisher's working set: every observation of a file, as an append-only log in one DuckDB file.
 * What is known now is the newest row of each (symbol, date); what was known on a day, the newest
 * one learned by then.
 *
 * | table | a row is |
 * | --- | --- |
 * | `files` | something learned about one day's file: that it is there, changed, or gone |
 * | `klines` | a day's numbers, or why there are none yet |
 * | `runs`, `progress` | a collection, and the symbols it has finished |
 * | `odd_keys` | a key that should not be there |
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { BfaError } from "../core/errors.ts";
import type { Day } from "../core/day.ts";
import { appendRows, sqlText, withDuckdb } from "./duckdb.ts";
import type { Learned, ObservationStore, Run } from "./observations.ts";
import { stageFiles } from "./staging.ts";

/**
 * A 1m ZIP of a day without trades has 7,400 to 8,400 bytes; of live days, the smallest hundredth
 * begins at 31 KB, and days that began late or ended early lie in between. Source: 19,586
 * symbol-months of the archive.
 */
const TRADED_FROM_BYTES = 9_000;

/** A problem is looked at again after this time: Binance repairs its files, sooner or later. */
const RETRY_NUMBERS_MS = 6 * 3_600_000;

/** Files of a day appear until 08:40 UTC: a run from before that saw another bucket. */
const PUBLISHED_BY_HOURS = 9;

const SCHEMA = `
CREATE SEQUENCE IF NOT EXISTS run_ids;
CREATE TABLE IF NOT EXISTS runs (
  id BIGINT NOT NULL, kind VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP, report VARCHAR);
CREATE TABLE IF NOT EXISTS progress (run BIGINT NOT NULL, symbol VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  symbol VARCHAR NOT NULL, date DATE NOT NULL, file_size_bytes BIGINT, last_modified TIMESTAMP,
  etag VARCHAR, gone BOOLEAN NOT NULL, learned_at TIMESTAMP NOT NULL, run BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS klines (
  symbol VARCHAR NOT NULL, date DATE NOT NULL, etag VARCHAR, problem VARCHAR,
  quote_volume_usdt DOUBLE, trade_count BIGINT, volume_base DOUBLE, taker_buy_volume_base DOUBLE,
  taker_buy_quote_volume_usdt DOUBLE, open_price DOUBLE, high_price DOUBLE, low_price DOUBLE,
  close_price DOUBLE, learned_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS odd_keys (
  key VARCHAR NOT NULL, reason VARCHAR NOT NULL, learned_at TIMESTAMP NOT NULL);
CREATE TEMP TABLE seen_symbols (symbol VARCHAR, first VARCHAR);
CREATE TEMP TABLE seen_numbers (symbol VARCHAR, date VARCHAR, etag VARCHAR, problem VARCHAR,
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
  return await withDuckdb({ path, memoryLimit: MEMORY_LIMIT }, async (connection) => {
    await connection.run(SCHEMA);
    return await work(observationStore(connection));
  }).catch((error) => {
    throw heldBy(error, path) ?? error;
  });
}

/**
 * The files that were known at an instant; now, when none is given. `schema` is where they are. Nearly
 * every file was learned of once: only of the others the newest row has to be found, which takes much
 * more memory than to find out which they are.
 */
export function knownFiles(asOf?: string, schema = "main"): string {
  const limit = asOf ? `WHERE learned_at <= TIMESTAMP ${sqlText(asOf)}` : "";
  const log = `(FROM ${schema}.files ${limit})`;
  const again = `(SELECT symbol, date FROM ${log} GROUP BY symbol, date HAVING count(*) > 1)`;
  return `(SELECT * FROM (
      SELECT l.* FROM ${log} l ANTI JOIN ${again} USING (symbol, date)
      UNION ALL
      SELECT l.* FROM ${log} l SEMI JOIN ${again} USING (symbol, date)
      QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC, run DESC) = 1)
    WHERE NOT gone)`;
}

/** The numbers that were known at an instant; now, when none is given. */
export function knownKlines(asOf?: string, schema = "main"): string {
  const limit = asOf ? `AND learned_at <= TIMESTAMP ${sqlText(asOf)}` : "";
  return `(SELECT * FROM ${schema}.klines WHERE problem IS NULL ${limit}
    QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC) = 1)`;
}

function observationStore(connection: DuckDBConnection): ObservationStore {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();

  return {
    async symbols() {
      const found = await rows(`SELECT symbol, max(date) FROM ${knownFiles()} GROUP BY symbol`);
      return new Map(found.map(([symbol, last]) => [String(symbol), String(last) as Day]));
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
      await stage(connection, "seen_symbols", seen.map((s) => [s.symbol, s.from]));
      await stage(connection, "seen_odd", seen.flatMap((s) => s.odd.map((o) => [o.key, o.reason])));
      await stageFiles(connection, seen);
      await connection.run("BEGIN");
      try {
        const learned = await learnStaged(connection, run, fill);
        await connection.run("COMMIT");
        return learned;
      } catch (error) {
        await connection.run("ROLLBACK").catch(() => {});
        throw error;
      }
    },

    async finish(run, report, now) {
      await connection.run(`UPDATE runs SET finished_at = TIMESTAMP ${sqlText(now.toISOString())},
        report = ${sqlText(JSON.stringify(report))} WHERE id = ${run.id}`);
      await connection.run(`DELETE FROM progress WHERE run = ${run.id}`);
      await connection.run("CHECKPOINT");
    },

    async daysWithoutNumbers({ since, most, now }) {
      const after = since ? `AND f.date >= DATE ${sqlText(since)}` : "";
      const retryBefore = new Date(now.getTime() - RETRY_NUMBERS_MS).toISOString();
      const found = await rows(`
        WITH tried AS (SELECT * FROM klines
          QUALIFY row_number() OVER (PARTITION BY symbol, date ORDER BY learned_at DESC) = 1)
        SELECT f.symbol, f.date::VARCHAR, f.etag
        FROM ${knownFiles()} f LEFT JOIN tried t USING (symbol, date)
        WHERE (t.symbol IS NULL OR t.etag IS DISTINCT FROM f.etag
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
        seen.map(({ symbol, date, etag, found }) => {
          if ("problem" in found) {
            return [symbol, date, etag, found.problem, ...Array(9).fill(null)];
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
          return [symbol, date, etag, null, ...numbers.map(String)];
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

    async evidence(asOf) {
      const found = await rows(`
        WITH days AS (
          SELECT f.symbol, f.date,
            coalesce(k.trade_count > 0, f.file_size_bytes >= ${TRADED_FROM_BYTES}, true) AS traded
          FROM ${knownFiles(asOf)} f LEFT JOIN ${knownKlines(asOf)} k USING (symbol, date)
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
    SELECT s.symbol, s.date::DATE AS date, s.bytes::BIGINT AS bytes,
      s.modified::TIMESTAMP AS modified, s.etag, false AS gone,
      k.symbol IS NULL OR k.gone AS added,
      s.symbol IN (SELECT DISTINCT symbol FROM files SEMI JOIN seen_symbols USING (symbol))
        AND s.date::DATE < ${at}::DATE - 3 AS late
    FROM seen s LEFT JOIN known k ON k.symbol = s.symbol AND k.date = s.date::DATE
    WHERE k.symbol IS NULL OR (NOT ${fill} AND (k.gone OR k.etag IS DISTINCT FROM s.etag
      OR k.file_size_bytes IS DISTINCT FROM s.bytes::BIGINT))
    UNION ALL
    SELECT k.symbol, k.date, NULL, NULL, NULL, true, false, false
    FROM known k JOIN seen_symbols y ON y.symbol = k.symbol
    WHERE NOT ${fill} AND NOT k.gone AND (y.first IS NULL OR k.date >= y.first::DATE)
      AND NOT EXISTS (FROM seen s WHERE s.symbol = k.symbol AND s.date::DATE = k.date)`);
  await connection.run(`INSERT INTO files
    SELECT symbol, date, bytes, modified, etag, gone, ${at}, ${run.id} FROM news ORDER BY symbol, date`);
  await connection.run(`INSERT INTO progress SELECT ${run.id}, symbol FROM seen_symbols`);
  await connection.run(`INSERT INTO odd_keys SELECT key, reason, ${at} FROM seen_odd
    WHERE key NOT IN (SELECT key FROM odd_keys)`);
  const result = await connection.runAndReadAll(`SELECT
    count(*) FILTER (added), count(*) FILTER (NOT added AND NOT gone), count(*) FILTER (gone),
    count(*) FILTER (added AND late), (SELECT count(*) FROM seen_odd) FROM news`);
  const [added, changed, gone, late, odd] = result.getRows()[0]!.map(Number) as number[];
  return { added: added!, changed: changed!, gone: gone!, late: late!, odd: odd! };
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
