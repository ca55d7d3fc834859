/**
 * DuckDB, loaded only when a job asks for it: the import brings a 70 MB native library.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { BfaError } from "../core/errors.ts";
import { diskRefusal } from "./disk_refusal.ts";

/** How to open a database. */
export interface DuckdbOptions {
  /** File to open; in memory when left out. */
  path?: string;
  /** Worker threads. One makes the bytes of a written database file repeatable. */
  threads?: number;
  /** How much memory DuckDB may use before it spills to disk, such as `256MB`. */
  memoryLimit?: string;
}

/**
 * Opens a database, hands a connection to `use`, and closes both whatever happens.
 *
 * @param use What is done with it. `connect` gives another connection: statements of two run at the same time,
 * each on one thread of its own even where there is only one for each statement.
 */
export async function withDuckdb<T>(
  options: DuckdbOptions,
  use: (connection: DuckDBConnection, connect: () => Promise<DuckDBConnection>) => Promise<T>,
): Promise<T> {
  const { DuckDBInstance } = await loadDuckdb();
  const instance = await DuckDBInstance.create(options.path ?? ":memory:", {
    threads: String(options.threads ?? 2),
    ...(options.memoryLimit ? { memory_limit: options.memoryLimit } : {}),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connections: DuckDBConnection[] = [];
  const connect = async () => {
    const connection = await instance.connect();
    connections.push(connection);
    return connection;
  };
  try {
    return await use(await connect(), connect);
  } catch (error) {
    // Of a database with a file, whoever named it knows more.
    throw (options.path ? undefined : diskRefusal(error, "DuckDB's temporary files")) ?? error;
  } finally {
    for (const connection of connections) connection.closeSync();
    instance.closeSync();
  }
}

type Duckdb = typeof import("@duckdb/node-api");

/**
 * What to import. Not a literal: all that a literal `import()` names is fetched before a program's first run, and
 * these are 140 MB that a question does not need. Nothing maps names for a module that came from JSR, so it names
 * the package whole, as deno.json does.
 */
const DUCKDB = import.meta.url.startsWith("http")
  ? "npm:@duckdb/node-api@1.5.5-r.5"
  : "@duckdb/node-api";

/** Loads DuckDB. */
export async function loadDuckdb(): Promise<Duckdb> {
  try {
    return await import(DUCKDB) as Duckdb;
  } catch (cause) {
    // Deno says which permission is missing; only Deno has such errors.
    if (cause instanceof Error && cause.name === "NotCapable") throw cause;
    throw new BfaError(
      "unavailable",
      "Cannot load DuckDB: its native library is not available on this machine; questions that need no SQL still work",
      { cause },
    );
  }
}

/** Appends rows of text to a table. */
export async function appendRows(
  connection: DuckDBConnection,
  table: string,
  rows: readonly (readonly (string | null)[])[],
): Promise<void> {
  const appender = await connection.createAppender(table);
  for (const row of rows) {
    for (const text of row) {
      if (text === null) appender.appendNull();
      else appender.appendVarchar(text);
    }
    appender.endRow();
  }
  appender.closeSync();
}

/** Brings rows of text into a temporary table; SQL casts them on the way out. */
export async function stageRows(
  connection: DuckDBConnection,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): Promise<void> {
  const types = columns.map((column) => `${column} VARCHAR`).join(", ");
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (${types})`);
  await appendRows(connection, table, rows);
}

/** A text as an SQL string literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
