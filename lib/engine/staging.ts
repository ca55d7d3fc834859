/**
 * Brings what was seen into DuckDB: as one JSON text, which takes the thread that collects a fifth of
 * the time of handing over cell by cell. DuckDB takes it apart on threads of its own.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { SymbolSeen } from "./observations.ts";

const COLUMNS = JSON.stringify([{
  symbol: "VARCHAR",
  date: ["DATE"],
  bytes: ["BIGINT"],
  modified: ["TIMESTAMP"],
  etag: ["VARCHAR"],
}]);

/** Makes the table `seen` hold the files of these symbols. */
export async function stageFiles(
  connection: DuckDBConnection,
  seen: readonly SymbolSeen[],
): Promise<void> {
  const columns = seen.map(({ symbol, files }) => ({
    symbol,
    date: files.map((file) => file.date),
    bytes: files.map((file) => file.bytes),
    modified: files.map((file) => file.lastModified),
    etag: files.map((file) => file.etag),
  }));
  // Made anew each time: what is deleted from a temporary table stays in memory.
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE seen AS
      SELECT s.symbol, unnest(s.date) AS date, unnest(s.bytes) AS bytes,
        unnest(s.modified) AS modified, unnest(s.etag) AS etag
      FROM (SELECT unnest(from_json($1::JSON, '${COLUMNS}')) AS s)`,
    [JSON.stringify(columns)],
  );
}
