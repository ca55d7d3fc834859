/**
 * What changed between two versions, as far as their listings tell: listings, and states of days. What
 * numbers tell besides is in diff_numbers.ts.
 *
 * @module
 */

import { addDays, type Day, dayFromNumber, dayNumber } from "./day.ts";
import { type Listing, livesBySymbol, type RowState, stateRuns } from "./listing.ts";
import type { ListingIndex } from "./listing_index.ts";
import type { Cell, RowColumn } from "./table.ts";

/** Why a row differs. */
export type DiffClass =
  /** One of the versions ended before that day. */
  | "new day"
  /** Both knew of that day, and only one has a row: a listing begins, ends or exists in one alone. */
  | "listing"
  /** Both have the row, and its state or its numbers differ. */
  | "revision";

/** One day of one symbol that the versions disagree on. */
export interface DiffRow {
  /** The day. */
  date: Day;
  /** The symbol. */
  symbol: string;
  /** `added` is in `b` only, `removed` in `a` only. */
  change: "added" | "removed" | "changed";
  /** Why. */
  class: DiffClass;
  /** Its state in `a`; `null` where it has no row. */
  before: RowState | null;
  /** Its state in `b`; `null` where it has no row. */
  after: RowState | null;
  /** The numbers that differ, with their values in `a` and in `b`; left out when none do. */
  fields?: Record<string, [before: Cell, after: Cell]>;
}

/** A listing that the versions disagree on. */
export interface ListingDiff {
  /** `SYMBOL#n`. */
  listing: string;
  /** `added` is in `b` only, `removed` in `a` only. */
  change: "added" | "removed" | "changed";
  /** The fields that differ, with their values in `a` and in `b`. */
  fields: Record<string, [before: unknown, after: unknown]>;
}

/** How one version differs from another. */
export interface DiffAnswer {
  /** The version that is compared. */
  a: string;
  /** The version it is compared with. */
  b: string;
  /** The schema's number in each, when they differ. */
  schema: [a: number, b: number] | null;
  /** Whether sizes, volumes and prices were compared too; not where a version was published without rows. */
  numbers: boolean;
  /** Listings that are new, gone or different. */
  listings: ListingDiff[];
  /** How many rows were asked for. */
  count: number;
  /** How many rows differ for each reason. */
  classes: Record<DiffClass, number>;
  /** The rows that differ, by day, then symbol. */
  rows: DiffRow[];
}

/** The columns of {@linkcode DiffAnswer.rows}. */
export const DIFF_COLUMNS: readonly RowColumn<DiffRow>[] = [
  { name: "date", type: "DATE", cell: (row) => row.date },
  { name: "symbol", type: "VARCHAR", cell: (row) => row.symbol },
  { name: "change", type: "VARCHAR", cell: (row) => row.change },
  { name: "class", type: "VARCHAR", cell: (row) => row.class },
  { name: "before", type: "VARCHAR", cell: (row) => row.before },
  { name: "after", type: "VARCHAR", cell: (row) => row.after },
  // One text for all of them: which numbers differ is another set in every row.
  {
    name: "fields",
    type: "VARCHAR",
    cell: (row) => row.fields ? JSON.stringify(row.fields) : null,
  },
];

/** Days on which a symbol is in one state in one version, and in another in the other. */
export interface StateChange extends Omit<DiffRow, "date" | "fields"> {
  /** The first day. */
  readonly from: Day;
  /** The last day. */
  readonly to: Day;
}

/** The last day that both versions know of. */
export function knownToBoth(a: ListingIndex, b: ListingIndex): Day {
  return a.dataThrough < b.dataThrough ? a.dataThrough : b.dataThrough;
}

/** The listings that differ. */
export function diffListings(a: ListingIndex, b: ListingIndex): ListingDiff[] {
  const before = new Map(a.listings.map((listing) => [listing.id, listing]));
  const after = new Map(b.listings.map((listing) => [listing.id, listing]));
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort();
  return ids.flatMap((id): ListingDiff[] => {
    const [was, is] = [before.get(id), after.get(id)];
    const fields = differingFields(was, is);
    if (Object.keys(fields).length === 0) return [];
    return [{ listing: id, change: !was ? "added" : !is ? "removed" : "changed", fields }];
  });
}

function differingFields(was?: Listing, is?: Listing): ListingDiff["fields"] {
  const fields: ListingDiff["fields"] = {};
  for (const name of Object.keys(was ?? is!) as (keyof Listing)[]) {
    const pair: [unknown, unknown] = [was?.[name] ?? null, is?.[name] ?? null];
    if (JSON.stringify(pair[0]) !== JSON.stringify(pair[1])) fields[name] = pair;
  }
  delete fields["id"];
  delete fields["symbol"];
  return fields;
}

/** The days whose state differs, as runs: the rows of a year of a symbol are one. */
export function stateChanges(a: ListingIndex, b: ListingIndex): StateChange[] {
  const known = knownToBoth(a, b);
  const before = livesBySymbol(a.listings);
  const after = livesBySymbol(b.listings);
  const changes: StateChange[] = [];
  for (const symbol of new Set([...a.symbols, ...b.symbols])) {
    const was = new SymbolStates(before.get(symbol) ?? [], a.dataThrough);
    const is = new SymbolStates(after.get(symbol) ?? [], b.dataThrough);
    // Between two cuts both versions stay in one state: compare there once, not day by day.
    const cuts = [...new Set([...was.cuts, ...is.cuts, addDays(known, 1)])].sort();
    cuts.forEach((from, i) => {
      const next = cuts[i + 1];
      const [x, y] = [was.on(from), is.on(from)];
      if (x === y || next === undefined) return;
      const change = x === null ? "added" : y === null ? "removed" : "changed";
      const why = from > known ? "new day" : change === "changed" ? "revision" : "listing";
      changes.push({
        symbol,
        from,
        to: addDays(next, -1),
        change,
        class: why,
        before: x,
        after: y,
      });
    });
  }
  return changes;
}

/** The rows of some changes on the days of a range, in no order. */
export function rowsOfChanges(
  changes: readonly StateChange[],
  [from, to]: readonly [Day, Day],
): DiffRow[] {
  const rows: DiffRow[] = [];
  for (const { from: first, to: last, ...row } of changes) {
    if (first > to || last < from) continue;
    const end = dayNumber(last < to ? last : to);
    for (let day = dayNumber(first > from ? first : from); day <= end; day++) {
      rows.push({ date: dayFromNumber(day), ...row });
    }
  }
  return rows;
}

/** All lives of a symbol as runs of one state. */
class SymbolStates {
  readonly #runs: { from: Day; to: Day; state: RowState }[];

  constructor(lives: readonly Listing[], asOf: Day) {
    this.#runs = lives.flatMap((life) => stateRuns(life, asOf));
  }

  /** The days on which the state may change. */
  get cuts(): Day[] {
    return this.#runs.flatMap(({ from, to }) => [from, addDays(to, 1)]);
  }

  on(day: Day): RowState | null {
    return this.#runs.find(({ from, to }) => from <= day && day <= to)?.state ?? null;
  }
}
