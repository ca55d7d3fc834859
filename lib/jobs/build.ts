/**
 * Build: listings in, the artifacts of one version out. The same listings give the same bytes.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError } from "../core/errors.ts";
import { FILE_FORMATS } from "../core/file_formats.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import { formatListings } from "../core/listings_file.ts";
import { SCHEMA_VERSION } from "../core/manifest.ts";
import { parseVersion } from "../core/version.ts";
import { type WholeFiles, wholeThrough } from "../core/whole_files.ts";
import { withDuckdb } from "../engine/duckdb.ts";
import { type Build, fillBuildFolder } from "./build_folder.ts";
import { dataPackage } from "./data_package.ts";
import { fillTables } from "./fill_tables.ts";
import { formatQuarantine, QUARANTINE_NAME } from "./quarantine.ts";
import { describe, writeFiles } from "./write_files.ts";
import { readableListings } from "./written_listings.ts";

/** Where to build, and under which name. */
export interface BuildOptions {
  /** The version's name, `YYYY-MM-DD.n`; its day must be the listings' `dataThrough`. */
  version: string;
  /** Folder to make; it appears whole or not at all. */
  outDir: string;
  /** The file of observations that sizes and numbers come from; without it, they stay empty. */
  observations?: string | undefined;
  /** How often the files that hold all days are built anew; `daily` when left out. */
  wholeFiles?: WholeFiles | undefined;
}

/** What a build may take in memory; what is more goes to its scratch folder. */
const MEMORY_LIMIT = "400MB";

/** Builds a version from listings. */
export async function build(listings: ListingsFile, options: BuildOptions): Promise<Build> {
  const { version, outDir } = options;
  const named = parseVersion(version);
  if (named.build === 0) {
    throw new BfaError("usage", `Cannot build ${version}: build 0 is the embedded listings'`);
  }
  if (named.dataThrough !== listings.dataThrough) {
    throw new BfaError(
      "usage",
      `Cannot build ${version}: the listings end on ${listings.dataThrough}`,
    );
  }
  return await fillBuildFolder(outDir, (dir) => writeAll(listings, options, dir));
}

async function writeAll(
  listings: ListingsFile,
  { version, observations, wholeFiles = "daily" }: BuildOptions,
  dir: string,
): Promise<Build> {
  const { dataThrough } = listings;
  const firstDay = listings.listings.map(({ first }) => first).sort()[0] ?? dataThrough;
  const through = wholeThrough(dataThrough, wholeFiles, firstDay);
  const text = readableListings(formatListings(listings), `build ${version}`);
  await Deno.writeTextFile(join(dir, "listings.json"), text);
  const artifacts = [await describe(dir, "listings.json", "listings", "application/json")];

  const work = join(dir, "work");
  await Deno.mkdir(work);
  // One thread for each statement: with more, DuckDB writes the same rows in varying blocks.
  const options = { path: join(work, "work.duckdb"), threads: 1, memoryLimit: MEMORY_LIMIT };
  const { rows, odd } = await withDuckdb(options, async (connection, connect) => {
    const odd = await fillTables(connection, listings, { observations });
    const connections = { blocks: connection, sql: await connect() };
    const files = { listings: listings.listings, dir, dataThrough, through };
    artifacts.push(...await writeFiles(connections, files));
    const counted = await connection.runAndReadAll("SELECT count(*) FROM daily_availability");
    return { odd, rows: Number(counted.getRows()[0]![0]) };
  });
  await Deno.remove(work, { recursive: true });

  if (odd) {
    await Deno.writeTextFile(join(dir, QUARANTINE_NAME), formatQuarantine(odd));
    artifacts.push(await describe(dir, QUARANTINE_NAME, "quarantine", "application/json"));
  }

  const symbols = new Set(listings.listings.map((l) => l.symbol)).size;
  const facts = {
    version,
    dataThrough,
    schemaVersion: SCHEMA_VERSION,
    rows,
    symbols,
    ...(odd ? { quarantined: odd.length } : {}),
    formats: FILE_FORMATS,
  };
  const descriptor = dataPackage({ ...facts, artifacts });
  await Deno.writeTextFile(
    join(dir, "datapackage.json"),
    JSON.stringify(descriptor, null, 2) + "\n",
  );
  artifacts.push(
    await describe(dir, "datapackage.json", "description", "application/vnd.datapackage+json"),
  );
  return { ...facts, artifacts };
}
