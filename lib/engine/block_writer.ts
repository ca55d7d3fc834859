/**
 * Writes a query's rows as a Parquet file of blocks; see `lib/core/blocks.ts`. DuckDB cannot: it cuts
 * row groups by count alone.
 *
 * @module
 */

import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import type { ColumnChunk, Encoding } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { createHash } from "node:crypto";
import { basename } from "node:path";
import {
  type Block,
  BLOCK_ROWS,
  type BlockColumn,
  type BlockIndex,
  compareKeys,
  HEADER_BYTES_PER_COLUMN,
  tiersOf,
} from "../core/blocks.ts";
import { dayFromNumber } from "../core/day.ts";
import type { Column } from "../core/schema.ts";
import { parquetSchemaOf } from "./parquet_types.ts";
import { checkWhole } from "./whole_stream.ts";
import { zstd } from "./zstd.ts";

/** What to write. */
export interface BlockFile {
  /** The table's columns, in the order of the Parquet schema. */
  readonly table: readonly Column[];
  /** Which columns are read together, those asked for most often first. */
  readonly tiers: readonly (readonly string[])[];
  /** What the rows are sorted and cut by. */
  readonly key: "date" | "symbol";
  /** `FROM … ORDER BY …`: the rows, sorted by the key first; without `ORDER BY` where the table is. */
  readonly from: string;
  /** A block is closed before it would have more rows, unless one key has; 1,400 when left out. */
  readonly blockRows?: number;
}

const ZSTD = zstd(3);

/**
 * How the bytes of a type pack best; without an entry, by dictionary or plainly. Amounts would be 1.6 % smaller with
 * BYTE_STREAM_SPLIT, but many readers from before 2024 trip over it where values are missing.
 */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  DATE: "DELTA_BINARY_PACKED",
  BIGINT: "DELTA_BINARY_PACKED",
  TIMESTAMP: "DELTA_BINARY_PACKED",
  DOUBLE: "PLAIN",
  // The usual choice, RLE, is what Polars and others could not read before 2024.
  BOOLEAN: "PLAIN",
};

/** Writes the file; its index goes into a file of its own, see `block_index_writer.ts`. */
export async function writeBlocks(
  connection: DuckDBConnection,
  path: string,
  { table, tiers: names, key, from, blockRows = BLOCK_ROWS }: BlockFile,
): Promise<{ rows: number; index: BlockIndex }> {
  const { columns, tiers } = tiersOf(table, names);
  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  const writer = new ByteWriter(4 * 1024 * 1024);
  const flush = () => {
    const bytes = writer.getBytes();
    for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    writer.index = 0;
  };
  const parquet = new ParquetWriter({
    writer,
    schema: parquetSchemaOf(table),
    codec: "ZSTD",
    compressors: ZSTD,
    statistics: false,
    createdBy: "bfa",
  });
  flush();

  const blocks: Block[] = [];
  let rows = 0;
  const at = columns.findIndex(({ name }) => name === key);
  for await (const data of cutByKey(connection, selectOf(columns, from), at, blockRows)) {
    const count = data[0]!.length;
    const start = writer.offset;
    writer.appendBytes(new Uint8Array(columns.length * HEADER_BYTES_PER_COLUMN));
    const columnData = columns.map((c, i) => source(c, data[i]!));
    parquet.write({ columnData, rowGroupSize: count, pageSize: 0 });
    const group = parquet.row_groups.at(-1)!;
    const header = writeHeader(writer.getBytes(), group.columns);
    blocks.push({
      first: key === "date" ? dayFromNumber(Number(data[at]![0])) : String(data[at]![0]),
      rows: count,
      start,
      ends: tiers.map((count) =>
        header.length + group.columns.slice(0, count).reduce((sum, c) => sum + lengthOf(c), 0)
      ),
      check: digestStart(header),
    });
    // The bytes stand in our order, the metadata in that of the schema: readers expect that.
    group.columns = table.map(({ name }) =>
      group.columns[columns.findIndex((c) => c.name === name)]!
    );
    rows += count;
    flush();
  }
  await checkWhole(connection, rows, from, `write ${basename(path)}`);
  parquet.finish();
  flush();
  return { rows, index: { key, columns: columns.map(known), tiers, blocks } };
}

