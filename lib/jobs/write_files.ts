/**
 * Writes the files of a version's rows, from the tables that were filled.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { dirname, join } from "@std/path";
import type { BlockIndex } from "../core/blocks.ts";
import type { Listing } from "../core/listing.ts";
import type { Artifact } from "../core/manifest.ts";
import { listingsThrough } from "../core/whole_files.ts";
import { sqlText } from "../engine/duckdb.ts";
import { hashFile, parquetFooterBytes } from "../files/file_facts.ts";
import { gzipFile } from "../files/gzip_file.ts";
import { availabilityFiles, type Planned, rankingFiles, type Reach } from "./build_plan.ts";
import { fillRankings } from "./fill_tables.ts";
import { inParallel } from "./in_parallel.ts";
import { writeDatabase } from "./write_database.ts";

/** Where they are written, and how far they go. */
export interface FilesOptions extends Reach {
  readonly listings: readonly Listing[];
  readonly dir: string;
}

/** Two connections to the same tables. */
export interface TwoConnections {
  /** Its rows are cut into blocks here. */
  readonly blocks: DuckDBConnection;
  /** It works meanwhile. */
  readonly sql: DuckDBConnection;
}

/** Rows per row group of a part that is not cut into blocks: about a month of days. */
const ROW_GROUP_SIZE = 16_384;

const PARQUET = "application/vnd.apache.parquet";

const DATABASE = "availability.duckdb.gz";

/**
 * Writes all of them. Blocks are packed in JavaScript; meanwhile DuckDB ranks, writes what it can write by itself, and
 * the database is compressed on a third thread. Who is ready first does not change a byte.
 *
 * @returns The artifacts: whole files, parts, rankings, database.
 */
export async function writeFiles(
  { blocks, sql }: TwoConnections,
  options: FilesOptions,
): Promise<Artifact[]> {
  const { dir, through, dataThrough } = options;
  const files = await availabilityFiles(sql, options);
  const written = new Map<string, Artifact>();
  const indexes: Record<Planned["table"], Map<string, BlockIndex>> = {
    daily_availability: new Map(),
    volume_rankings: new Map(),
  };
  const note = (artifact: Artifact, whole = false) =>
    // Whole files that do not go as far as the version say so.
    written.set(
      artifact.name,
      whole && through < dataThrough ? { ...artifact, dataThrough: through } : artifact,
    );
  const ranked = fillRankings(sql);

  async function writeBlocks(): Promise<void> {
    const write = async (file: Planned) => {
      const { artifact, index } = await writeBlockFile(blocks, file, dir);
      note(artifact, file.whole);
      indexes[file.table].set(file.name, index);
    };
    for (const file of files) if (file.blocks) await write(file);
    if (await ranked) { for (const file of rankingFiles(options)) await write(file); }
  }

  async function writeTheRest(): Promise<void> {
    const volumes = await ranked;
    const { listings } = options;
    const known = through < dataThrough ? listingsThrough(listings, through) : listings;
    const database = join(dir, DATABASE.replace(".gz", ""));
    await writeDatabase(sql, known, { path: database, volumes, through });
    const compress = async () => {
      await gzipFile(database, join(dir, DATABASE));
      await Deno.remove(database);
      note(await describe(dir, DATABASE, "database", "application/gzip"), true);
    };
    const writeParts = async () => {
      for (const file of files) if (!file.blocks) note(await writePart(sql, file, dir));
    };
    await inParallel([compress, writeParts], 2, (work) => work());
  }

  await inParallel([writeBlocks, writeTheRest], 2, (work) => work());
  const tables = await ranked ? [files, rankingFiles(options)] : [files];
  const names: string[] = [];
  for (const planned of tables) {
    const { table } = planned[0]!;
    names.push(...planned.map(({ name }) => name), indexName(table));
    note(await writeBlockIndexes(indexes[table], indexName(table), dir));
  }
  return [...names, DATABASE].map((name) => written.get(name)!);
}

/** The file that says where the blocks of a table's files are. */
function indexName(table: Planned["table"]): string {
  return `blocks/${table === "volume_rankings" ? "volume-rankings" : "availability"}.parquet`;
}

async function writeBlockIndexes(
  indexes: ReadonlyMap<string, BlockIndex>,
  name: string,
  dir: string,
): Promise<Artifact> {
  const { formatBlockIndexes } = await import("../engine/block_index_writer.ts");
  await Deno.mkdir(dirname(join(dir, name)), { recursive: true });
  await Deno.writeFile(join(dir, name), formatBlockIndexes(indexes));
  return await describe(dir, name, "blocks", PARQUET);
}

async function writeBlockFile(
  connection: DuckDBConnection,
  { name, role, table, select, blocks }: Planned,
  dir: string,
): Promise<{ artifact: Artifact; index: BlockIndex }> {
  const path = join(dir, name);
  await Deno.mkdir(dirname(path), { recursive: true });
  const { writeBlocks } = await import("../engine/block_writer.ts");
  const from = `FROM ${table} ${select}`;
  const { rows, index } = await writeBlocks(connection, path, { ...blocks!, from });
  const footerBytes = await parquetFooterBytes(path);
  const artifact = {
    ...await describe(dir, name, role, PARQUET),
    parquet: { rows, footerBytes, index: indexName(table) },
  };
  return { artifact, index };
}

async function writePart(
  connection: DuckDBConnection,
  { name, role, table, select }: Planned,
  dir: string,
): Promise<Artifact> {
  const path = join(dir, name);
  await Deno.mkdir(dirname(path), { recursive: true });
  await connection.run(`COPY (FROM ${table} ${select}) TO ${sqlText(path)}
    (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_SIZE})`);
  const result = await connection.runAndReadAll(
    `SELECT num_rows FROM parquet_file_metadata(${sqlText(path)})`,
  );
  const rows = Number(result.getRows()[0]![0]);
  const artifact = await describe(dir, name, role, PARQUET);
  return { ...artifact, parquet: { rows, footerBytes: await parquetFooterBytes(path) } };
}

/** A file as an artifact: its length and digest. */
export async function describe(
  dir: string,
  name: string,
  role: string,
  mediaType: string,
): Promise<Artifact> {
  const { bytes, sha256 } = await hashFile(join(dir, name));
  return { name, role, mediaType, bytes, sha256 };
}
