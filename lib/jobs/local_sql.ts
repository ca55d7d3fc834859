/**
 * SQL on a copy: its parts, its listings and its rankings, downloaded as needed.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import type { Artifact } from "../core/manifest.ts";
import { sqlText } from "../engine/duckdb.ts";
import { fillListings } from "../engine/listings_table.ts";
import { LocalSql } from "../engine/local_sql.ts";
import { fillTables } from "./fill_tables.ts";
import { inParallel } from "./in_parallel.ts";

/** Downloads at once. */
const WIDTH = 4;

/** The tables of a published version, from its files. */
export async function sqlOnFiles(
  listings: ListingsFile,
  artifacts: readonly Artifact[],
  path: (name: string) => Promise<string>,
): Promise<LocalSql> {
  const parts = artifacts.filter((artifact) => artifact.role === "part");
  if (parts.length === 0) {
    throw new BfaError("not_found", "Cannot run SQL: this version has no Parquet files");
  }
  const rankings = artifacts.filter(({ role }) => /^(recent-)?volume-rankings$/.test(role));
  const files = new Map<string, string>();
  await inParallel([...parts, ...rankings], WIDTH, async ({ name }) => {
    files.set(name, await path(name));
  });
  const read = (artifacts: readonly Artifact[]) =>
    `read_parquet([${artifacts.map(({ name }) => sqlText(files.get(name)!)).join(", ")}])`;
  return await LocalSql.open(async (connection) => {
    await fillListings(connection, listings.listings);
    await connection.run(`CREATE VIEW daily_availability AS FROM ${read(parts)}`);
    if (rankings.length) {
      await connection.run(`CREATE VIEW volume_rankings AS FROM ${read(rankings)}`);
    }
  });
}

/** The tables that listings alone give: which day of which symbol, without numbers. */
export async function sqlOnListings(listings: ListingsFile): Promise<LocalSql> {
  return await LocalSql.open((connection) => fillTables(connection, listings));
}
