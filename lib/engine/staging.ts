/**
 * Brings what was seen into DuckDB: each column as one text, which takes the thread that collects next
 * to no time. DuckDB takes it apart on threads of its own.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { joinColumn, VALUE_END } from "../core/file_columns.ts";
import type { SymbolSeen } from "./observations.ts";

const values = (column: number) =>
  `unnest(string_split($${column}, chr(${VALUE_END.charCodeAt(0)})))`;

/** Makes the table `seen` hold the files of these symbols. */
export async function stageFiles(
  connection: DuckDBConnection,
  seen: readonly SymbolSeen[],
): Promise<void> {
  const listed = seen.filter(({ files }) => files.count > 0);
  const files = listed.map((one) => one.files);
  const symbols = listed.map((one) => (one.symbol + VALUE_END).repeat(one.files.count)).join("");
  // Made anew each time: what is deleted from a temporary table stays in memory.
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE seen AS
      SELECT symbol, date::DATE AS date, nullif(bytes, '')::BIGINT AS bytes,
        nullif(modified, '')::TIMESTAMP AS modified, nullif(etag, '') AS etag
      FROM (SELECT ${values(1)} AS symbol, ${values(2)} AS date, ${values(3)} AS bytes,
        ${values(4)} AS modified, ${values(5)} AS etag)
      WHERE symbol <> ''`,
    [
      symbols.slice(0, -1),
      joinColumn(files, "date"),
      joinColumn(files, "bytes"),
      joinColumn(files, "modified"),
      joinColumn(files, "etag"),
    ],
  );
}
