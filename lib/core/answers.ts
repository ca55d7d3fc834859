/**
 * The questions that the listings of one version answer from memory.
 *
 * @module
 */

import type {
  EventsAnswer,
  ListingAnswer,
  ListingEvent,
  ListingRow,
  RangeAnswer,
  SnapshotAnswer,
  SummaryAnswer,
  SummaryRow,
  SymbolRow,
  SymbolsAnswer,
  TimelineAnswer,
  TimelineRow,
} from "./answer_types.ts";
import { isTexts, mustBe } from "./checked.ts";
import {
  addDays,
  checkRange,
  type Day,
  dayFromNumber,
  dayNumber,
  type DayRange,
  daysInRange,
  parseDay,
} from "./day.ts";
import { BfaError, NotFoundError } from "./errors.ts";
import {
  type DayState,
  firstTraded,
  type Listing,
  ROW_STATES,
  type RowState,
  stateOn,
  stateRuns,
} from "./listing.ts";
import type { ListingIndex } from "./listing_index.ts";

/** What every answer is made from: the listings of one version. */
export interface Source {
  /** Its name. */
  readonly version: string;
  /** Its listings. */
  readonly index: ListingIndex;
}

/**
 * A range as it is asked for: `latest` is accepted, and one end alone means both; of a timeline, the other end is open.
 */
export interface RangeQuestion {
  /** First day. */
  from?: string | undefined;
  /** Last day. */
  to?: string | undefined;
}

/** Which states to include; `traded` when left out. */
export interface StatesOption {
  /** `traded`, `archived`, `missing`. */
  states?: readonly string[] | undefined;
}

/** Days and states as they are asked for, before anybody knows what there is. */
export interface Asked extends RangeQuestion, StatesOption {
  /** One day. */
  day?: string | undefined;
}

/**
 * Refuses what no version could answer, so that nobody is asked for it.
 *
 * @throws {BfaError} `usage` for what is no day, a range that ends first, or a state that does not exist.
 */
export function checkAsked({ day, from, to, states }: Asked): void {
  readStates(states);
  const [, first, last] = [day, from, to].map((text) =>
    text === undefined ? undefined : readDay(text)
  );
  if (first && last) checkRange([first, last]);
}

/** A day that is asked for; `undefined` for the latest one. */
function readDay(text: string): Day | undefined {
  if (text === "latest") return undefined;
  if (typeof text === "string" && /^[a-z]+$/i.test(text)) {
    const shown = JSON.stringify(text.slice(0, 40)); // such as "today"
    throw new BfaError(
      "usage",
      `Cannot read the day ${shown}: write it as YYYY-MM-DD, or \`latest\` for the newest`,
    );
  }
  return parseDay(text);
}

/**
 * A day that the data knows about.
 *
 * @param text `YYYY-MM-DD` or `latest`.
 * @throws {BfaError} `usage` for what is no day.
 * @throws {NotFoundError} for a day before the first or after the last known one.
 */
export function knownDay(index: ListingIndex, text: string): Day {
  const day = readDay(text);
  if (day === undefined) return index.dataThrough;
  if (!index.startsBy(day)) {
    throw new NotFoundError(`no data for ${day}: the archive starts on ${index.firstDay}`, [
      index.firstDay,
    ]);
  }
  if (day > index.dataThrough) {
    throw new NotFoundError(
      `no data for ${day}: this version ends on ${index.dataThrough}; \`latest\` is that day`,
      [index.dataThrough],
    );
  }
  return day;
}

/** A range of days that the data knows about; see {@linkcode knownDay}. */
export function knownRange(index: ListingIndex, { from, to }: RangeQuestion): DayRange {
  const start = from ?? to;
  const end = to ?? from;
  if (start === undefined || end === undefined) {
    throw new BfaError("usage", "Cannot tell which days: give from and to, or one of them");
  }
  const range: DayRange = [knownDay(index, start), knownDay(index, end)];
  checkRange(range);
  return range;
}

