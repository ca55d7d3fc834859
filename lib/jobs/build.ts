/**
 * Build: listings in, the artifacts of one version out. The same listings give the same bytes.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { dirname, join } from "@std/path";
import type { Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { FILE_FORMATS, type FileFormats } from "../core/file_formats.ts";
import { type Listing, stateRuns } from "../core/listing.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import { formatListings } from "../core/listings_file.ts";
import { type Artifact, SCHEMA_VERSION } from "../core/manifest.ts";
import {
  AVAILABILITY_URLS_VIEW,
  createTable,
  DAILY_AVAILABILITY,
  VOLUME_RANKINGS,
  VOLUME_RANKINGS_SQL,
} from "../core/schema.ts";
import { parseVersion } from "../core/version.ts";
import { listingsThrough, type WholeFiles, wholeThrough } from "../core/whole_files.ts";
import { sqlText, stageRows, withDuckdb } from "../engine/duckdb.ts";
import { fillListings } from "../engine/listings_table.ts";
import { heldBy } from "../engine/observation_store.ts";
import { knownDays } from "../engine/observation_views.ts";
import type { Quarantined } from "../engine/observations.ts";
import { availabilityFiles, type Planned, rankingFiles, RANKINGS_ORDER } from "./build_plan.ts";
import { dataPackage } from "./data_package.ts";
import { hashFile, parquetFooterBytes } from "../files/file_facts.ts";
import { formatQuarantine, QUARANTINE_NAME, readQuarantine } from "./quarantine.ts";

/** What a build made; written beside the artifacts as `build.json`. */
export interface Build {
  readonly version: string;
  readonly dataThrough: Day;
  readonly schemaVersion: number;
  readonly rows: number;
  readonly symbols: number;
  /** Rows of the quarantine; left out when the version was built without observations. */
  readonly quarantined?: number;
  /** What its files use of their formats. */
  readonly formats?: FileFormats;
  readonly artifacts: readonly Artifact[];
}

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

/** Rows per row group of a part that is not cut into blocks: about a month of days. */
const ROW_GROUP_SIZE = 16_384;

/** What a build may take in memory; what is more goes to its scratch folder. */
const MEMORY_LIMIT = "400MB";

const PARQUET = "application/vnd.apache.parquet";

/** Without volumes there is nothing to rank. */
const HAS_VOLUMES = "SELECT count(quote_volume_usdt) FROM daily_availability";

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
  await refuseForeignFolder(outDir);
  const scratch = `${outDir}.${crypto.randomUUID()}.tmp`;
  await Deno.mkdir(scratch, { recursive: true });
  try {
    const made = await writeAll(listings, options, scratch);
    await Deno.writeTextFile(join(scratch, "build.json"), JSON.stringify(made, null, 2) + "\n");
    await Deno.remove(outDir, { recursive: true }).catch(() => {});
    await Deno.rename(scratch, outDir);
    return made;
  } catch (error) {
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
    throw error;
  }
}

