/**
 * Cells as JSON, everywhere the same: in JSON, in NDJSON, and between the server and its SQL children.
 *
 * JSON's numbers are read as doubles by most programs. An integer that a double cannot hold, `NaN` and the
 * infinities are therefore texts (RFC 7493 §2.2 asks for the same); the column's type tells what they are.
 *
 * @module
 */

import type { Cell, TableColumn } from "./table.ts";

/** An instant as a cell: as SQL writes it, no fraction that is 0. */
export function instantCell(instant: Date): string {
  return instant.toISOString().replace(".000Z", "Z");
}

/** An integer as a cell: a number wherever a double holds it. */
export function integerCell(value: number | bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/** A cell as a value of JSON. */
export function jsonValue(cell: Cell): Exclude<Cell, bigint> {
  if (typeof cell === "bigint") {
    const integer = integerCell(cell);
    return typeof integer === "number" ? integer : String(integer);
  }
  return typeof cell === "number" && !Number.isFinite(cell) ? String(cell) : cell;
}

/**
 * A cell as JSON text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { jsonCell } from "./json_cell.ts";
 * assertEquals([12, 9007199254740993n, NaN, "a", null].map(jsonCell).join(), '12,"9007199254740993","NaN","a",null');
 * ```
 */
export function jsonCell(cell: Cell): string {
  return JSON.stringify(jsonValue(cell));
}

/** A value of JSON as the cell it was made of. */
export function cellFromJson(value: Exclude<Cell, bigint>, type: TableColumn["type"]): Cell {
  if (typeof value !== "string") return value;
  return type === "BIGINT" ? BigInt(value) : type === "DOUBLE" ? Number(value) : value;
}
