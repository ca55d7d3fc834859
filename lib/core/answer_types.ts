/**
 * The shapes of answers: the JSON bodies that the service sends, the CLI prints with `--json` and the
 * library returns. Days are UTC, `YYYY-MM-DD`; ranges include both ends.
 *
 * @module
 */

import type { Day, DayRange } from "./day.ts";
import type { ContractType, DayState, RowState } from "./listing.ts";

/** The symbols on a day. */
export interface SnapshotAnswer {
  /** The version the answer comes from. */
  version: string;
  /** The day. */
  date: Day;
  /** The states that were included. */
  states: RowState[];
  /** How many symbols. */
  count: number;
  /** The symbols, sorted. */
  symbols: string[];
  /** With `detail`: one row per symbol, in the same order. */
  rows?: ListingRow[];
}

/** One listing on one day. */
export interface ListingRow {
  /** The Vision directory name. */
  symbol: string;
  /** What the listing was on that day. */
  state: DayState;
  /** The listing's id, `SYMBOL#n`. */
  listing: string;
  /** Kind of contract; `null` where no source says. */
  contractType: ContractType | null;
  /** Quote asset; `null` where no source says. */
  quoteAsset: string | null;
  /** Day of the first file. */
  first: Day;
  /** Last day with trades; `null` while it trades; the first day of one that never did. */
  lastTraded: Day | null;
  /** Day of the last file; `null` while files still appear. */
  last: Day | null;
}

/** The lives of a symbol, and how many days it spent in each state. */
export interface TimelineAnswer {
  /** The version the answer comes from. */
  version: string;
  /** The symbol. */
  symbol: string;
  /** Its lives, oldest first. */
  listings: ListingAnswer[];
  /** Days in each state, over all lives. */
  days: Record<RowState, number>;
  /** With `detail`: the first day of the rows. */
  from?: Day;
  /** With `detail`: the last day of the rows. */
  to?: Day;
  /** With `detail`: one row a day. */
  rows?: TimelineRow[];
}

/** One life of a symbol. */
export interface ListingAnswer {
  /** `SYMBOL#n`: the n-th life, counted from 1. */
  id: string;
  /** Day of the first file. */
  first: Day;
  /** Last day with trades; `null` while it trades; the first day of one that never did. */
  lastTraded: Day | null;
  /** Day of the last file; `null` while files still appear. */
  last: Day | null;
  /** Kind of contract; `null` where no source says. */
  contractType: ContractType | null;
  /** Quote asset; `null` where no source says. */
  quoteAsset: string | null;
  /** Days inside the listing without a file. */
  gaps: readonly DayRange[];
  /** Days up to the last traded one that have a file but no trades. */
  halts: readonly DayRange[];
}

/** One day of a symbol. */
export interface TimelineRow {
  /** The day. */
  date: Day;
  /** What the symbol was on that day. */
  state: DayState;
  /** The listing it belonged to; `null` when unlisted. */
  listing: string | null;
}

/** The symbols that were in one of the states on at least one day of a range. */
export interface RangeAnswer {
  /** The version the answer comes from. */
  version: string;
  /** First day. */
  from: Day;
  /** Last day. */
  to: Day;
  /** The states that were included. */
  states: RowState[];
  /** How many symbols. */
  count: number;
  /** The symbols, sorted. */
  symbols: string[];
}

/** What appeared or ended in a range of days. */
export interface EventsAnswer {
  /** The version the answer comes from. */
  version: string;
  /** First day. */
  from: Day;
  /** Last day. */
  to: Day;
  /** How many events. */
  count: number;
  /** The events, oldest first, by symbol within a day. */
  events: ListingEvent[];
}

/** A listing that appeared or ended. */
export interface ListingEvent {
  /** New listings: the first traded day. Delistings: the day after the last traded one. */
  date: Day;
  /** The Vision directory name. */
  symbol: string;
  /** The listing's id, `SYMBOL#n`. */
  listing: string;
  /** Kind of contract; `null` where no source says. */
  contractType: ContractType | null;
  /** Quote asset; `null` where no source says. */
  quoteAsset: string | null;
  /** New listings only: whether the symbol had an earlier life. */
  relisting?: boolean;
  /** Delistings only: the last day with trades. */
  lastTraded?: Day;
}

/** How many listings were in each state, one row a day. */
export interface SummaryAnswer {
  /** The version the answer comes from. */
  version: string;
  /** First day. */
  from: Day;
  /** Last day. */
  to: Day;
  /** How many days. */
  count: number;
  /** One row a day, oldest first. */
  rows: SummaryRow[];
}

/** One day's counts. */
export interface SummaryRow {
  /** The day. */
  date: Day;
  /** Listings that traded. */
  traded: number;
  /** Listings with a file but no trades. */
  archived: number;
  /** Listings without a file. */
  missing: number;
}

/** Every symbol that ever existed. */
export interface SymbolsAnswer {
  /** The version the answer comes from. */
  version: string;
  /** How many symbols. */
  count: number;
  /** The symbols, sorted. */
  symbols: string[];
  /** With `detail`: one row per symbol, in the same order. */
  rows?: SymbolRow[];
}

/** One symbol, over all its lives. */
export interface SymbolRow {
  /** The Vision directory name. */
  symbol: string;
  /** Kind of contract of the newest life; `null` where no source says. */
  contractType: ContractType | null;
  /** Quote asset of the newest life; `null` where no source says. */
  quoteAsset: string | null;
  /** How many lives. */
  listings: number;
  /** Day of the first file of the first life. */
  first: Day;
  /** Last day with trades; `null` while it trades; the first day of one that never did. */
  lastTraded: Day | null;
  /** Day of the last file; `null` while files still appear. */
  last: Day | null;
}
