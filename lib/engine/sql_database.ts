/**
 * The database of a SQL child: one version's file, read only and out of sight, behind views with the
 * published names. When it is locked, SQL can open, set and write nothing any more.
 *
 * @module
 */

import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Day } from "../core/day.ts";
import { createTable, VOLUME_RANKINGS, volumeRankingsSql, withUrls } from "../core/schema.ts";
import { type SqlVersion, VERSIONS } from "../core/sql_schema.ts";
import { loadDuckdb, sqlText } from "./duckdb.ts";
import { fillListings, type ListingRow } from "./listings_table.ts";
import { LOCK_STATEMENTS, LOCKED_SETTINGS } from "./sql_gate.ts";

/** What a child serves. */
export interface SqlData {
  /** The version's name. */
  readonly version: string;
  /** Tells apart what the same statement may answer differently from. */
  readonly id: string;
  /** Its `availability.duckdb`. */
  readonly path: string;
  /** The rows of the table `versions`. */
  readonly versions: readonly SqlVersion[];
  /** What came after the database, where it does not go as far as the version. */
  readonly recent?: RecentData | undefined;
}

/** The days after those of a database, and the listings as they are now. */
export interface RecentData {
  /** The database's last day. */
  readonly after: Day;
  /** Parquet files with the rows of `daily_availability`; they may hold earlier days too. */
  readonly availability: readonly string[];
  /** Parquet files with the rows of `volume_rankings`. */
  readonly rankings: readonly string[];
  readonly listings: readonly ListingRow[];
}

/** How much a query may use before DuckDB itself refuses. */
const MEMORY_LIMIT = "256MB";

/** Opens a version's database and locks it. */
export async function openLockedDatabase(data: SqlData): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await loadDuckdb();
  const instance = await DuckDBInstance.create(":memory:", {
    ...LOCKED_SETTINGS,
    memory_limit: MEMORY_LIMIT,
  });
  const connection = await instance.connect();
  // Hidden: no catalog shows it, or the path of its file.
  await connection.run(`ATTACH ${sqlText(data.path)} AS store (READ_ONLY, HIDDEN)`);
  await connection.run("SET GLOBAL TimeZone = 'UTC'");
  if (data.recent) await joinRecent(connection, "store.main", data.recent);
  await publishTables(connection, data.recent ? JOINED : "store.main");
  await publishVersions(connection, data.versions);
  for (const statement of LOCK_STATEMENTS) await connection.run(statement);
  connection.closeSync();
  return instance;
}

/** The schema of the tables that go as far as the version. */
const JOINED = "memory.joined";

/** Makes the tables of a schema as they are with the days after it. The files are read here, once. */
async function joinRecent(
  connection: DuckDBConnection,
  store: string,
  { after, availability, rankings, listings }: RecentData,
): Promise<void> {
  await connection.run(`CREATE SCHEMA ${JOINED}`);
  await connection.run(`USE ${JOINED}`);
  await fillListings(connection, listings);
  const files = { daily_availability: availability, volume_rankings: rankings };
  for (const [table, paths] of Object.entries(files)) {
    if (paths.length === 0) continue;
    const read = `read_parquet([${paths.map(sqlText).join(", ")}])`;
    await connection.run(
      `CREATE TABLE recent_${table} AS FROM ${read} WHERE date > DATE ${sqlText(after)}`,
    );
    await connection.run(
      `CREATE VIEW ${table} AS FROM ${store}.${table} UNION ALL BY NAME FROM ${JOINED}.recent_${table}`,
    );
  }
  await connection.run("USE memory.main");
}

/** Makes the published names, over the tables of another schema. */
export async function publishTables(connection: DuckDBConnection, store: string): Promise<void> {
  const daily = `CREATE VIEW daily_availability AS ${withUrls(`${store}.daily_availability`)}`;
  await connection.run(daily);
  await connection.run(`CREATE VIEW listings AS FROM ${store}.listings`);
  const stored = await connection.runAndReadAll(
    `SELECT 1 FROM (DESCRIBE ${store}.volume_rankings)`,
  ).then(() => true, () => false);
  const columns = VOLUME_RANKINGS.map((column) => column.name).join(", ");
  // Versions without volumes have no such table, nor did the first ones: it is then made on the fly.
  const rankings = stored ? `${store}.volume_rankings` : `(${volumeRankingsSql()})`;
  await connection.run(`CREATE VIEW volume_rankings AS SELECT ${columns} FROM ${rankings}`);
}

/** Makes the table `versions`. */
export async function publishVersions(
  connection: DuckDBConnection,
  versions: readonly SqlVersion[],
): Promise<void> {
  await connection.run(createTable("versions", VERSIONS).replace("CREATE", "CREATE OR REPLACE"));
  const rows = versions.map((v) =>
    `(${sqlText(v.version)}, ${sqlText(v.dataThrough)}, ${
      sqlText(v.publishedAt.replace("Z", ""))
    }, ${v.sequence}, ${v.rows}, ${v.symbols}, ${v.bytes})`
  );
  if (rows.length) await connection.run(`INSERT INTO versions VALUES ${rows.join(", ")}`);
}
