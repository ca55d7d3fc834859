/**
 * Export: rows of `daily_availability` as one file, from a copy's parts. They pass through some at a time: a file may
 * be larger than memory.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { knownDay, type Source } from "../core/answers.ts";
import { readColumns } from "../core/availability_rows.ts";
import { checkRange, type Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { type Column, DAILY_AVAILABILITY, LISTINGS } from "../core/schema.ts";
import type { Cell } from "../core/table.ts";
import { untilAborted } from "../core/until_aborted.ts";
import { diskRefusal } from "../engine/disk_refusal.ts";
import { sqlText } from "../engine/duckdb.ts";
import { interruptible } from "../engine/interruptible.ts";
import type { LocalSql } from "../engine/local_sql.ts";
import { tableChunks } from "../engine/sql_answer.ts";
import { checkWhole } from "../engine/whole_stream.ts";
import { makeAtomically, writeAll } from "../files/atomic_file.ts";
import type { Exported, ExportOptions } from "./dataset_options.ts";

/** Writes a file at a path and returns how many rows it holds. */
type Writer = (connection: DuckDBConnection, path: string, what: Selected) => Promise<number>;

/** Which rows. */
interface Selected {
  readonly version: string;
  readonly columns: readonly Column[];
  /** `WHERE …`, or nothing. */
  readonly where: string;
}

const WRITERS: Readonly<Record<string, Writer>> = {
  csv: writeCsv,
  parquet: writeParquet,
  sqlite: writeSqliteFile,
};

/** What a file's name can end with. */
const EXPORT_SUFFIXES: readonly string[] = Object.keys(WRITERS).map((name) => `.${name}`);

/** Writes the rows of a version to a file. */
export async function exportRows(
  path: string,
  source: Source,
  open: () => Promise<LocalSql>,
  options: ExportOptions = {},
): Promise<Exported> {
  if (typeof Deno === "undefined") {
    throw new BfaError(
      "not_implemented",
      "Cannot write a file here: only Deno can; ask for the rows instead",
    );
  }
  const writer = WRITERS[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ""];
  if (!writer) {
    const suffixes = EXPORT_SUFFIXES.join(", ");
    throw new BfaError("usage", `Cannot export to ${path}: its name must end with ${suffixes}`);
  }
  const what = select(source, options);
  if (!options.replace && await Deno.lstat(path).then(() => true, () => false)) {
    throw new BfaError(
      "usage",
      `Cannot export to ${path}: it is there already; add --force, or give another name`,
    );
  }
  const { signal } = options;
  const sql = await untilAborted(signal, open);
  let rows = 0;
  await makeAtomically(path, async (temporary) => {
    rows = await sql.use((connection) =>
      interruptible(connection, signal, async () => {
        const rows = await writer(connection, temporary, what);
        await checkWhole(connection, rows, fromOf(what), `export to ${path}`);
        return rows;
      })
    ).catch((error) => {
      throw diskRefusal(error, path) ?? error;
    });
  });
  const { size } = await Deno.stat(path);
  return { path, version: source.version, rows, bytes: size };
}

function select(
  { version, index }: Source,
  { from, to, symbol, columns }: ExportOptions,
): Selected {
  const conditions: string[] = [];
  const [first, last] = [from, to].map((day) => day === undefined ? day : knownDay(index, day));
  if (first && last) checkRange([first, last]);
  const day = (text: Day) => `DATE ${sqlText(text)}`;
  if (first) conditions.push(`date >= ${day(first)}`);
  if (last) conditions.push(`date <= ${day(last)}`);
  if (symbol !== undefined) conditions.push(`symbol = ${sqlText(index.lives(symbol)[0]!.symbol)}`);
  const names = readColumns(columns ?? "all").map(({ name }) => name);
  return {
    version,
    columns: DAILY_AVAILABILITY.filter(({ name }) => names.includes(name)),
    where: conditions.length ? `WHERE ${conditions.join(" AND ")}` : "",
  };
}

/** The rows as they come out of the parts: by day, then by symbol. */
function queryOf(what: Selected): string {
  const { columns } = what;
  return `SELECT ${columns.map(({ name }) => name).join(", ")} ${fromOf(what)}`;
}

function fromOf({ where }: Selected): string {
  return `FROM daily_availability ${where}`;
}

async function chunksOf(connection: DuckDBConnection, sql: string) {
  return tableChunks(await connection.stream(sql)).chunks;
}

async function writeCsv(connection: DuckDBConnection, path: string, what: Selected) {
  const { csvLines } = await import("../formats/csv.ts");
  using file = await Deno.open(path, { write: true, createNew: true });
  const encoder = new TextEncoder();
  const write = (rows: readonly (readonly Cell[])[]) =>
    writeAll(file, encoder.encode(csvLines(rows)));
  await write([what.columns.map(({ name }) => name)]);
  let count = 0;
  for await (const rows of await chunksOf(connection, queryOf(what))) {
    await write(rows);
    count += rows.length;
  }
  return count;
}

async function writeParquet(connection: DuckDBConnection, path: string, what: Selected) {
  const written = await connection.runAndReadAll(
    `COPY (${queryOf(what)}) TO ${sqlText(path)}
      (FORMAT parquet, COMPRESSION zstd, KV_METADATA { bfa_version: ${sqlText(what.version)} })`,
  );
  return Number(written.getRows()[0]![0]);
}

/** The rows, the listings they belong to, and what they are of. */
async function writeSqliteFile(connection: DuckDBConnection, path: string, what: Selected) {
  const { writeSqlite } = await import("../engine/sqlite_writer.ts");
  const [rows] = await writeSqlite(path, [
    {
      name: "daily_availability",
      columns: what.columns,
      key: ["date", "symbol"],
      index: ["symbol", "date"],
      rows: await chunksOf(connection, queryOf(what)),
    },
    {
      name: "listings",
      columns: LISTINGS,
      key: ["listing"],
      rows: later(() => chunksOf(connection, "FROM listings ORDER BY listing")),
    },
    {
      name: "dataset",
      columns: [{ name: "version", type: "VARCHAR", required: true, description: "" }],
      key: ["version"],
      rows: later(() => chunksOf(connection, `SELECT ${sqlText(what.version)} AS version`)),
    },
  ]);
  return rows!;
}

/** Asks when it is first read: one connection has one result at a time. */
async function* later(open: () => Promise<AsyncIterable<Cell[][]>>): AsyncGenerator<Cell[][]> {
  yield* await open();
}
