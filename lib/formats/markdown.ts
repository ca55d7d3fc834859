/**
 * A table as GitHub Flavored Markdown shows it. Cells are text: nothing in them is markup.
 *
 * @module
 */

import type { Cell, Table, TableColumn } from "../core/table.ts";
import { textChunks } from "./chunks.ts";

/** A table as Markdown. */
export function markdown({ columns, rows }: Table): Iterable<Uint8Array<ArrayBuffer>> {
  const head = line(columns.map(({ name }) => name)) +
    `| ${columns.map((column) => isNumber(column) ? "---:" : "---").join(" | ")} |\n`;
  return textChunks(head, rows, (some) => some.map(line).join(""));
}

function isNumber({ type }: TableColumn): boolean {
  return type === "BIGINT" || type === "DOUBLE";
}

function line(cells: readonly Cell[]): string {
  return `| ${cells.map(text).join(" | ")} |\n`;
}

function text(cell: Cell): string {
  if (cell === null) return "";
  // An underscore inside a word is no markup: ETHUSDT_240628 stays as it is.
  return String(cell)
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replace(/[\\`*[\]|~]|(?<!\w)_|_(?!\w)/g, "\\$&")
    .replace(/\r\n|\r|\n/g, " ");
}
