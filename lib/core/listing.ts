/**
 * A listing is one life of a symbol. Its state on a day, and its whole life as runs of one state.
 *
 * @module
 */

import { addDays, type Day, type DayRange } from "./day.ts";

/** What a (symbol, day) is. */
export type DayState = "traded" | "archived" | "missing" | "pending" | "unlisted";

/** A state that a stored row can have. */
export type RowState = "traded" | "archived" | "missing";

/** The states a row of `daily_availability` can have, in the order they are shown. */
export const ROW_STATES: readonly RowState[] = ["traded", "archived", "missing"];

/** What kind of contract a listing is; `null` where no source says. */
export type ContractType = "perpetual" | "tradifi_perpetual" | "delivery";

/** One life of a symbol. All ranges are inclusive, sorted and do not overlap. */
export interface Listing {
  /** `SYMBOL#n`: the n-th life of the symbol, counted from 1. */
  readonly id: string;
  /** The Vision directory name. */
  readonly symbol: string;
  /** Kind of contract, where known. */
  readonly contractType: ContractType | null;
  /** Quote asset, where known. */
  readonly quoteAsset: string | null;
  /** Day of the first file. */
  readonly first: Day;
  /** Last day with trades; `null` while it still trades. Of one that never traded, its first day, which is a halt. */
  readonly lastTraded: Day | null;
  /** Day of the last file; `null` while files still appear. */
  readonly last: Day | null;
  /** Days inside the listing without a file. */
  readonly gaps: readonly DayRange[];
  /** Days up to the last traded one that have a file but no trades. */
  readonly halts: readonly DayRange[];
}

/** A stretch of days in one state. */
export interface StateRun {
  readonly from: Day;
  readonly to: Day;
  readonly state: RowState;
}

/**
 * The state of one listing on one day.
 *
 * @param listing One life of a symbol.
 * @param day UTC day.
 * @param asOf The last day the data could know about; later days are `pending`.
 * @returns `traded`, `archived`, `missing`, `pending` or `unlisted`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDay } from "./day.ts";
 * import { stateOn } from "./listing.ts";
 * const lit = {
 *   id: "LITUSDT#1",
 *   symbol: "LITUSDT",
 *   contractType: null,
 *   quoteAsset: "USDT",
 *   first: parseDay("2021-02-18"),
 *   lastTraded: parseDay("2025-01-31"),
 *   last: parseDay("2025-12-22"),
 *   gaps: [],
 *   halts: [],
 * };
 * assertEquals(stateOn(lit, parseDay("2025-03-01"), parseDay("2026-01-01")), "archived");
 * ```
 */
export function stateOn(listing: Listing, day: Day, asOf: Day): DayState {
  if (day > asOf) return "pending";
  if (day < listing.first || (listing.last !== null && day > listing.last)) return "unlisted";
  if (isWithin(day, listing.gaps)) return "missing";
  if (listing.lastTraded !== null && day > listing.lastTraded) return "archived";
  return isWithin(day, listing.halts) ? "archived" : "traded";
}

function isWithin(day: Day, ranges: readonly DayRange[]): boolean {
  return ranges.length > 0 && ranges.some(([from, to]) => from <= day && day <= to);
}

/**
 * A listing's whole life as runs of one state, in order, without holes, up to `asOf`.
 *
 * @param listing One life of a symbol.
 * @param asOf The last day the data could know about.
 * @returns Runs that together cover the first to the last day; empty when the listing starts after `asOf`.
 */
export function stateRuns(listing: Listing, asOf: Day): StateRun[] {
  const end = listing.last === null || listing.last > asOf ? asOf : listing.last;
  if (listing.first > end) return [];
  // A state can change only where a range starts or just after one ends.
  const cuts = new Set<Day>([listing.first]);
  for (const [from, to] of [...listing.gaps, ...listing.halts]) {
    cuts.add(from).add(addDays(to, 1));
  }
  if (listing.lastTraded !== null) cuts.add(addDays(listing.lastTraded, 1));
  const starts = [...cuts].filter((day) => day >= listing.first && day <= end).sort();

  const runs: StateRun[] = [];
  starts.forEach((from, i) => {
    const next = starts[i + 1];
    const to = next === undefined ? end : addDays(next, -1);
    const state = stateOn(listing, from, asOf) as RowState;
    const before = runs.at(-1);
    if (before?.state === state) runs[runs.length - 1] = { ...before, to };
    else runs.push({ from, to, state });
  });
  return runs;
}

/** The first day a listing traded, or `null` when it never did (so far). */
export function firstTraded(listing: Listing, asOf: Day): Day | null {
  return stateRuns(listing, asOf).find((run) => run.state === "traded")?.from ?? null;
}

/** The lives of every symbol, in the order they stand in. */
export function livesBySymbol(listings: readonly Listing[]): Map<string, Listing[]> {
  const lives = new Map<string, Listing[]>(); // `Map.groupBy` is younger than the runtimes of some clients
  for (const listing of listings) {
    const known = lives.get(listing.symbol);
    if (known) known.push(listing);
    else lives.set(listing.symbol, [listing]);
  }
  return lives;
}
