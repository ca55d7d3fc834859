/**
 * The table `listings`.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Listing } from "../core/listing.ts";
import { createTable, LISTINGS } from "../core/schema.ts";
import { stageRows } from "./duckdb.ts";

/** What the table knows of a listing. */
export type ListingRow = Omit<Listing, "gaps" | "halts">;

/** Makes and fills the table, in the schema that is current. */
export async function fillListings(
  connection: DuckDBConnection,
  listings: readonly ListingRow[],
): Promise<void> {
  await connection.run(createTable("listings", LISTINGS));
  const columns = LISTINGS.map((column) => column.name);
  const rows = listings.map((l) => [
    l.id,
    l.symbol,
    l.contractType,
    l.quoteAsset,
    l.first,
    l.lastTraded,
    l.last,
  ]);
  await stageRows(connection, "lives", columns, rows);
  await connection.run("INSERT INTO listings FROM lives");
}
