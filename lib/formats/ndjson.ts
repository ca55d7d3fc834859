/**
 * NDJSON: one JSON object a row, named by its columns.
 *
 * @module
 */

import type { Cell, Table } from "../core/table.ts";
import { textChunks } from "./chunks.ts";

/** A table as NDJSON. */
export function ndjson({ columns, rows }: Table): Iterable<Uint8Array<ArrayBuffer>> {
  const names = columns.map(({ name }) => JSON.stringify(name) + ":");
  const line = (row: readonly Cell[]) =>
    `{${names.map((name, i) => name + jsonCell(row[i] ?? null)).join(",")}}\n`;
  return textChunks("", rows, (some) => some.map(line).join(""));
}

/** A cell as JSON: all digits of large integers, `null` for what JSON cannot say (NaN, infinity). */
export function jsonCell(cell: Cell): string {
  return typeof cell === "bigint" ? String(cell) : JSON.stringify(cell);
}
