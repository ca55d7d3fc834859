/**
 * Parquet as Arrow: DuckDB-WASM comes without a reader of the one, and takes the other.
 *
 * @module
 */

import { type FileMetaData, parquetMetadata, parquetRead } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import * as flechette from "@uwdata/flechette";
import { asBfaError, BfaError } from "../lib/core/errors.ts";
import type { Column } from "../lib/core/schema.ts";

type ArrowType = () => flechette.DataType;
type Page = ArrayLike<unknown>;

/** Our types in Arrow, and as what their values are built. */
const TYPES: Readonly<
  Record<Column["type"], { readonly type: ArrowType; readonly as?: ArrowType }>
> = {
  // The same few texts again and again.
  VARCHAR: { type: () => flechette.dictionary(flechette.utf8()) },
  DATE: { type: flechette.dateDay, as: flechette.int32 },
  BOOLEAN: { type: flechette.bool },
  BIGINT: { type: flechette.int64 },
  DOUBLE: { type: flechette.float64 },
  TIMESTAMP: {
    type: () => flechette.timestamp(flechette.TimeUnit.MICROSECOND),
    as: flechette.int64,
  },
};

/** Days and instants stay the whole numbers that they are in both formats. */
const PARSERS = {
  dateFromDays: (days: number) => days,
  timestampFromMicroseconds: (micros: bigint) => micros,
};

/** Rows of a stream: some files have row groups of a few hundred rows, and every stream costs something. */
const STREAM_ROWS = 50_000;

/**
 * The rows of a file as Arrow streams.
 *
 * @param name What to call the file in messages.
 * @param columns Which columns it must have; they come in this order.
 */
export async function* arrowOfParquet(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  columns: readonly Column[],
): AsyncGenerator<Uint8Array> {
  const file = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  try {
    const metadata = parquetMetadata(file);
    for (const [rowStart, rowEnd] of spans(metadata.row_groups)) {
      const pages = new Map(columns.map((column) => [column.name, [] as Page[]]));
      await parquetRead({
        file,
        metadata,
        columns: [...pages.keys()],
        compressors,
        parsers: PARSERS,
        rowStart,
        rowEnd,
        onChunk: ({ columnName, columnData }) => pages.get(columnName)!.push(columnData),
      });
      yield ipcStream(columns, pages);
    }
  } catch (error) {
    if (error instanceof BfaError) throw error;
    throw asBfaError(error, "integrity", `read ${name}`);
  }
}

/** Row groups in a row, as spans of rows. */
function* spans(groups: FileMetaData["row_groups"]): Generator<[from: number, to: number]> {
  let [from, to] = [0, 0];
  for (const { num_rows } of groups) {
    to += Number(num_rows);
    if (to - from < STREAM_ROWS) continue;
    yield [from, to];
    from = to;
  }
  if (to > from) yield [from, to];
}

function ipcStream(
  columns: readonly Column[],
  pages: ReadonlyMap<string, readonly Page[]>,
): Uint8Array {
  const arrays = columns.map(({ name, type }): [string, flechette.Column<unknown>] => {
    const values = (visit: (value: unknown) => void) => {
      for (const page of pages.get(name)!) for (let i = 0; i < page.length; i++) visit(page[i]);
    };
    const { type: arrow, as = arrow } = TYPES[type];
    const built = flechette.columnFromValues(values, as());
    return [name, as === arrow ? built : new flechette.Column([...built.data], arrow())];
  });
  const table = flechette.tableFromColumns(arrays);
  return flechette.tableToIPC(table, { format: "stream" })!;
}
