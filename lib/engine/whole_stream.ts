/**
 * A DuckDB stream that fails in its middle ends as one that is whole does: node-api does not tell. So what was read
 * is counted.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { BfaError } from "../core/errors.ts";

/**
 * Fails unless all rows were read.
 *
 * @param read How many were.
 * @param from `FROM …`: where they came from, in any order.
 * @param action What cannot be done without the others: "write availability.parquet".
 * @throws {BfaError} `integrity`.
 */
export async function checkWhole(
  connection: DuckDBConnection,
  read: number,
  from: string,
  action: string,
): Promise<void> {
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM (SELECT 1 ${from})`);
  const all = Number(counted.getRows()[0]![0]);
  if (read === all) return;
  throw new BfaError(
    "integrity",
    `Cannot ${action}: DuckDB stopped after ${read} of ${all} rows; look for room on the disk and in memory, then try again`,
  );
}
