/**
 * What is known of symbols, from the log of observations.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import { NEWEST } from "./observation_views.ts";
import type { KnownSymbol } from "./observations.ts";

/** Reads the symbols of a table, and when they were listed whole. */
export function knownSymbolsSql(table: string, interval: "1m" | "1d"): string {
  return `SELECT symbol, first::VARCHAR, last::VARCHAR, listed_at::VARCHAR
    FROM (SELECT symbol, min(date) AS first, max(date) AS last FROM ${table} GROUP BY symbol)
    LEFT JOIN (FROM listed_whole WHERE interval = '${interval}') USING (symbol)`;
}

/** Symbols of the table `files` that have none left. Few symbols ever lost one: only those are looked at. */
export const SYMBOLS_AWAY = `SELECT symbol FROM (
    SELECT symbol, gone FROM files SEMI JOIN (FROM files WHERE gone) USING (symbol)
    ${NEWEST})
  GROUP BY symbol HAVING bool_and(gone)`;

/** The rows of {@linkcode knownSymbolsSql}. */
export function knownSymbols(rows: readonly (readonly unknown[])[]): Map<string, KnownSymbol> {
  return new Map(rows.map(([symbol, first, last, at]) => [
    String(symbol),
    {
      first: String(first) as Day,
      last: String(last) as Day,
      listedWhole: at === null ? null : String(at),
    },
  ]));
}
