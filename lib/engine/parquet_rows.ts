/**
 * Rows out of Parquet, as cells.
 *
 * @module
 */

import { type AsyncBuffer, type FileMetaData, parquetRead } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { asBfaError, BfaError } from "../core/errors.ts";
import type { Cell } from "../core/table.ts";

/** What to read of a file. */
export interface ParquetPart {
  /** What to call the file in messages. */
  readonly name: string;
  /** Which columns, in the order wanted. */
  readonly columns: readonly string[];
  /** The first row. */
  readonly rowStart?: number;
  /** After the last row. */
  readonly rowEnd?: number;
}

/** Reads rows with the columns in the order asked for. */
export async function parquetRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { name, columns, ...span }: ParquetPart,
): Promise<Cell[][]> {
  let rows: unknown[][] = [];
  try {
    await parquetRead({
      file,
      metadata,
      columns: [...columns],
      compressors,
      ...span,
      rowFormat: "array",
      onComplete: (read) => rows = read as unknown[][],
    });
  } catch (error) {
    throw asDamage(error, name);
  }
  const days = columns.map((column) =>
    metadata.schema.some((e) => e.name === column && e.converted_type === "DATE")
  );
  return rows.map((row) => row.map((value, i) => cellOf(value, days[i]!)));
}

/** What hyparquet reads, as a cell: days and instants are texts. */
export function cellOf(value: unknown, isDay: boolean): Cell {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.toISOString().slice(0, isDay ? 10 : undefined);
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return value as Cell;
}

/** What breaks while bytes are decoded is damage, unless the network or the caller ended it. */
export function asDamage(error: unknown, name: string): unknown {
  if (error instanceof BfaError || error instanceof DOMException) return error;
  return asBfaError(error, "integrity", `read ${name}`);
}
