/**
 * The publisher's working set: every observation of a file, as an append-only log in one DuckDB file.
 * What is known now is the newest row of each (symbol, date); what was known on a day, the newest
 * one learned by then.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Day } from "../core/day.ts";
import type { EvidenceRun } from "../core/derive_listings.ts";
import { BfaError } from "../core/errors.ts";
import { diskRefusal } from "./disk_refusal.ts";
import { sqlText, withDuckdb } from "./duckdb.ts";
import { inTransaction } from "./in_transaction.ts";
import { IS_LATE, IS_OTHER, learnStaged } from "./learn_files.ts";
import { knownSymbols, knownSymbolsSql, SYMBOLS_AWAY } from "./known_symbols.ts";
import { OBSERVATION_SCHEMA } from "./observation_schema.ts";
import { knownDays, knownFiles, learnedAt, NEWEST, symbolRanges } from "./observation_views.ts";
import { type FileChange, type ObservationStore, PUBLISHED_BY_HOURS } from "./observations.ts";
import { observedNumbers } from "./observed_numbers.ts";
import { stageFiles, stageOdd, stageRows } from "./staging.ts";

/**
 * A 1m ZIP of a day without trades has 7,400 to 8,400 bytes; of live days, the smallest hundredth
 * begins at 31 KB, and days that began late or ended early lie in between. Source: 19,586
 * symbol-months of the archive.
 */
const TRADED_FROM_BYTES = 9_000;

/** What a collection of the whole history needs, with room; the history itself stays on disk. */
const MEMORY_LIMIT = "160MB";

/** Runs work with the store in a file open. Only one process at a time can have it. */
export async function withObservations<T>(
  path: string,
  work: (store: ObservationStore) => Promise<T>,
): Promise<T> {
  return await withDuckdb({ path, memoryLimit: MEMORY_LIMIT, threads: 1 }, async (connection) => {
    await connection.run(OBSERVATION_SCHEMA);
    return await work(observationStore(connection));
  }).catch((error) => {
    throw openingError(error, path) ?? error;
  });
}

/** Refuses a file that holds no observations: to open the store there would add its tables to it. */
export async function checkObservations(path: string): Promise<void> {
  const tables = await withDuckdb({}, async (connection) => {
    await connection.run(`ATTACH ${sqlText(path)} AS observations (READ_ONLY)`);
    const found = await connection.runAndReadAll(`SELECT 1 FROM duckdb_tables()
      WHERE database_name = 'observations' AND table_name = 'runs'`);
    return found.currentRowCount;
  }).catch((error) => {
    throw openingError(error, path) ?? error;
  });
  if (tables > 0) return;
  throw new BfaError(
    "integrity",
    `Cannot read ${path}: it holds no observations; \`bfa import\` takes in an upstream database`,
  );
}

