/**
 * Listings from observations: where one life of a symbol ends and the next begins.
 *
 * The rule:
 * 1. A symbol's days with a file are traded or not, by the evidence of `trade_count`, else of size.
 *    A single small file with which a life begins, no file on the day before and trading on the next, is
 *    a first day that began late, unless its `trade_count` is known.
 * 2. Trading that resumes after 25 days or more is a new listing. Where the archive has an alias
 *    `…SETTLED` of the symbol, the exchange itself says that a contract was settled: 7 days then do,
 *    of a pause that lies within the alias's own days. A later alias says nothing of an earlier pause.
 * 3. A new listing begins with its first traded day; files before it belong to the life before.
 *    Files before a symbol's very first trade are halts of its first life.
 * 4. A listing still trades while its last traded day is at most 7 days older than the data, whether
 *    the days since have files without trades (a halt, until more is known) or none (they may be
 *    late). Only then is it delisted, as of its last traded day. No halt within a life is known that
 *    took longer than 3 days. A dated contract ends with the day in its name.
 *
 * @module
 */

import { addDays, type Day, dayNumber, type DayRange } from "./day.ts";
import type { ContractType, Listing } from "./listing.ts";
import { quoteAssetOf } from "./symbol.ts";

/** Days of one symbol that all have a file, and all traded or all did not. */
export interface EvidenceRun {
  readonly symbol: string;
  readonly from: Day;
  readonly to: Day;
  readonly traded: boolean;
  /** Of days that did not trade: `trade_count` says so. Else their size does, which can be wrong about a short day. */
  readonly counted?: boolean;
}

/** What else decides. */
export interface DeriveOptions {
  /** The last day the observations are complete for; later ones are left out. */
  readonly dataThrough: Day;
  /** What is known of a symbol's contracts. */
  readonly facts?: ReadonlyMap<string, ContractFacts>;
}

/** What the name of a symbol does not say. */
export interface ContractFacts {
  readonly contractType: ContractType | null;
  readonly quoteAsset: string | null;
}

/** Trading that resumes after this many days is a new listing. */
const NEW_LIFE_AFTER_DAYS = 25;

/** The same, where a `…SETTLED` alias proves that a contract ended. */
const NEW_LIFE_AFTER_SETTLED_DAYS = 7;

/** How many days may pass without a file, or without trades, before a listing counts as ended. */
export const LATE_DAYS = 7;

/** The listings of all symbols, sorted by symbol and day. */
export function deriveListings(
  runs: readonly EvidenceRun[],
  options: DeriveOptions,
): Listing[] {
  const { dataThrough } = options;
  const known = runs.filter((run) => run.from <= dataThrough)
    .map((run) => run.to <= dataThrough ? run : { ...run, to: dataThrough });
  const bySymbol = Map.groupBy(known, (run) => run.symbol);
  const symbols = [...bySymbol.keys()].sort();
  const settled = settledDays(bySymbol);
  return symbols.flatMap((symbol) =>
    livesOf(symbol, bySymbol.get(symbol)!, settled.get(symbol) ?? [], options)
  );
}

/** From when to when there are files of each symbol's aliases. */
function settledDays(bySymbol: ReadonlyMap<string, readonly EvidenceRun[]>) {
  const days = new Map<string, DayRange[]>();
  for (const [alias, runs] of bySymbol) {
    const base = settledBase(alias);
    if (base === undefined) continue;
    days.set(base, [...days.get(base) ?? [], [runs[0]!.from, runs.at(-1)!.to]]);
  }
  return days;
}

/** The symbol that a `…SETTLED` alias stands for: `AIAUSDTSETTLED` and `ICPUSDT_SETTLED`. */
export function settledBase(symbol: string): string | undefined {
  const match = /^(.+?)_?SETTLED$/.exec(symbol);
  return match?.[1];
}

