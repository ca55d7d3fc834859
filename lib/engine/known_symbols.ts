/**
 * What is known of symbols, from the log of observations.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import type { KnownSymbol } from "./observations.ts";

/** Reads the symbols of a table, and when they were listed whole. */
export function knownSymbolsSql(table: string, interval: "1m" | "1d"): string {
  return `SELECT symbol, first::VARCHAR, last::VARCHAR, listed_at::VARCHAR
    FROM (SELECT symbol, min(date) AS first, max(date) AS last FROM ${table} GROUP BY symbol)
    LEFT JOIN (FROM listed_whole WHERE interval = '${interval}') USING (symbol)`;
}

/** The rows of that. */
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
