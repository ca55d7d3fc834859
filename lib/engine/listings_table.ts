/**
 * The table `listings`.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { createTable, LISTINGS } from "../core/schema.ts";
import { listingCells, type SqlListing } from "../core/sql_schema.ts";
import { stageRows } from "./duckdb.ts";

/** Makes and fills the table, in the schema that is current. */
export async function fillListings(
  connection: DuckDBConnection,
  listings: readonly SqlListing[],
): Promise<void> {
  await connection.run(createTable("listings", LISTINGS));
  const columns = LISTINGS.map((column) => column.name);
  const rows = listings.map(listingCells);
  await stageRows(connection, "lives", columns, rows);
  await connection.run("INSERT INTO listings FROM lives");
}
