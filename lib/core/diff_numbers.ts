/**
 * What changed between two versions in the numbers: which days need to be read, and which rows differ.
 *
 * @module
 */

import { fieldOf } from "./availability_rows.ts";
import { compareKeys } from "./blocks.ts";
import { addDays, type Day, type DayRange } from "./day.ts";
import type { DiffRow } from "./diff.ts";
import type { RowState } from "./listing.ts";
import { DAILY_AVAILABILITY } from "./schema.ts";
import type { Cell } from "./table.ts";

/** Some days of a version's rows, whose bytes have a name: equal names, equal rows. */
export interface Piece {
  /** The first day that it may hold; it ends where the next one begins. */
  readonly first: Day;
  /** Changes with its bytes, and with nothing else. */
  readonly id: string;
}

/**
 * The days on which the rows of two versions may differ: those of the pieces that only one of them has.
 *
 * @param until The last day that is compared.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDay } from "./day.ts";
 * import { differingDays } from "./diff_numbers.ts";
 * const piece = (first: string, id: string) => ({ first: parseDay(first), id });
 * const a = [piece("2024-01-01", "x"), piece("2024-02-01", "y"), piece("2024-03-01", "z")];
 * const b = [piece("2024-01-01", "x"), piece("2024-02-01", "other"), piece("2024-03-01", "z")];
 * const days = [parseDay("2024-02-01"), parseDay("2024-02-29")];
 * assertEquals<unknown>(differingDays(a, b, parseDay("2024-03-05")), [days]);
 * ```
 */
export function differingDays(
  a: readonly Piece[],
  b: readonly Piece[],
  until: Day,
): DayRange[] {
  const found = [...onlyIn(a, b, until), ...onlyIn(b, a, until)]
    .sort(([x], [y]) => x < y ? -1 : x > y ? 1 : 0);
  const merged: [Day, Day][] = [];
  for (const [from, to] of found) {
    const before = merged.at(-1);
    if (before && from <= addDays(before[1], 1)) {
      if (to > before[1]) before[1] = to;
    } else {
      merged.push([from, to]);
    }
  }
  return merged;
}

/** No day is in two pieces: pieces that both have take nothing from what is around them. */
function onlyIn(pieces: readonly Piece[], others: readonly Piece[], until: Day): DayRange[] {
  const ids = new Set(others.map(({ id }) => id));
  return pieces.flatMap(({ first, id }, i): DayRange[] => {
    const next = pieces[i + 1]?.first;
    const last = next === undefined || next > until ? until : addDays(next, -1);
    return ids.has(id) || first > until ? [] : [[first, last]];
  });
}

/** Cuts ranges of days at the ends of months: a month of rows is what is held at once. */
export function byMonth(ranges: readonly DayRange[]): DayRange[] {
  return ranges.flatMap(([from, to]) => {
    const months: DayRange[] = [];
    for (let start = from; start <= to;) {
      const next = addDays(`${start.slice(0, 7)}-01` as Day, 32).slice(0, 7) + "-01" as Day;
      months.push([start, next > to ? to : addDays(next, -1)]);
      start = next;
    }
    return months;
  });
}

/** The columns that tell which row it is, what comes of its state, and the state itself. */
const [DATE, SYMBOL, STATE] = ["date", "symbol", "state"].map((name) =>
  DAILY_AVAILABILITY.findIndex((column) => column.name === name)
) as [number, number, number];

/** The columns whose values are compared, and what they are called in JSON. */
const COMPARED = DAILY_AVAILABILITY.flatMap(({ name }, at) =>
  ["date", "symbol", "state", "available"].includes(name) ? [] : [{ at, field: fieldOf(name) }]
);

/**
 * The rows that both versions have and whose numbers differ.
 *
 * @param a Rows with all columns of `daily_availability`, by day and then by symbol.
 * @param b The same of the other version.
 */
export function revisedRows(
  a: readonly (readonly Cell[])[],
  b: readonly (readonly Cell[])[],
): DiffRow[] {
  const rows: DiffRow[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i]!, b[j]!];
    const order = compareKeys(String(x[DATE]), String(y[DATE])) ||
      compareKeys(String(x[SYMBOL]), String(y[SYMBOL]));
    if (order <= 0) i++;
    if (order >= 0) j++;
    const fields = order === 0 && differing(x, y);
    if (!fields) continue;
    rows.push({
      date: x[DATE] as Day,
      symbol: x[SYMBOL] as string,
      change: "changed",
      class: "revision",
      before: x[STATE] as RowState,
      after: y[STATE] as RowState,
      fields,
    });
  }
  return rows;
}

function differing(x: readonly Cell[], y: readonly Cell[]): DiffRow["fields"] {
  let fields: DiffRow["fields"];
  for (const { at, field } of COMPARED) {
    const [before, after] = [x[at]!, y[at]!];
    if (!Object.is(before, after)) (fields ??= {})[field] = [before, after];
  }
  return fields;
}

/** State changes and revised numbers as one list, by day and then by symbol. */
export function merged(states: readonly DiffRow[], revised: readonly DiffRow[]): DiffRow[] {
  if (states.length === 0) return [...revised]; // which is in order
  const keyOf = ({ date, symbol }: DiffRow) => `${date} ${symbol}`;
  const known = new Map(states.map((row) => [keyOf(row), row]));
  for (const row of revised) {
    const state = known.get(keyOf(row));
    known.set(keyOf(row), state ? { ...state, fields: row.fields! } : row);
  }
  return [...known.values()].sort((x, y) =>
    x.date < y.date ? -1 : x.date > y.date ? 1 : compareKeys(x.symbol, y.symbol)
  );
}
