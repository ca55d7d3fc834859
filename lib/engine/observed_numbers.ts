/**
 * The days' numbers in the log of observations: which are missing, and what was learned of them.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Day } from "../core/day.ts";
import { sqlText } from "./duckdb.ts";
import { inTransaction } from "./in_transaction.ts";
import { knownSymbols, knownSymbolsSql } from "./known_symbols.ts";
import { knownFiles, lastTries, learnedAt } from "./observation_views.ts";
import type { NumbersStore } from "./observations.ts";
import { learnOdd, stageOdd, stageRows } from "./staging.ts";

/** A problem is looked at again after this time: Binance repairs its files, sooner or later. */
const RETRY_NUMBERS_MS = 6 * 3_600_000;

/** The files `f` of days that lack their numbers, as SQL to be put after FROM. */
function withoutNumbers(since: Day | undefined, now: Date): string {
  const retryBefore = new Date(now.getTime() - RETRY_NUMBERS_MS).toISOString();
  return `${knownFiles()} f LEFT JOIN ${lastTries()} t USING (symbol, date)
    WHERE (t.symbol IS NULL OR t.etag IS DISTINCT FROM f.etag OR t.problem = 'changed'
      OR (t.problem IS NOT NULL AND NOT t.learned_at
        BETWEEN TIMESTAMP ${sqlText(retryBefore)} + INTERVAL 1 MICROSECOND
        AND TIMESTAMP ${sqlText(now.toISOString())}))
      ${since ? `AND f.date >= DATE ${sqlText(since)}` : ""}`;
}

/** The store's part that is about numbers. */
export function observedNumbers(connection: DuckDBConnection): NumbersStore {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();

  return {
    async daysWithoutNumbers({ since, most, now }) {
      const found = await rows(`SELECT f.symbol, f.date::VARCHAR, f.etag
        FROM ${withoutNumbers(since, now)} ORDER BY f.date DESC, f.symbol LIMIT ${most}`);
      return found.map(([symbol, date, etag]) => ({
        symbol: String(symbol),
        date: String(date) as Day,
        etag: etag === null ? null : String(etag),
      }));
    },

    async countDaysWithoutNumbers({ since, now }) {
      const [found] = await rows(`SELECT count(*) FROM ${withoutNumbers(since, now)}`);
      return Number(found![0]);
    },

    async learnNumbers(seen, now, { fill = false } = {}) {
      await stageRows(
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
          return [symbol, date, etag, zipEtag, null, ...numbers.map(numberText)];
        }),
      );
      const unknown = fill
        ? "ANTI JOIN (FROM klines WHERE problem IS NULL) k ON k.symbol = s.symbol AND k.date = s.date::DATE"
        : "";
      const result = await connection.run(
        `INSERT INTO klines SELECT s.*, ${learnedAt("klines", now)} FROM seen_numbers s ${unknown}`,
      );
      return result.rowsChanged;
    },

    async symbolsWithNumbers() {
      const numbers = "(FROM klines WHERE zip_etag IS NOT NULL)";
      return knownSymbols(await rows(knownSymbolsSql(numbers, "1d")));
    },

    async compareNumbers(symbol, files, { odd = [], now }) {
      const at = learnedAt("klines", now);
      await stageRows(connection, "seen_zips", files.map(({ date, etag }) => [date, etag]));
      await stageOdd(connection, odd);
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
        await learnOdd(connection, at);
        return result.rowsChanged;
      });
    },
  };
}

/** A number as it is staged. */
function numberText(number: number | null): string | null {
  return number === null ? null : String(number);
}
