/**
 * CSV as RFC 4180 has it: a header, CRLF, quotes where needed. Absent values are empty.
 *
 * @module
 */

import { stringify } from "@std/csv/stringify";
import type { Table } from "../core/table.ts";
import { textChunks } from "./chunks.ts";

/** A table as CSV. */
export function csv({ columns, rows }: Table): Iterable<Uint8Array<ArrayBuffer>> {
  const header = stringify([columns.map(({ name }) => name)], { headers: false });
  return textChunks(header, rows, (some) => stringify(some, { headers: false }));
}