function livesOf(
  symbol: string,
  runs: readonly EvidenceRun[],
  settled: readonly DayRange[],
  { dataThrough, facts }: DeriveOptions,
): Listing[] {
  const lives: EvidenceRun[][] = [[]];
  let lastTraded: Day | undefined;
  runs.forEach((run, i) => {
    const begins = lastTraded === undefined
      ? i === 0
      : daysBetween(lastTraded, run.from) >= pauseThatEnds(lastTraded, run.from, settled);
    const traded = run.traded || begins && beganLate(run, runs[i - 1], runs[i + 1]);
    if (traded) {
      if (begins && lastTraded !== undefined) lives.push([]);
      lastTraded = run.to;
    }
    append(lives.at(-1)!, { ...run, traded });
  });
  const known = facts?.get(symbol);
  return lives.map((life, i): Listing => ({
    id: `${symbol}#${i + 1}`,
    symbol,
    contractType: known?.contractType ?? (/_\d{6}$/.test(symbol) ? "delivery" : null),
    quoteAsset: known?.quoteAsset ?? quoteAssetOf(symbol),
    ...daysOf(life, i === lives.length - 1 && !hasExpired(symbol, life), dataThrough),
  }));
}

/** Whether a dated contract has its last file: the name says when it ends. */
function hasExpired(symbol: string, life: readonly EvidenceRun[]): boolean {
  const [, year, month, day] = /_(\d{2})(\d{2})(\d{2})$/.exec(symbol) ?? [];
  return year !== undefined && life.at(-1)!.to >= `20${year}-${month}-${day}`;
}

/** The days of one life; `open`: more may follow. */
function daysOf(
  life: readonly EvidenceRun[],
  open: boolean,
  dataThrough: Day,
): Pick<Listing, "first" | "lastTraded" | "last" | "gaps" | "halts"> {
  const first = life[0]!.from;
  const lastFile = life.at(-1)!.to;
  const isRecent = (day: Day) => open && daysBetween(day, addDays(dataThrough, 1)) <= LATE_DAYS;
  const goesOn = isRecent(lastFile);
  const gaps: DayRange[] = [];
  life.forEach((run, i) => {
    const next = life[i + 1];
    if (next && addDays(run.to, 1) < next.from) {
      gaps.push([addDays(run.to, 1), addDays(next.from, -1)]);
    }
  });
  if (goesOn && lastFile < dataThrough) gaps.push([addDays(lastFile, 1), dataThrough]);

  const traded = life.findLast((run) => run.traded);
  const trades = traded !== undefined && isRecent(traded.to);
  // Without a day, every client would say that it trades: of a life that never did it is the first, which is a halt.
  const lastTraded = trades ? null : traded?.to ?? first;
  const halts = traded
    ? life.filter((run) => !run.traded && (lastTraded === null || run.to <= lastTraded))
      .map((run): DayRange => [run.from, run.to])
    : [[first, first] as const];
  return { first, lastTraded, last: goesOn ? null : lastFile, gaps, halts };
}

/** How long a pause has to be so that a new life begins after it. */
function pauseThatEnds(lastTraded: Day, resumed: Day, settled: readonly DayRange[]): number {
  const isSettled = settled.some(([from, to]) =>
    to >= lastTraded && from <= addDays(resumed, LATE_DAYS)
  );
  return isSettled ? NEW_LIFE_AFTER_SETTLED_DAYS : NEW_LIFE_AFTER_DAYS;
}

/** Rule 1: a first day that began late has a small file although it traded. */
function beganLate(run: EvidenceRun, before?: EvidenceRun, next?: EvidenceRun): boolean {
  return run.from === run.to && !run.counted && (!before || addDays(before.to, 1) < run.from) &&
    next?.traded === true && addDays(run.to, 1) === next.from;
}

/** Adds a run; to the one before it, where that has the same evidence. */
function append(life: EvidenceRun[], run: EvidenceRun): void {
  const before = life.at(-1);
  if (before && before.traded === run.traded && addDays(before.to, 1) === run.from) {
    life[life.length - 1] = { ...before, to: run.to };
  } else life.push(run);
}

/** How many days lie between two, neither counted. */
function daysBetween(before: Day, after: Day): number {
  return dayNumber(after) - dayNumber(before) - 1;
}
