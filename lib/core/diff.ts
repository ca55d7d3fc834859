/**
 * What changed between two versions: listings, and days of listings.
 *
 * @module
 */

import type { Source } from "./answers.ts";
import { addDays, type Day, dayFromNumber, dayNumber } from "./day.ts";
import { type Listing, livesBySymbol, type RowState, stateRuns } from "./listing.ts";
import type { ListingIndex } from "./listing_index.ts";
import type { RowColumn } from "./table.ts";

/** Why a row differs. */
export type DiffClass =
  /** The older version ended before that day. */
  | "new day"
  /** Both versions knew of that day, and say something else. */
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
  /** Listings that are new, gone or different. */
  listings: ListingDiff[];
  /** How many rows differ, and why. */
  count: number;
  /** How many rows are new days, and how many revisions. */
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
];

/** A version to compare: its listings, and the number of its schema. */
export interface DiffSource extends Source {
  readonly schemaVersion: number;
}

/** Compares two versions. */
export function diff(a: DiffSource, b: DiffSource): DiffAnswer {
  const rows = diffRows(a.index, b.index);
  const classes: DiffAnswer["classes"] = { "new day": 0, revision: 0 };
  for (const row of rows) classes[row.class]++;
  return {
    a: a.version,
    b: b.version,
    schema: a.schemaVersion === b.schemaVersion ? null : [a.schemaVersion, b.schemaVersion],
    listings: diffListings(a.index, b.index),
    count: rows.length,
    classes,
    rows,
  };
}

function diffListings(a: ListingIndex, b: ListingIndex): ListingDiff[] {
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

function diffRows(a: ListingIndex, b: ListingIndex): DiffRow[] {
  const known = a.dataThrough;
  const symbols = new Set([...a.symbols, ...b.symbols]);
  const before = livesBySymbol(a.listings);
  const after = livesBySymbol(b.listings);
  const rows: DiffRow[] = [];
  for (const symbol of symbols) {
    const was = new SymbolStates(before.get(symbol) ?? [], a.dataThrough);
    const is = new SymbolStates(after.get(symbol) ?? [], b.dataThrough);
    // Between two cuts both versions stay in one state: compare there once, not day by day.
    const cuts = [...new Set([...was.cuts, ...is.cuts])].sort();
    cuts.forEach((cut, i) => {
      const [x, y] = [was.on(cut), is.on(cut)];
      if (x === y || cuts[i + 1] === undefined) return;
      const change = x === null ? "added" : y === null ? "removed" : "changed";
      for (let day = dayNumber(cut); day < dayNumber(cuts[i + 1]!); day++) {
        const date = dayFromNumber(day);
        const why: DiffClass = date > known ? "new day" : "revision";
        rows.push({ date, symbol, change, class: why, before: x, after: y });
      }
    });
  }
  return rows.sort((x, y) =>
    x.date < y.date ? -1 : x.date > y.date ? 1 : x.symbol < y.symbol ? -1 : 1
  );
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
