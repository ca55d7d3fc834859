/**
 * Random listings for property tests, each with the day-by-day states it was made from: the model
 * that `stateOn()`, `stateRuns()` and every answer must agree with.
 *
 * @module
 */

import fc from "fast-check";
import { addDays, type Day, dayFromNumber, dayNumber, parseDay } from "../../lib/core/day.ts";
import type { DayRange } from "../../lib/core/day.ts";
import type { ContractType, Listing, RowState } from "../../lib/core/listing.ts";
import { listing } from "./listing.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";

/** One life and the states of the days it was made from. */
export interface ModelledLife {
  readonly listing: Listing;
  /** First … last day of the model; what comes later follows `after`. */
  readonly states: readonly (readonly [Day, RowState])[];
  /** The state of every day after the model's; `unlisted` once the listing ended. */
  readonly after: RowState | "unlisted";
}

/** The first day any random listing can have. */
export const FIRST_DAY = parseDay("2023-11-20");

const SYMBOLS = [
  "0GUSDT",
  "42USDT",
  "AAAUSDT",
  "AAAUSDTSETTLED",
  "BBBUSDC",
  "BTCUSDT_240628",
  "ICPUSDT_SETTLED",
  "LITUSDT",
  "币安人生USDT",
];

type Run = readonly [state: RowState, days: number];
type Ending = "trading" | "archived" | "ended";

/** Any day from year 0 to 9999. */
export function anyDay(): fc.Arbitrary<Day> {
  const [min, max] = [dayNumber("0000-01-01" as Day), dayNumber("9999-12-31" as Day)];
  return fc.integer({ min, max }).map(dayFromNumber);
}

/** A day in the months where random listings live. */
export function dayNearListings(): fc.Arbitrary<Day> {
  return fc.integer({ min: 0, max: 120 }).map((days) => addDays(FIRST_DAY, days));
}

/** One life, with gaps and halts anywhere, in any of the ways a listing can end. */
export function modelledLife(): fc.Arbitrary<ModelledLife> {
  return fc.tuple(dayNearListings(), anyRuns(), anyEnding())
    .map(([first, runs, ending]) => lifeOf("AAAUSDT#1", first, runs, ending));
}

/** Listings as a file holds them: sorted, relisted symbols, some that start after `dataThrough`. */
export function listingsFile(): fc.Arbitrary<ListingsFile> {
  const life = fc.tuple(fc.integer({ min: 1, max: 20 }), anyRuns(), anyEnding(), anyKind());
  const lives = fc.array(life, { minLength: 1, maxLength: 3 });
  const perSymbol = fc.tuple(fc.constantFrom(...SYMBOLS), dayNearListings(), lives);
  return fc.record({
    dataThrough: dayNearListings(),
    listings: fc.uniqueArray(perSymbol, { selector: ([symbol]) => symbol, maxLength: 6 })
      .map((symbols) =>
        symbols.toSorted(([a], [b]) => a < b ? -1 : 1).flatMap(([symbol, first, lives]) => {
          let next = first;
          return lives.map(([pause, runs, ending, kind], i) => {
            const last = i === lives.length - 1;
            const made = lifeOf(`${symbol}#${i + 1}`, next, runs, last ? ending : "ended", kind);
            next = addDays(made.states.at(-1)![0], pause);
            return made.listing;
          });
        })
      ),
  });
}

/** Makes the listing that is described by runs of states. */
export function lifeOf(
  id: string,
  first: Day,
  runs: readonly Run[],
  ending: Ending,
  kind: Partial<Listing> = {},
): ModelledLife {
  const states = runs.flatMap(([state, days]) => Array<RowState>(days).fill(state))
    .map((state, i) => [addDays(first, i), state] as const);
  const lastTraded = ending === "trading"
    ? null
    : states.findLast(([, state]) => state === "traded")![0];
  const made = listing(id, first, lastTraded, ending === "ended" ? states.at(-1)![0] : null, {
    ...kind,
    gaps: rangesOf(states, (_, state) => state === "missing"),
    halts: rangesOf(
      states,
      (day, state) => state === "archived" && (lastTraded === null || day < lastTraded),
    ),
  });
  const after = { trading: "traded", archived: "archived", ended: "unlisted" } as const;
  return { listing: made, states, after: after[ending] };
}

/** Runs of days; a listing starts with a file and traded at least once. */
function anyRuns(): fc.Arbitrary<Run[]> {
  const state = fc.constantFrom<RowState>("traded", "archived", "missing");
  const run = fc.tuple(state, fc.integer({ min: 1, max: 12 }));
  const opening = fc.tuple(fc.constantFrom<RowState>("traded", "archived"), fc.constant(1));
  return fc.tuple(opening, fc.array(run, { maxLength: 3 }), fc.array(run, { maxLength: 4 }))
    .map(([start, before, after]): Run[] => [start, ...before, ["traded", 2], ...after]);
}

function anyEnding(): fc.Arbitrary<Ending> {
  return fc.constantFrom<Ending>("trading", "archived", "ended");
}

function anyKind(): fc.Arbitrary<Partial<Listing>> {
  return fc.record({
    contractType: fc.constantFrom<ContractType | null>(
      "perpetual",
      "tradifi_perpetual",
      "delivery",
      null,
    ),
    quoteAsset: fc.constantFrom("USDT", "USDC", null),
  });
}

function rangesOf(
  states: readonly (readonly [Day, RowState])[],
  belongs: (day: Day, state: RowState) => boolean,
): DayRange[] {
  const ranges: [Day, Day][] = [];
  for (const [day] of states.filter(([day, state]) => belongs(day, state))) {
    const open = ranges.at(-1);
    if (open && addDays(open[1], 1) === day) open[1] = day;
    else ranges.push([day, day]);
  }
  return ranges;
}