function observationStore(connection: DuckDBConnection): ObservationStore {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();

  /** When what a run finds from now on is learned. */
  async function startedAt(now: Date): Promise<string> {
    const [found] = await rows(`SELECT epoch_ms(${learnedAt("files", now)})`);
    return new Date(Number(found![0])).toISOString();
  }

  return {
    async symbols() {
      const known = knownSymbols(await rows(knownSymbolsSql("files", "1m")));
      for (const [symbol] of await rows(SYMBOLS_AWAY)) known.delete(String(symbol));
      return known;
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
        return {
          id: Number(open[0]),
          startedAt: await startedAt(now),
          done: new Set(done.map(([s]) => String(s))),
        };
      }
      const [made] = await rows(`INSERT INTO runs (id, kind, started_at) VALUES
        (nextval('run_ids'), ${sqlText(kind)}, TIMESTAMP ${
        sqlText(now.toISOString())
      }) RETURNING id`);
      return { id: Number(made![0]), startedAt: await startedAt(now), done: new Set<string>() };
    },

    async learn(run, seen, { fill = false, now } = {}) {
      await stageRows(
        connection,
        "seen_symbols",
        seen.map((s) => [s.symbol, s.from, ...[s.keys, s.pages, s.odd.length].map(String)]),
      );
      await stageOdd(connection, seen.flatMap((s) => s.odd));
      await stageFiles(connection, seen);
      return await inTransaction(connection, () => learnStaged(connection, run, { fill, now }));
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
          SELECT *, lag(gone) OVER w IS NOT false AS added,
            lag({etag: etag, file_size_bytes: file_size_bytes}) OVER w AS before
          FROM files SEMI JOIN (FROM files WHERE run = ${run.id}) mine USING (symbol, date)
          WHERE symbol NOT IN (SELECT symbol FROM progress WHERE run = ${run.id} AND is_new)
          WINDOW w AS (PARTITION BY symbol, date ORDER BY learned_at, run)
        ), found AS (
          SELECT symbol, date, CASE WHEN gone THEN 'gone'
            WHEN NOT added THEN CASE WHEN ${IS_OTHER("log", "log.before")} THEN 'changed' END
            WHEN ${IS_LATE("last_modified", "date")} THEN 'late' END AS what
          FROM log WHERE run = ${run.id}
        )
        SELECT symbol, date::VARCHAR, what FROM found WHERE what IS NOT NULL
        ORDER BY date DESC, symbol LIMIT ${most}`);
      return found.map(toChange);
    },

    async changesSince(at, most) {
      const since = `TIMESTAMP ${sqlText(at)}`;
      await connection.run(`CREATE OR REPLACE TEMP TABLE changed_since AS
        WITH later AS (FROM files WHERE learned_at > ${since} ${NEWEST}),
        before AS (FROM files SEMI JOIN later USING (symbol, date)
          WHERE learned_at <= ${since} ${NEWEST})
        SELECT symbol, l.date, CASE
          WHEN l.gone THEN CASE WHEN NOT b.gone THEN 'gone' END
          WHEN b.gone IS NOT false THEN CASE WHEN ${
        IS_LATE("l.last_modified", "l.date")
      } THEN 'late' END
          WHEN ${IS_OTHER("l", "b")} THEN 'changed' END AS what
        FROM later l LEFT JOIN before b USING (symbol, date)
          SEMI JOIN (SELECT DISTINCT symbol FROM files WHERE learned_at <= ${since}) known USING (symbol)
        WHERE what IS NOT NULL`);
      const counts = new Map(
        (await rows("SELECT what, count(*) FROM changed_since GROUP BY what")).map((
          [what, count],
        ) => [what, Number(count)]),
      );
      const count = (what: FileChange["what"]) => counts.get(what) ?? 0;
      const files = await rows(`SELECT symbol, date::VARCHAR, what FROM (
          FROM changed_since QUALIFY row_number() OVER (PARTITION BY what ORDER BY date DESC, symbol) <= ${most})
        ORDER BY date DESC, symbol`);
      return {
        late: count("late"),
        changed: count("changed"),
        gone: count("gone"),
        files: files.map(toChange),
      };
    },

    async finish(run, report, now) {
      await connection.run(`UPDATE runs SET finished_at = TIMESTAMP ${sqlText(now.toISOString())},
        report = ${sqlText(JSON.stringify(report))} WHERE id = ${run.id}`);
      await connection.run(`DELETE FROM progress WHERE run = ${run.id}`);
      await connection.run("CHECKPOINT");
    },

    async unfinished() {
      const [last] = await rows(`SELECT CASE WHEN kind IN ('full', 'incremental')
          THEN 'collect, ' || kind ELSE kind END, finished_at FROM runs ORDER BY id DESC LIMIT 1`);
      return last && last[1] === null ? String(last[0]) : undefined;
    },

    async lastBegan(asOf) {
      const [found] = await rows(`SELECT epoch_ms(max(started_at)) FROM runs
        ${asOf ? `WHERE started_at <= TIMESTAMP ${sqlText(asOf)}` : ""}`);
      const at = found![0];
      return at === null ? undefined : new Date(Number(at)).toISOString();
    },

    async lastReport() {
      const [found] = await rows(`SELECT report FROM runs WHERE kind IN ('full', 'incremental')
        AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`);
      return found ? JSON.parse(String(found[0])) : undefined;
    },

    ...observedNumbers(connection),

    async evidence(asOf) {
      const known = await rows("SELECT DISTINCT symbol FROM files ORDER BY symbol");
      const runs: EvidenceRun[] = [];
      for (const symbols of symbolRanges(known.map(([symbol]) => String(symbol)))) {
        const found = await rows(`
          WITH days AS (
            SELECT symbol, date, coalesce(trade_count = 0, false) AS counted,
              coalesce(trade_count > 0, file_size_bytes >= ${TRADED_FROM_BYTES}, true) AS traded
            FROM ${knownDays({ asOf, symbols })}
          ), islands AS (
            SELECT *, date - row_number()
              OVER (PARTITION BY symbol, traded, counted ORDER BY date)::INT AS island
            FROM days
          )
          SELECT symbol, min(date)::VARCHAR, max(date)::VARCHAR, traded, counted
          FROM islands GROUP BY symbol, traded, counted, island ORDER BY 1, 2`);
        for (const [symbol, from, to, traded, counted] of found) {
          runs.push({
            symbol: String(symbol),
            from: String(from) as Day,
            to: String(to) as Day,
            traded: traded === true,
            counted: counted === true,
          });
        }
      }
      return runs;
    },

    async newestDays(days, asOf) {
      const found = await rows(`SELECT date::VARCHAR, count(*) FROM ${knownFiles({ asOf })}
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

function toChange([symbol, date, what]: readonly unknown[]): FileChange {
  return { symbol: String(symbol), date: String(date) as Day, what: what as FileChange["what"] };
}

/** What DuckDB says of a file of observations that it cannot open, or read: who holds it, or what is wrong. */
export function openingError(error: unknown, path: string): BfaError | undefined {
  const message = error instanceof Error && !(error instanceof BfaError) ? error.message : "";
  const holder = /Conflicting lock is held in (.*?)\.? See/.exec(message)?.[1];
  if (holder) {
    return new BfaError(
      "unavailable",
      `Cannot use ${path}: it is in use by ${holder}; wait until that has finished`,
      { cause: error },
    );
  }
  const isDamaged =
    /not a valid DuckDB database|Corrupt database|Could not read (?:enough bytes )?from file/;
  if (isDamaged.test(message)) {
    return new BfaError(
      "integrity",
      `Cannot read ${path}: it is damaged, or no file of observations; put a copy in its place, or move it away and collect again`,
      { cause: error },
    );
  }
  return diskRefusal(error, path);
}
