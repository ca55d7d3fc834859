/**
 * The port to the publisher's working set: what was seen of the source, and when.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import type { EvidenceRun } from "../core/derive_listings.ts";
import type { DayNumbers } from "../core/kline.ts";

/** A day's file, as a listing shows it. */
export interface FileSeen {
  readonly date: Day;
  /** `null` where an import does not know it; so with the others. */
  readonly bytes: number | null;
  /** ISO 8601, UTC. */
  readonly lastModified: string | null;
  readonly etag: string | null;
}

/** What a listing showed of one symbol. */
export interface SymbolSeen {
  readonly symbol: string;
  /** Days from here on were listed; `null` when all were. */
  readonly from: Day | null;
  readonly files: readonly FileSeen[];
  readonly odd: readonly { readonly key: string; readonly reason: string }[];
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
  /** Added more than three days after their day, to a symbol that was known before. */
  late: number;
  odd: number;
}

/** What was learned of a day's numbers. */
export interface NumbersSeen {
  readonly symbol: string;
  readonly date: Day;
  /** The 1m file they go with: when that changes, they are asked for again. */
  readonly etag: string | null;
  /** The numbers, or why there are none. */
  readonly found: DayNumbers | { readonly problem: string };
}

/** The store. */
export interface ObservationStore {
  /** Known symbols, with the last day that has a file. */
  symbols(): Promise<Map<string, Day>>;
  /**
   * Begins a run, or goes on with one of the same kind that was interrupted since the last 09:00 UTC:
   * before that, the files of the day were not all there.
   */
  begin(kind: string, now: Date): Promise<Run>;
  /**
   * Takes in what listings showed, in one transaction.
   *
   * @param options `fill`: only add what is not known; change nothing, and miss nothing.
   */
  learn(run: Run, seen: readonly SymbolSeen[], options?: { fill?: boolean }): Promise<Learned>;
  /** Ends a run, with its report. */
  finish(run: Run, report: unknown, now: Date): Promise<void>;
  /** Days with a file whose numbers are not known, or are those of an earlier file; newest first. */
  daysWithoutNumbers(options: { since?: Day | undefined; most: number; now: Date }): Promise<
    { symbol: string; date: Day; etag: string | null }[]
  >;
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
  /** Whether the days of every symbol traded, as runs; by symbol and day. */
  evidence(asOf?: string): Promise<EvidenceRun[]>;
  /** How many symbols have a file on each of the newest days, newest first. */
  newestDays(days: number, asOf?: string): Promise<{ date: Day; symbols: number }[]>;
  /** Rows that are known now. */
  count(): Promise<number>;
}