/** Reads states, in their usual order and without repeats; `traded` when none is given. */
export function readStates(states: readonly string[] | undefined): RowState[] {
  if (states === undefined) return ["traded"];
  mustBe(isTexts(states), "these states", `a list, such as ["traded", "archived"]`);
  if (states.length === 0) return ["traded"];
  for (const state of states) {
    if (!(ROW_STATES as readonly string[]).includes(state)) {
      throw new BfaError(
        "usage",
        `Cannot use the state ${JSON.stringify(state.slice(0, 40))}: choose among ${
          ROW_STATES.join(", ")
        }`,
      );
    }
  }
  return ROW_STATES.filter((state) => states.includes(state));
}

/** Which symbols existed on a day, and really traded unless other states are asked for. */
export function snapshot(
  { version, index }: Source,
  day: string,
  options: StatesOption & { detail?: boolean | undefined } = {},
): SnapshotAnswer {
  const date = knownDay(index, day);
  const states = readStates(options.states);
  const symbols: string[] = [];
  const rows: ListingRow[] = [];
  index.forEachOn(date, (listing, state) => {
    if (!(states as DayState[]).includes(state)) return;
    symbols.push(listing.symbol);
    if (options.detail) rows.push(listingRow(listing, state));
  });
  const answer: SnapshotAnswer = { version, date, states, count: symbols.length, symbols };
  return options.detail ? { ...answer, rows } : answer;
}

/** The lives of a symbol. */
export function timeline(
  { version, index }: Source,
  symbol: string,
  options: RangeQuestion & { detail?: boolean | undefined } = {},
): TimelineAnswer {
  const lives = index.lives(symbol);
  const days: Record<RowState, number> = { traded: 0, archived: 0, missing: 0 };
  for (const life of lives) {
    for (const run of stateRuns(life, index.dataThrough)) {
      days[run.state] += daysInRange([run.from, run.to]);
    }
  }
  const answer: TimelineAnswer = {
    version,
    symbol: lives[0]!.symbol,
    listings: lives.map(listingAnswer),
    days,
  };
  if (!options.detail && options.from === undefined && options.to === undefined) return answer;
  const [from, to] = detailRange(index, lives, options);
  return { ...answer, from, to, rows: timelineRows(lives, from, to, index.dataThrough) };
}

/** Which symbols were in one of the states on at least one day of a range. */
export function range(
  { version, index }: Source,
  question: RangeQuestion,
  options: StatesOption = {},
): RangeAnswer {
  const [from, to] = knownRange(index, question);
  const states = readStates(options.states);
  const symbols = new Set<string>();
  for (const listing of index.listings) {
    if (listing.first > to || (listing.last !== null && listing.last < from)) continue;
    const inRange = stateRuns(listing, index.dataThrough)
      .some((run) => states.includes(run.state) && run.from <= to && run.to >= from);
    if (inRange) symbols.add(listing.symbol);
  }
  return { version, from, to, states, count: symbols.size, symbols: [...symbols] };
}

/** The listings that began to trade in a range, dated by their first traded day. */
export function newListings({ version, index }: Source, question: RangeQuestion): EventsAnswer {
  const [from, to] = knownRange(index, question);
  const events: ListingEvent[] = [];
  for (const listing of index.listings) {
    if (listing.first > to) continue;
    const date = firstTraded(listing, index.dataThrough);
    if (date === null || date < from || date > to) continue;
    events.push({ ...eventOf(listing, date), relisting: !listing.id.endsWith("#1") });
  }
  return { version, from, to, count: events.length, events: events.sort(byDateThenSymbol) };
}

/** The listings that stopped trading in a range, dated by the first day after the last traded one. */
export function delistings({ version, index }: Source, question: RangeQuestion): EventsAnswer {
  const [from, to] = knownRange(index, question);
  const events: ListingEvent[] = [];
  for (const listing of index.listings) {
    if (listing.lastTraded === null) continue;
    const date = addDays(listing.lastTraded, 1);
    if (date < from || date > to || firstTraded(listing, index.dataThrough) === null) continue;
    events.push({ ...eventOf(listing, date), lastTraded: listing.lastTraded });
  }
  return { version, from, to, count: events.length, events: events.sort(byDateThenSymbol) };
}

