/**
 * Sifting: which rows of a table are wanted, and in which order. The service's `where` and `sort` and the
 * commands' `--where` and `--sort` are this.
 *
 * @module
 */

import { isDay } from "./day.ts";
import { BfaError } from "./errors.ts";
import { instantCell } from "./json_cell.ts";
import { nearestNames } from "./nearest.ts";
import type { Cell, Table, TableColumn } from "./table.ts";

/** What is wanted, as it is written: `quote_volume_usdt>=1e8`, `-trade_count`. */
export interface Sift {
  /** Conditions, all of which must hold. */
  readonly where?: readonly string[] | undefined;
  /** Columns to sort by, the first one first; with `-` the largest come first. */
  readonly sort?: readonly string[] | undefined;
}

/** More conditions than these are not a question that anybody types. */
const MOST = 20;

type Test = (cell: Cell) => boolean;

/** Whether anything is to be left out or moved. */
export function isSifting({ where = [], sort = [] }: Sift): boolean {
  return where.length > 0 || sort.length > 0;
}

/**
 * The positions of the rows that are wanted, in their order.
 *
 * A condition is a column, one of `=`, `!=`, `<`, `<=`, `>`, `>=`, and a value. After `=` there may be several
 * values with commas between, of which one must fit; nothing at all stands for a cell without a value. `!=` holds
 * wherever `=` does not. Cells without a value are neither less nor more than anything, and are sorted to the end.
 *
 * @throws {BfaError} `usage` for what cannot be read, and for columns that are not there.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sift } from "./sift.ts";
 * const table = {
 *   columns: [{ name: "symbol", type: "VARCHAR" as const }, { name: "trades", type: "BIGINT" as const }],
 *   rows: [["AAA", 5], ["BBB", 7], ["CCC", null], ["DDD", 9]],
 * };
 * assertEquals(sift(table, { where: ["trades>5"], sort: ["-trades"] }), [3, 1]);
 * assertEquals(sift(table, { where: ["symbol=AAA,CCC"] }), [0, 2]);
 * ```
 */
export function sift({ columns, rows }: Table, { where = [], sort = [] }: Sift): number[] {
  if (where.length + sort.length > MOST) {
    throw new BfaError("usage", `Cannot sift by more than ${MOST} conditions and columns`);
  }
  const tests = where.map((text) => readCondition(text, columns));
  const keys = sort.map((text) => readKey(text, columns));
  const kept: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    if (tests.every(({ at, holds }) => holds(rows[i]![at]!))) kept.push(i);
  }
  if (keys.length === 0) return kept;
  return kept.sort((a, b) => {
    for (const { at, down } of keys) {
      const [x, y] = [rows[a]![at]!, rows[b]![at]!];
      if (x === null || y === null) {
        if (x === y) continue;
        return x === null ? 1 : -1;
      }
      // Not by equality: a bigint may be the same as a number.
      if (x < y) return down ? 1 : -1;
      if (x > y) return down ? -1 : 1;
    }
    return a - b;
  });
}

/**
 * An answer's body with the wanted rows alone.
 *
 * @param lists The lists of the body that have one item per row.
 */
export function siftedBody<Body extends object>(
  body: Body,
  lists: readonly string[],
  positions: readonly number[],
): Body {
  const cut = { ...body } as Record<string, unknown>;
  for (const name of lists) {
    const list = cut[name];
    if (Array.isArray(list)) cut[name] = positions.map((at) => list[at]);
  }
  if ("count" in cut) cut["count"] = positions.length;
  return cut as Body;
}

function readCondition(text: string, columns: readonly TableColumn[]): { at: number; holds: Test } {
  const [, name, operator, value] = /^([^=!<>]*)(!=|<=|>=|=|<|>)(.*)$/s.exec(text) ?? [];
  if (name === undefined) {
    throw bad(text, "write a column, one of = != < <= > >=, and a value, such as quote_asset=USDT");
  }
  const at = columnAt(name, columns);
  const read = (value: string) => readValue(value, columns[at]!, text);
  if (operator === "=" || operator === "!=") {
    const values = new Set(value!.split(",").map((one) => one === "" ? null : read(one)));
    return { at, holds: (cell) => values.has(plain(cell)) === (operator === "=") };
  }
  const limit = read(value!);
  const holds: Record<string, (cell: NonNullable<Cell>) => boolean> = {
    "<": (cell) => cell < limit,
    "<=": (cell) => cell <= limit,
    ">": (cell) => cell > limit,
    ">=": (cell) => cell >= limit,
  };
  return { at, holds: (cell) => cell !== null && holds[operator!]!(cell) };
}

function readKey(text: string, columns: readonly TableColumn[]): { at: number; down: boolean } {
  const down = text.startsWith("-");
  return { at: columnAt(down ? text.slice(1) : text, columns), down };
}

function columnAt(name: string, columns: readonly TableColumn[]): number {
  const at = columns.findIndex((column) => column.name === name);
  if (at >= 0) return at;
  const names = columns.map((column) => column.name);
  const begun = names.find((known) => name !== "" && known.startsWith(name));
  const near = begun ?? nearestNames(name, names, 1)[0];
  throw new BfaError(
    "usage",
    `Cannot sift by ${JSON.stringify(name.slice(0, 40))}: ${
      near ? `did you mean ${near}? The` : "the"
    } columns of this answer are ${names.join(", ")}`,
  );
}

/** An instant, or a day for its beginning; in UTC, with its `Z` or without. */
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?$/;

/** A value of a column's type, written as cells are: texts, days and instants compare as texts. */
function readValue(value: string, { name, type }: TableColumn, text: string): NonNullable<Cell> {
  switch (type) {
    case "BIGINT":
    case "DOUBLE":
      if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return Number(value);
      throw bad(text, `${name} is a number`);
    case "BOOLEAN":
      if (value === "true" || value === "false") return value === "true";
      throw bad(text, `${name} is true or false`);
    case "DATE":
      if (isDay(value)) return value;
      throw bad(text, `${name} is a day, YYYY-MM-DD`);
    case "TIMESTAMP": {
      const instant = new Date(/T.*[^Z]$/.test(value) ? `${value}Z` : value);
      if (INSTANT.test(value) && isDay(value.slice(0, 10)) && !Number.isNaN(instant.getTime())) {
        return instantCell(instant);
      }
      throw bad(text, `${name} is an instant, such as 2024-01-16T07:30:00Z`);
    }
    case "VARCHAR":
      if (value !== "") return value;
      throw bad(text, "there is no value after it");
  }
}

/** A number that lost no digits, where there is one: a bigint equals no number in a set. */
function plain(cell: Cell): Cell {
  return typeof cell === "bigint" ? Number(cell) : cell;
}

function bad(text: string, why: string): BfaError {
  return new BfaError(
    "usage",
    `Cannot read the condition ${JSON.stringify(text.slice(0, 60))}: ${why}`,
  );
}
