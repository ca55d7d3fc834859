/**
 * Writes the database of a version, from the tables that were filled.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Day } from "../core/day.ts";
import { FILE_FORMATS } from "../core/file_formats.ts";
import type { Listing } from "../core/listing.ts";
import { SCHEMA_VERSION } from "../core/manifest.ts";
import {
  AVAILABILITY_URLS_VIEW,
  createTable,
  DAILY_AVAILABILITY,
  VOLUME_RANKINGS,
} from "../core/schema.ts";
import { sqlText } from "../engine/duckdb.ts";
import { fillListings } from "../engine/listings_table.ts";
import { RANKINGS_ORDER } from "./build_plan.ts";

/**
 * Writes it.
 *
 * @param listings Those it is to have.
 * @param options `volumes`: whether there are rankings; `through`: its last day, in everything.
 */
export async function writeDatabase(
  connection: DuckDBConnection,
  listings: readonly Listing[],
  { path, volumes, through }: { path: string; volumes: boolean; through: Day },
): Promise<void> {
  // These leave stray bytes between what they pack, or pack by a random sample: decision 006.
  await connection.run("SET disabled_compression_methods = 'alp,alprd,bitpacking,fsst'");
  await connection.run(
    `ATTACH ${sqlText(path)} AS file (STORAGE_VERSION '${FILE_FORMATS.duckdbStorage}')`,
  );
  await connection.run("USE file");
  const known = `WHERE date <= DATE '${through}'`;
  await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
  await connection.run(`INSERT INTO daily_availability FROM work.daily_availability ${known}`);
  await fillListings(connection, listings);
  if (volumes) {
    await connection.run(createTable("volume_rankings", VOLUME_RANKINGS));
    const sorted = `FROM work.volume_rankings ${known} ${RANKINGS_ORDER}`;
    await connection.run(`INSERT INTO volume_rankings ${sorted}`);
  }
  await connection.run(AVAILABILITY_URLS_VIEW);
  await connection.run(
    `CREATE TABLE dataset AS SELECT DATE '${through}' AS data_through, ${SCHEMA_VERSION} AS schema_version`,
  );
  await connection.run("CHECKPOINT file");
  await connection.run("USE work");
  await connection.run("DETACH file");
}
