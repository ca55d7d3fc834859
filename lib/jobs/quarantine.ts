/**
 * The quarantine of a version: everything odd that was seen, with the reason, as an artifact of its
 * own. Odd keys stay out of the data; a day whose file is of an odd size stays in it, and a day whose
 * numbers cannot be trusted stays without them.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { quarantined } from "../engine/observation_views.ts";
import type { Quarantined } from "../engine/observations.ts";

/** The artifact's name. */
export const QUARANTINE_NAME = "quarantine.json";

/**
 * What is set aside, by key and reason.
 *
 * @param schema Where the tables of the log of observations are.
 */
export async function readQuarantine(
  connection: DuckDBConnection,
  schema: string,
): Promise<Quarantined[]> {
  const result = await connection.runAndReadAll(`
    SELECT key, reason, strftime(learned_at, '%Y-%m-%dT%H:%M:%SZ')
    FROM ${quarantined(schema)} ORDER BY key, reason`);
  return result.getRowsJson().map(([key, reason, learnedAt]) => ({
    key: String(key),
    reason: String(reason),
    learnedAt: String(learnedAt),
  }));
}

/** The artifact's text: a row a line, whatever is in the keys. */
export function formatQuarantine(rows: readonly Quarantined[]): string {
  const lines = rows.map((row) => `\n${JSON.stringify(row)}`);
  return `{"count":${rows.length},"quarantined":[${lines.join(",")}\n]}\n`;
}
