/** A database of the embedded listings for SQL children, and the catalogues of statements. @module */

import { join } from "@std/path";
import { AVAILABILITY_URLS_VIEW } from "../../lib/core/schema.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import type { SqlData } from "../../lib/engine/sql_database.ts";
import { SqlPool, type SqlPoolOptions } from "../../lib/engine/sql_pool.ts";
import { fillTables } from "../../lib/jobs/fill_tables.ts";
import { seedListings } from "../../lib/source/seed.ts";

/** What a statement may come to. */
export type Outcome = "deny" | "limit" | "timeout" | "ok";

/** One statement of a catalogue. */
export interface Case {
  readonly id: string;
  readonly sql: string;
  readonly expect: Outcome;
  readonly also?: Outcome;
  readonly why: string;
}

/** The statements of `tests/fixtures/hostile_sql*.jsonl`; `folder` stands for its placeholders. */
export async function cases(folder: string): Promise<Case[]> {
  const all: Case[] = [];
  for (const name of ["hostile_sql.jsonl", "hostile_sql_more.jsonl"]) {
    const text = await Deno.readTextFile(new URL(`../fixtures/${name}`, import.meta.url));
    for (const line of text.trim().split("\n")) all.push(JSON.parse(line));
  }
  return all.map((one) => ({
    ...one,
    sql: one.sql.replaceAll("{{DB}}", `${folder}/availability.duckdb`).replaceAll(
      "{{TMP}}",
      folder,
    ),
  }));
}

/** One version, published long ago. */
const VERSIONS = [{
  version: "2026-08-08.1",
  dataThrough: "2026-08-08",
  publishedAt: "2026-08-09T12:00:00Z",
  sequence: 1,
  rows: 647_498,
  symbols: 946,
  bytes: 1_600_000,
}];

/** Runs a test with a database of 647,498 rows in a folder of its own. */
export async function withSqlData(
  test: (data: SqlData, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bfa-sql-test-" });
  try {
    const path = join(folder, "availability.duckdb");
    const listings = await seedListings();
    await withDuckdb({}, async (connection) => {
      await connection.run(`ATTACH ${sqlText(path)} AS file`);
      await connection.run("USE file");
      await fillTables(connection, listings);
      await connection.run(AVAILABILITY_URLS_VIEW);
      await connection.run("USE memory");
      await connection.run("DETACH file");
    });
    await test({ version: "2026-08-08.1", id: "2026-08-08.1 x", path, versions: VERSIONS }, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A pool on a machine that may be slow and busy: only what a test gives it a limit for runs out of time. */
export const PATIENT: SqlPoolOptions = { deadlineMs: 120_000, waitMs: 120_000 };

/** Runs a test with a pool that is ready. */
export async function withPool(
  data: SqlData,
  options: SqlPoolOptions,
  test: (pool: SqlPool) => Promise<void>,
): Promise<void> {
  const pool = new SqlPool({ ...PATIENT, ...options });
  pool.use(data);
  try {
    await pool.query({ sql: "SELECT 1" });
    await test(pool);
  } finally {
    await pool.close();
  }
}

/** The rows of an answer. */
export function rowsOf({ rows }: { rows: Uint8Array }): unknown[][] {
  return JSON.parse(`[${new TextDecoder().decode(rows)}]`);
}
