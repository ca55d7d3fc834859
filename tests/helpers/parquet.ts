/** Parquet files as rows, read with hyparquet: a second reader, not the one that wrote them. @module */

import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

/** The columns that every answer can be made from. */
export interface ParquetRow {
  readonly date: string;
  readonly symbol: string;
  readonly state: string;
  readonly available: boolean;
}

/** All rows of a file, in the order they stand there. */
export async function readParquetRows(path: string): Promise<ParquetRow[]> {
  const columns = ["date", "symbol", "state", "available"];
  const rows = await parquetReadObjects({ file: await readBuffer(path), columns, compressors });
  return rows.map((row) => ({
    date: (row.date as Date).toISOString().slice(0, 10),
    symbol: String(row.symbol),
    state: String(row.state),
    available: row.available === true,
  }));
}

/** A whole file as the buffer that hyparquet reads from. */
export async function readBuffer(path: string): Promise<ArrayBuffer> {
  return (await Deno.readFile(path)).buffer;
}

/** Unpacks a gzip file into another file. */
export async function gunzipFile(from: string, to: string): Promise<void> {
  const source = await Deno.open(from);
  const target = await Deno.create(to);
  await source.readable.pipeThrough(new DecompressionStream("gzip")).pipeTo(target.writable);
}