/** DuckDB's dates come as day numbers, its timestamps as microseconds: both are cheap to take over. */
function selectOf(columns: readonly Column[], from: string): string {
  const list = columns.map(({ name, type }) =>
    type === "DATE"
      ? `(${name} - DATE '1970-01-01')::INTEGER`
      : type === "TIMESTAMP"
      ? `epoch_us(${name})`
      : `${name}::${type}`
  );
  return `SELECT ${list.join(", ")} ${from}`;
}

/** Rows as columns of values, cut so that no key is in two cuts. */
async function* cutByKey(
  connection: DuckDBConnection,
  sql: string,
  key: number,
  blockRows: number,
): AsyncGenerator<unknown[][]> {
  let columns: unknown[][] = [];
  let keyStart = 0;
  for await (const chunk of chunksOf(connection, sql)) {
    const added = chunk.getColumns() as unknown[][];
    // In place: copies of long arrays are garbage that V8 collects late.
    if (columns.length === 0) columns = added;
    else columns.forEach((column, i) => column.push(...added[i]!));
    const keys = columns[key]!;
    let cut = 0;
    for (let row = Math.max(1, keys.length - chunk.rowCount); row < keys.length; row++) {
      if (keys[row] !== keys[row - 1]) {
        if (!isAfter(keys[row], keys[row - 1])) throw new Error("the rows to write are not sorted");
        keyStart = row;
      }
      if (row - cut >= blockRows && keyStart > cut) {
        yield columns.map((column) => column.slice(cut, keyStart));
        cut = keyStart;
      }
    }
    if (cut > 0) columns = columns.map((column) => column.slice(cut));
    keyStart -= cut;
  }
  if (columns[0]?.length) yield columns;
}

/** Whether a key stands after another: days are numbers here. */
function isAfter(key: unknown, before: unknown): boolean {
  return typeof key === "number"
    ? key > (before as number)
    : compareKeys(String(key), String(before)) > 0;
}

/** The chunks of a result. DuckDB works on the next one while this one is packed. */
async function* chunksOf(
  connection: DuckDBConnection,
  sql: string,
): AsyncGenerator<DuckDBDataChunk> {
  const result = await connection.stream(sql);
  const fetch = () => {
    const chunk = result.fetchChunk();
    chunk.catch(() => {}); // seen when it is its turn
    return chunk;
  };
  let next = fetch();
  try {
    while (true) {
      const chunk = await next;
      if (!chunk || chunk.rowCount === 0) return;
      next = fetch();
      yield chunk;
    }
  } finally {
    // A connection is not closed while it is being read.
    await next.catch(() => {});
  }
}

function source({ name, type }: Column, data: unknown[]) {
  const encoding = ENCODINGS[type];
  return {
    name,
    data: type === "BIGINT" ? smallNumbers(data) : data,
    offsetIndex: false,
    // Other readers prune by what the file is sorted by; bounds of the rest only make the footer long.
    statistics: name === "date" || name === "symbol",
    ...(encoding ? { encoding } : {}),
  };
}

/** Integers as numbers, if all of them fit 32 bits: packed to the same bytes, without arithmetic on BigInts. */
function smallNumbers(data: unknown[]): unknown[] {
  const numbers: (number | null)[] = [];
  for (const value of data) {
    const number = value === null ? null : Number(value);
    if (number !== null && number !== (number | 0)) return data;
    numbers.push(number);
  }
  return numbers;
}

/** Fills in the header that stands before a block's columns, and returns it. */
function writeHeader(block: Uint8Array, columns: readonly ColumnChunk[]): Uint8Array {
  const header = block.subarray(0, columns.length * HEADER_BYTES_PER_COLUMN);
  const view = new DataView(header.buffer, header.byteOffset);
  let at = header.length;
  columns.forEach((column, i) => {
    const length = lengthOf(column);
    view.setUint32(i * HEADER_BYTES_PER_COLUMN, length, true);
    const check = digestStart(block.subarray(at, at + length));
    view.setBigInt64(i * HEADER_BYTES_PER_COLUMN + 4, check, true);
    at += length;
  });
  return header;
}

function lengthOf(column: ColumnChunk): number {
  return Number(column.meta_data!.total_compressed_size);
}

function digestStart(bytes: Uint8Array): bigint {
  return createHash("sha256").update(bytes).digest().readBigInt64LE(0);
}

function known({ name, type, required }: Column): BlockColumn {
  return required ? { name, type, required } : { name, type };
}
