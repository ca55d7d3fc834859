/**
 * Brings what was seen into DuckDB, as rows of temporary tables. They are made anew each time: what is
 * deleted from a temporary table stays in memory.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { FILE_COLUMNS, joinColumn, VALUE_END } from "../core/file_columns.ts";
import { appendRows, loadDuckdb } from "./duckdb.ts";
import type { OddKey, SymbolSeen } from "./observations.ts";

const values = (column: number) =>
  `unnest(string_split(decode($${column}), chr(${VALUE_END.charCodeAt(0)})))`;

/**
 * Makes the table `seen` hold the files of these symbols: each column as the bytes of one text, which takes
 * the thread that collects next to no time, and none of V8's memory. DuckDB takes it apart on a thread of its own.
 */
export async function stageFiles(
  connection: DuckDBConnection,
  seen: readonly SymbolSeen[],
): Promise<void> {
  const listed = seen.filter(({ files }) => files.count > 0);
  const files = listed.map((one) => one.files);
  const symbols = listed.map((one) => (one.symbol + VALUE_END).repeat(one.files.count)).join("");
  const { blobValue } = await loadDuckdb();
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE seen AS
      SELECT symbol, date::DATE AS date, nullif(bytes, '')::BIGINT AS file_size_bytes,
        nullif(modified, '')::TIMESTAMP AS modified, nullif(etag, '') AS etag
      FROM (SELECT ${values(1)} AS symbol, ${values(2)} AS date, ${values(3)} AS bytes,
        ${values(4)} AS modified, ${values(5)} AS etag)
      WHERE symbol <> ''`,
    [
      new TextEncoder().encode(symbols.slice(0, -1)),
      ...FILE_COLUMNS.map((name) => joinColumn(files, name)),
    ].map(blobValue),
  );
}

/** Makes a table hold these rows of text. */
export async function stageRows(
  connection: DuckDBConnection,
  table: string,
  rows: readonly (readonly (string | null)[])[],
): Promise<void> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} AS FROM ${table} WITH NO DATA`);
  await appendRows(connection, table, rows);
}

/** Makes the table `seen_odd` hold these keys. */
export async function stageOdd(
  connection: DuckDBConnection,
  odd: readonly OddKey[],
): Promise<void> {
  await stageRows(connection, "seen_odd", odd.map(({ key, reason }) => [key, reason]));
}

/**
 * Keeps the odd keys that were staged; those that are known stay as they were first seen.
 *
 * @param at When they were seen, as SQL.
 */
export async function learnOdd(connection: DuckDBConnection, at: string): Promise<void> {
  await connection.run(`INSERT INTO odd_keys SELECT key, min(reason), ${at} FROM seen_odd
    WHERE key NOT IN (SELECT key FROM odd_keys) GROUP BY key`);
}
