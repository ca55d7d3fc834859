/**
 * CSV as RFC 4180 has it: a header, CRLF, quotes where needed. Absent values are empty; alone in a row, `""`.
 *
 * @module
 */

import { stringify } from "@std/csv/stringify";
import type { Cell, Table } from "../core/table.ts";
import { textChunks } from "./chunks.ts";

/** A table as CSV. */
export function csv({ columns, rows }: Table): Iterable<Uint8Array<ArrayBuffer>> {
  return textChunks(csvLines([columns.map(({ name }) => name)]), rows, csvLines);
}

/** Rows as lines of CSV, without a header. */
export function csvLines(rows: readonly (readonly Cell[])[]): string {
  const lines = (some: typeof rows) => stringify(some, { headers: false });
  if (rows[0]?.length !== 1) return lines(rows);
  // Readers skip lines of nothing, or of spaces.
  return rows.map((row) => lines([row]))
    .map((line) => line.trim() ? line : `"${line.slice(0, -2)}"\r\n`).join("");
}
