/**
 * Rows out of Parquet, as cells.
 *
 * @module
 */

import { type AsyncBuffer, type FileMetaData, parquetRead } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { compareKeys } from "../core/blocks.ts";
import { asBfaError, BfaError } from "../core/errors.ts";
import { instantCell, integerCell } from "../core/json_cell.ts";
import type { Cell } from "../core/table.ts";

/** Values that rows must have in one of their columns, both ends included. */
export interface KeyRange {
  readonly column: string;
  readonly from: string;
  readonly to: string;
}

/** What to read of a file. */
export interface ParquetPart {
  /** What to call the file in messages. */
  readonly name: string;
  /** Which columns, in the order wanted. */
  readonly columns: readonly string[];
  /** Which rows: all of these hold. Their columns are among those wanted. */
  readonly where: readonly KeyRange[];
  /** The first row, where a row group starts. */
  readonly rowStart?: number;
  /** After the last row, where the same row group ends. */
  readonly rowEnd?: number;
}

/** Reads the rows of one row group, with the columns in the order asked for. */
export async function parquetRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { name, columns, where, ...span }: ParquetPart,
): Promise<Cell[][]> {
  const pages = columns.map((): ArrayLike<unknown>[] => []);
  try {
    await parquetRead({
      file,
      metadata,
      columns: [...columns],
      compressors,
      ...span,
      onChunk: ({ columnName, columnData }) => pages[columns.indexOf(columnName)]!.push(columnData),
    });
  } catch (error) {
    throw asDamage(error, name);
  }
  const data = pages.map((parts) => parts.length === 1 ? parts[0]! : parts.flatMap(Array.from));
  const days = columns.map((column) =>
    metadata.schema.some((e) => e.name === column && e.converted_type === "DATE")
  );
  const lastDays = columns.map(() => ({ ms: NaN, text: "" }));
  const cell = (at: number, row: number) => {
    const value = data[at]![row];
    return days[at] && value instanceof Date ? dayText(value, lastDays[at]!) : cellOf(value, false);
  };
  const limits = where.map(({ column, from, to }) => ({ at: columns.indexOf(column), from, to }));
  const rows: Cell[][] = [];
  // Rows are made of what is wanted alone: most of a row group is not.
  for (let row = 0; row < data[0]!.length; row++) {
    const wanted = limits.every(({ at, from, to }) => {
      const key = String(cell(at, row));
      return compareKeys(from, key) <= 0 && compareKeys(key, to) <= 0;
    });
    if (wanted) rows.push(columns.map((_, at) => cell(at, row)));
  }
  return rows;
}

/** A day as text; in files by day it is nearly always that of the row before. */
function dayText(date: Date, last: { ms: number; text: string }): string {
  const ms = date.getTime();
  if (ms !== last.ms) [last.ms, last.text] = [ms, date.toISOString().slice(0, 10)];
  return last.text;
}

/** What hyparquet reads, as a cell: days and instants are texts. */
export function cellOf(value: unknown, isDay: boolean): Cell {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return isDay ? value.toISOString().slice(0, 10) : instantCell(value);
  if (typeof value === "bigint") return integerCell(value);
  return value as Cell;
}

/** What breaks while bytes are decoded is damage, unless the network or the caller ended it. */
export function asDamage(error: unknown, name: string): unknown {
  if (error instanceof BfaError || error instanceof DOMException) return error;
  return asBfaError(error, "integrity", `read ${name}`);
}