/** How many listings were in each state, one row a day. */
export function summary({ version, index }: Source, question: RangeQuestion): SummaryAnswer {
  const [from, to] = knownRange(index, question);
  const start = dayNumber(from);
  const length = dayNumber(to) - start + 1;
  // A run adds one where it starts and takes it away after it ends; sums along the days are counts.
  const steps = Object.fromEntries(
    ROW_STATES.map((state) => [state, new Int32Array(length + 1)]),
  ) as Record<RowState, Int32Array>;
  for (const listing of index.listings) {
    for (const run of stateRuns(listing, index.dataThrough)) {
      const begin = Math.max(0, dayNumber(run.from) - start);
      const end = Math.min(length, dayNumber(run.to) - start + 1);
      if (begin >= end) continue;
      steps[run.state][begin]! += 1;
      steps[run.state][end]! -= 1;
    }
  }
  const counts = { traded: 0, archived: 0, missing: 0 };
  const rows: SummaryRow[] = [];
  for (let i = 0; i < length; i++) {
    for (const state of ROW_STATES) counts[state] += steps[state][i]!;
    rows.push({ date: dayFromNumber(start + i), ...counts });
  }
  return { version, from, to, count: length, rows };
}

/** Every symbol that ever existed. */
export function symbols(
  { version, index }: Source,
  options: { detail?: boolean | undefined } = {},
): SymbolsAnswer {
  const names = index.symbols;
  const answer: SymbolsAnswer = { version, count: names.length, symbols: names };
  if (!options.detail) return answer;
  return { ...answer, rows: names.map((name) => symbolRow(index.lives(name))) };
}

function listingRow(listing: Listing, state: DayState): ListingRow {
  const { symbol, id, contractType, quoteAsset, first, lastTraded, last } = listing;
  return { symbol, state, listing: id, contractType, quoteAsset, first, lastTraded, last };
}

function listingAnswer(listing: Listing): ListingAnswer {
  const { id, first, lastTraded, last, contractType, quoteAsset, gaps, halts } = listing;
  return { id, first, lastTraded, last, contractType, quoteAsset, gaps, halts };
}

function symbolRow(lives: readonly Listing[]): SymbolRow {
  const newest = lives.at(-1)!;
  return {
    symbol: newest.symbol,
    contractType: newest.contractType,
    quoteAsset: newest.quoteAsset,
    listings: lives.length,
    first: lives[0]!.first,
    lastTraded: newest.lastTraded,
    last: newest.last,
  };
}

function eventOf(listing: Listing, date: Day): ListingEvent {
  const { symbol, id, contractType, quoteAsset } = listing;
  return { date, symbol, listing: id, contractType, quoteAsset };
}

/** Without bounds, detail covers the symbol's own days. */
function detailRange(
  index: ListingIndex,
  lives: readonly Listing[],
  question: RangeQuestion,
): DayRange {
  if (question.from !== undefined || question.to !== undefined) {
    return knownRange(index, {
      from: question.from ?? index.firstDay,
      to: question.to ?? "latest",
    });
  }
  const last = lives.at(-1)!.last;
  const from = lives[0]!.first;
  const to = last === null || last > index.dataThrough ? index.dataThrough : last;
  return from > to ? [to, to] : [from, to];
}

function timelineRows(lives: readonly Listing[], from: Day, to: Day, asOf: Day): TimelineRow[] {
  const rows: TimelineRow[] = [];
  for (let number = dayNumber(from); number <= dayNumber(to); number++) {
    const date = dayFromNumber(number);
    const life = lives.find((l) => l.first <= date && (l.last === null || date <= l.last));
    const state = life ? stateOn(life, date, asOf) : "unlisted";
    rows.push({ date, state, listing: life?.id ?? null });
  }
  return rows;
}

function byDateThenSymbol(a: ListingEvent, b: ListingEvent): number {
  if (a.date !== b.date) return a.date < b.date ? -1 : 1;
  return a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0;
}