/** An earlier build is replaced whole; a folder of anything else is never touched. */
async function refuseForeignFolder(dir: string): Promise<void> {
  try {
    if ((await Array.fromAsync(Deno.readDir(dir))).length === 0) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (await readBuild(dir)) return;
  throw new BfaError(
    "usage",
    `Cannot build into ${dir}: it holds other files than an earlier build; give an empty or a new folder`,
  );
}

/** Reads what an earlier build made, or `undefined` when there is none. */
export async function readBuild(dir: string): Promise<Build | undefined> {
  const path = join(dir, "build.json");
  let made: Build;
  try {
    made = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error instanceof SyntaxError ? unreadable(path, error) : error;
  }
  if (typeof made?.version === "string" && Array.isArray(made.artifacts)) return made;
  throw unreadable(path);
}

function unreadable(path: string, cause?: unknown): BfaError {
  return new BfaError("integrity", `Cannot use ${path}: it is damaged; build again`, { cause });
}

async function writeAll(
  listings: ListingsFile,
  { version, observations, wholeFiles = "daily" }: BuildOptions,
  dir: string,
): Promise<Build> {
  const { dataThrough } = listings;
  const firstDay = listings.listings.map(({ first }) => first).sort()[0] ?? dataThrough;
  const through = wholeThrough(dataThrough, wholeFiles, firstDay);
  /** Whole files that do not go as far as the version say so. */
  const reaching = (artifact: Artifact, whole: boolean): Artifact =>
    whole && through < dataThrough ? { ...artifact, dataThrough: through } : artifact;
  const artifacts: Artifact[] = [];
  await Deno.writeTextFile(join(dir, "listings.json"), formatListings(listings));
  artifacts.push(await describe(dir, "listings.json", "listings", "application/json"));

  const database = join(dir, "availability.duckdb");
  const work = join(dir, "work.duckdb");
  // One thread: with more, DuckDB writes the same rows in varying blocks.
  const options = { path: work, threads: 1, memoryLimit: MEMORY_LIMIT };
  let odd: Quarantined[] | undefined;
  const rows = await withDuckdb(options, async (connection) => {
    odd = await fillTables(connection, listings, { observations });
    for (const file of await availabilityFiles(connection, { dataThrough, through })) {
      artifacts.push(reaching(await writeParquet(connection, file, dir), file.whole === true));
    }
    const volumes = await number(connection, HAS_VOLUMES) > 0;
    if (volumes) {
      await connection.run(createTable("volume_rankings", VOLUME_RANKINGS));
      await connection.run(`INSERT INTO volume_rankings BY NAME ${VOLUME_RANKINGS_SQL}`);
      for (const file of rankingFiles({ dataThrough, through })) {
        artifacts.push(reaching(await writeParquet(connection, file, dir), file.whole === true));
      }
    }
    const known = through < dataThrough
      ? listingsThrough(listings.listings, through)
      : listings.listings;
    await writeDatabase(connection, known, { path: database, volumes, through });
    return await number(connection, "SELECT count(*) FROM daily_availability");
  });
  await Deno.remove(work);
  await gzipFile(database, `${database}.gz`);
  await Deno.remove(database);
  const gzip = await describe(dir, "availability.duckdb.gz", "database", "application/gzip");
  artifacts.push(reaching(gzip, true));

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

/**
 * Makes and fills `listings` and `daily_availability`.
 *
 * @param options `symbolsAtOnce`: what is known of all symbols at once would not fit into memory when
 * there are ten times as many; 500 have about 350,000 days.
 * @returns What is set aside; `undefined` without observations.
 */
export async function fillTables(
  connection: DuckDBConnection,
  file: ListingsFile,
  options: { observations?: string | undefined; symbolsAtOnce?: number } = {},
): Promise<Quarantined[] | undefined> {
  const { observations, symbolsAtOnce = 500 } = options;
  await fillListings(connection, file.listings);
  await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
  const runs = file.listings.flatMap((listing) =>
    stateRuns(listing, file.dataThrough).map((run) => [listing.symbol, run.from, run.to, run.state])
  );
  await stageRows(connection, "runs", ["symbol", "first", "last", "state"], runs);
  const days = `SELECT day::DATE AS date, symbol, state <> 'missing' AS available, state
    FROM runs, unnest(generate_series(first::DATE, last::DATE, INTERVAL 1 DAY)) AS days(day)`;
  if (observations === undefined) {
    await connection.run(`INSERT INTO daily_availability BY NAME ${days} ORDER BY date, symbol`);
    return undefined;
  }
  await connection.run(`ATTACH ${sqlText(observations)} AS observations (READ_ONLY)`)
    .catch((error) => {
      throw heldBy(error, observations) ?? error;
    });
  const symbols = [...new Set(file.listings.map(({ symbol }) => symbol))].sort();
  await connection.run("CREATE SCHEMA batch");
  await connection.run("CREATE TABLE batch.rows AS FROM daily_availability WITH NO DATA");
  for (let at = 0; at < symbols.length; at += symbolsAtOnce) {
    const [first, last] = [symbols[at]!, symbols.slice(0, at + symbolsAtOnce).at(-1)!];
    const range = `WHERE symbol BETWEEN ${sqlText(first)} AND ${sqlText(last)}`;
    for (const table of ["files", "klines"]) {
      await connection.run(
        `CREATE OR REPLACE VIEW batch.${table} AS FROM observations.main.${table} ${range}`,
      );
    }
    await connection.run(`
      INSERT INTO batch.rows BY NAME
      SELECT d.*, o.* EXCLUDE (symbol, date)
      FROM (${days} ${range}) d LEFT JOIN ${knownDays(undefined, "batch")} o USING (symbol, date)`);
  }
  await connection.run("INSERT INTO daily_availability FROM batch.rows ORDER BY date, symbol");
  await connection.run("DROP SCHEMA batch CASCADE");
  const odd = await readQuarantine(connection, "observations.main");
  await connection.run("DETACH observations");
  return odd;
}

async function writeParquet(
  connection: DuckDBConnection,
  { name, role, table, select, blocks }: Planned,
  dir: string,
): Promise<Artifact> {
  const path = join(dir, name);
  await Deno.mkdir(dirname(path), { recursive: true });
  if (blocks) {
    const { writeBlocks } = await import("../engine/block_writer.ts");
    const facts = await writeBlocks(connection, path, {
      ...blocks,
      from: `FROM ${table} ${select}`,
    });
    const artifact = await describe(dir, name, role, PARQUET);
    return { ...artifact, parquet: { footerBytes: await parquetFooterBytes(path), ...facts } };
  }
  await connection.run(`COPY (FROM ${table} ${select}) TO ${sqlText(path)}
    (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_SIZE})`);
  const rows = await number(
    connection,
    `SELECT num_rows FROM parquet_file_metadata(${sqlText(path)})`,
  );
  const artifact = await describe(dir, name, role, PARQUET);
  return { ...artifact, parquet: { rows, footerBytes: await parquetFooterBytes(path) } };
}

async function writeDatabase(
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

async function describe(
  dir: string,
  name: string,
  role: string,
  mediaType: string,
): Promise<Artifact> {
  const { bytes, sha256 } = await hashFile(join(dir, name));
  return { name, role, mediaType, bytes, sha256 };
}

async function number(connection: DuckDBConnection, sql: string): Promise<number> {
  const result = await connection.runAndReadAll(sql);
  return Number(result.getRows()[0]![0]);
}

async function gzipFile(from: string, to: string): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true });
  using source = await Deno.open(from);
  await source.readable
    .pipeThrough(new CompressionStream("gzip"))
    .pipeTo((await Deno.create(to)).writable);
}
