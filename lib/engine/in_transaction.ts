/**
 * Transactions.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";

/** Does all of something, or nothing. */
export async function inTransaction<T>(
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
