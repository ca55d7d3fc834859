/**
 * NDJSON: one JSON object a row, named by its columns.
 *
 * @module
 */

import { jsonCell } from "../core/json_cell.ts";
import type { Cell, Table } from "../core/table.ts";
import { textChunks } from "./chunks.ts";

/** A table as NDJSON. */
export function ndjson({ columns, rows }: Table): Iterable<Uint8Array<ArrayBuffer>> {
  const names = columns.map(({ name }) => JSON.stringify(name) + ":");
  const line = (row: readonly Cell[]) =>
    `{${names.map((name, i) => name + jsonCell(row[i] ?? null)).join(",")}}\n`;
  return textChunks("", rows, (some) => some.map(line).join(""));
}
