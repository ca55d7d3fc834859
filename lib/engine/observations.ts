/**
 * The port to the publisher's working set: what was seen of the source, and when.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import type { EvidenceRun } from "../core/derive_listings.ts";
import type { FileColumns } from "../core/file_columns.ts";
import type { KnownNumbers } from "../core/kline.ts";

/**
 * Files of a day appear until 08:40 UTC on the next: at this hour all are due. Source: measured on
 * the bucket's own `LastModified`.
 */
export const PUBLISHED_BY_HOURS = 9;

/** What is known of a symbol before it is listed again. */
export interface KnownSymbol {
  /** The oldest day that ever had a file. */
  readonly first: Day;
  /** The newest one. */
  readonly last: Day;
  /** When it was last listed from its first file on, ISO 8601; `null`: it never was. */
  readonly listedWhole: string | null;
}

/** A key that should not be there. */
export interface OddKey {
  readonly key: string;
  readonly reason: string;
}

/** What a listing showed of one symbol. */
export interface SymbolSeen {
  readonly symbol: string;
  /** Days from here on were listed; `null` when all were: a symbol that is not known is listed whole. */
  readonly from: Day | null;
  readonly files: FileColumns;
  readonly odd: readonly OddKey[];
  /** How many keys and pages the listing had. */
  readonly keys: number;
  readonly pages: number;
}

/** A collection: how it lists, and when it learned what it saw. */
export interface Run {
  readonly id: number;
  readonly startedAt: string;
  /** Symbols that an interrupted try of this run has finished. */
  readonly done: ReadonlySet<string>;
}

/** What a batch changed. */
export interface Learned {
  added: number;
  changed: number;
  gone: number;
  /**
   * Added to a symbol that was known before, and written by the source after they were due: looking
   * late ourselves makes no file late.
   */
  late: number;
  odd: number;
}

/** What a run learned so far, with all that its interrupted tries had finished. */
export interface RunTotals extends Learned {
  readonly keys: number;
  readonly pages: number;
  /** Symbols that no run before had seen a file of. */
  readonly newSymbols: string[];
}

/** Something a run found out about a day that should have been settled. */
export interface FileChange {
  readonly symbol: string;
  readonly date: Day;
  readonly what: "late" | "changed" | "gone";
}

/** What changed between two times, of symbols that were known at the first. */
export interface FileChanges extends Record<FileChange["what"], number> {
  /** Some of them, the newest days first. */
  readonly files: readonly FileChange[];
}

/** Something that was set aside. */
export interface Quarantined {
  /** The object it is about. */
  readonly key: string;
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly learnedAt: string;
}

/** What was learned of a day's numbers. */
export interface NumbersSeen {
  readonly symbol: string;
  readonly date: Day;
  /** The 1m file they go with: when that changes, they are asked for again. */
  readonly etag: string | null;
  /** The 1d file they were read from. */
  readonly zipEtag: string | null;
  /** The numbers, or why there are none. */
  readonly found: KnownNumbers | { readonly problem: string };
}

/** The part of the store that is about numbers. */
export interface NumbersStore {
  /**
   * Days with a file whose numbers are not known, or were read from files that have changed; newest
   * first.
   */
  daysWithoutNumbers(options: { since?: Day | undefined; most: number; now: Date }): Promise<
    { symbol: string; date: Day; etag: string | null }[]
  >;
  /** How many such days there are in all. */
  countDaysWithoutNumbers(options: { since?: Day | undefined; now: Date }): Promise<number>;
  /**
   * Takes in numbers, or why there are none, in one transaction.
   *
   * @param options `fill`: only those of days that have none.
   * @returns How many were taken in.
   */
  learnNumbers(
    seen: readonly NumbersSeen[],
    now: Date,
    options?: { fill?: boolean },
  ): Promise<number>;
  /** Symbols with numbers; what was listed whole are their 1d files. */
  symbolsWithNumbers(): Promise<Map<string, KnownSymbol>>;
  /**
   * Compares a symbol's numbers with all 1d files there are now. Numbers of a file that has changed or
   * gone no longer count; those of a changed one are asked for again.
   *
   * @returns How many days that are.
   */
  compareNumbers(
    symbol: string,
    files: readonly { readonly date: Day; readonly etag: string }[],
    options: { odd?: readonly OddKey[]; now: Date },
  ): Promise<number>;
}

/** The store. */
export interface ObservationStore extends NumbersStore {
  /** Known symbols; without those whose files have all gone: should they come back, all of them are new. */
  symbols(): Promise<Map<string, KnownSymbol>>;
  /**
   * Begins a run, or goes on with one of the same kind that was interrupted since the last 09:00 UTC:
   * before that, the files of the day were not all there.
   */
  begin(kind: string, now: Date): Promise<Run>;
  /**
   * Takes in what listings showed, in one transaction.
   *
   * @param options `fill`: only add what is not known; change nothing, and miss nothing. `now`: when it was seen,
   * at the latest; when the run began, where left out.
   */
  learn(
    run: Run,
    seen: readonly SymbolSeen[],
    options?: { fill?: boolean; now?: Date },
  ): Promise<Learned>;
  /** What a run has learned so far. */
  totals(run: Run): Promise<RunTotals>;
  /** Late, changed and gone files that a run found; the newest days first. */
  changes(run: Run, most: number): Promise<FileChange[]>;
  /** How what is known now differs from what was known at an instant, ISO 8601; `most` are named. */
  changesSince(at: string, most: number): Promise<FileChanges>;
  /** Ends a run, with its report. */
  finish(run: Run, report: unknown, now: Date): Promise<void>;
  /** What the last run was to do, when it did not finish: what it learned is not all there was. */
  unfinished(): Promise<string | undefined>;
  /** When the last run began to look at its source, ISO 8601; `undefined` before the first. */
  lastBegan(asOf?: string): Promise<string | undefined>;
  /** The report of the last collection that was finished. */
  lastReport(): Promise<unknown>;
  /** Whether the days of every symbol traded, as runs; by symbol and day. */
  evidence(asOf?: string): Promise<EvidenceRun[]>;
  /** How many symbols have a file on each of the newest days, newest first. */
  newestDays(days: number, asOf?: string): Promise<{ date: Day; symbols: number }[]>;
  /** Rows that are known now. */
  count(): Promise<number>;
}
