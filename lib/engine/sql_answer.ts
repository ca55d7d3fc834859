/**
 * Running one statement up to a limit. The answer is rows of JSON text, or a table in another format (sql_encoded.ts),
 * made in the child: the server passes it on and never reads it.
 *
 * @module
 */

import type { DuckDBDataChunk, DuckDBInstance, DuckDBResult } from "@duckdb/node-api";
import { cellFromJson, jsonCell } from "../core/json_cell.ts";
import type { SqlParams } from "../core/sql_params.ts";
import type { Cell, Table, TableColumn } from "../core/table.ts";
import { type CellReader, cellReader } from "./sql_cells.ts";
import { bindParams } from "./sql_params.ts";

/** Where an answer is cut off. */
export interface SqlLimits {
  readonly rows: number;
  /** Bytes of the rows as JSON. */
  readonly bytes: number;
  readonly columns: number;
}

/** What the service gives at most. */
export const SERVICE_LIMITS: SqlLimits = { rows: 10_000, bytes: 8 * 1024 * 1024, columns: 1_000 };

/**
 * What DuckDB makes of a result before its first row is read. A stream that fails later ends as if it were whole: node-api
 * does not tell. So all of an answer that is not cut off must fit: at most half as many cells as it has bytes of JSON,
 * of 16 bytes each.
 */
const BUFFER = "80MB";

/** What is known of an answer besides its rows. */
export interface SqlAnswerHead {
  readonly columns: readonly TableColumn[];
  /** Rows in the answer. */
  readonly count: number;
  /** Whether something was left out. */
  readonly truncated: boolean;
}

/** An answer. */
export interface SqlAnswerParts {
  readonly head: SqlAnswerHead;
  /** The inside of a JSON array of arrays, in UTF-8; the whole table, where another format was asked for. */
  readonly rows: Uint8Array<ArrayBuffer>;
}

/** A statement that is being run. */
export interface SqlRun {
  readonly answer: Promise<SqlAnswerParts>;
  /** Asks the database to stop. */
  interrupt(): void;
}

/**
 * Runs a statement that has passed the gate, on a connection of its own that cannot write.
 *
 * @param space Memory for the rows; as many bytes as fit are given.
 */
export async function startSql(
  instance: DuckDBInstance,
  sql: string,
  options: { params?: SqlParams | undefined; limits: SqlLimits; space: Uint8Array<ArrayBuffer> },
): Promise<SqlRun> {
  const connection = await instance.connect();
  return {
    interrupt: () => connection.interrupt(),
    answer: (async () => {
      try {
        await connection.run("SELECT setseed(0.5)"); // the same sample every time
        await connection.run(`SET streaming_buffer_size = '${BUFFER}'`);
        await connection.run("BEGIN TRANSACTION READ ONLY");
        const prepared = await connection.prepare(sql);
        bindParams(prepared, options.params);
        const parts = await readRows(await prepared.stream(), options);
        if (parts.head.truncated) connection.interrupt();
        return parts;
      } finally {
        connection.closeSync();
      }
    })(),
  };
}

async function readRows(
  result: DuckDBResult,
  { limits, space }: { limits: SqlLimits; space: Uint8Array<ArrayBuffer> },
): Promise<SqlAnswerParts> {
  const width = Math.min(result.columnCount, limits.columns);
  const readers = result.columnTypes().slice(0, width).map(cellReader);
  const columns = result.deduplicatedColumnNames().slice(0, width)
    .map((name, i): TableColumn => ({ name, type: readers[i]!.type }));
  const encoder = new TextEncoder();
  const room = space.subarray(0, limits.bytes);
  let count = 0;
  let used = 0;
  let truncated = width < result.columnCount;
  reading: for (let chunk; (chunk = await result.fetchChunk()) && chunk.rowCount > 0;) {
    for (let row = 0; row < chunk.rowCount; row++) {
      const text = (count ? "," : "") + rowText(chunk, row, readers);
      const { read, written } = encoder.encodeInto(text, room.subarray(used));
      if (count === limits.rows || read < text.length) {
        truncated = true;
        break reading;
      }
      count++;
      used += written;
    }
  }
  return { head: { columns, count, truncated }, rows: space.slice(0, used) };
}

function rowText(chunk: DuckDBDataChunk, row: number, readers: readonly CellReader[]): string {
  let text = "[";
  for (let i = 0; i < readers.length; i++) {
    const value = chunk.getColumnVector(i).getItem(row);
    if (i) text += ",";
    text += value === null ? "null" : jsonCell(readers[i]!.cell(value));
  }
  return text + "]";
}

/** Reads a whole result, whatever its size. */
export async function readTable(result: DuckDBResult): Promise<Table> {
  const { columns, chunks } = tableChunks(result);
  const rows: Cell[][] = [];
  for await (const chunk of chunks) for (const row of chunk) rows.push(row);
  return { columns, rows };
}

/** A result as it comes: its columns, and its rows some thousands at a time. */
export function tableChunks(
  result: DuckDBResult,
): { columns: TableColumn[]; chunks: AsyncGenerator<Cell[][]> } {
  const readers = result.columnTypes().map(cellReader);
  const columns = result.deduplicatedColumnNames()
    .map((name, i): TableColumn => ({ name, type: readers[i]!.type }));
  async function* chunks() {
    for (let chunk; (chunk = await result.fetchChunk()) && chunk.rowCount > 0;) {
      yield chunk.getRows().map((row) =>
        row.map((value, i) => value === null ? null : readers[i]!.cell(value))
      );
    }
  }
  return { columns, chunks: chunks() };
}

/** Reads the rows of an answer back into cells. */
export function readRowsJson(rows: Uint8Array, columns: readonly TableColumn[]): Cell[][] {
  const table: Cell[][] = JSON.parse(`[${new TextDecoder().decode(rows)}]`);
  const special = columns.flatMap(({ type }, i) =>
    type === "BIGINT" || type === "DOUBLE" ? [{ i, type }] : []
  );
  for (const row of table) {
    for (const { i, type } of special) row[i] = cellFromJson(row[i] as string, type);
  }
  return table;
}
