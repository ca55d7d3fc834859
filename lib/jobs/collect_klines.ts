/**
 * Collect the numbers: volume and prices of the days that lack them, or whose file has changed.
 * A day that cannot be had is recorded with the reason and tried again later; it is never fatal.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import type { DayNumbers } from "../core/kline.ts";
import type { NumbersSeen, ObservationStore } from "../engine/observations.ts";
import { inParallel } from "./in_parallel.ts";

/** Fetches one day's numbers, or tells what is wrong with them. */
export type FetchNumbers = (
  symbol: string,
  day: Day,
) => Promise<{ numbers: DayNumbers } | { problem: string; detail: string }>;

/** How to collect numbers. */
export interface CollectKlinesOptions {
  /** Only days from here on. */
  readonly since?: Day | undefined;
  /** At most this many days. */
  readonly most?: number;
  /** Days at once, of two requests each. */
  readonly concurrency?: number;
  readonly now: () => Date;
  readonly onProgress?: (done: number, of: number) => void;
}

/** What a collection of numbers did. */
export interface KlinesReport {
  readonly days: number;
  readonly found: number;
  /** How many days have which problem. */
  readonly problems: Record<string, number>;
}

/** A transaction is made once this many days wait for it. */
const BATCH_DAYS = 1_000;

/** Collects numbers, newest days first. */
export async function collectKlines(
  store: ObservationStore,
  fetchNumbers: FetchNumbers,
  options: CollectKlinesOptions,
): Promise<KlinesReport> {
  const { since, most = 100_000, concurrency = 16, now, onProgress } = options;
  const days = await store.daysWithoutNumbers({ since, most, now: now() });
  const problems: Record<string, number> = {};
  let waiting: NumbersSeen[] = [];
  let done = 0;
  let writing = Promise.resolve();

  function flush(): void {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    writing = writing.then(async () => {
      await store.learnNumbers(batch, now());
    });
    writing.catch(() => {}); // it is awaited at the end; until then nobody looks
  }

  try {
    await inParallel(days, concurrency, async ({ symbol, date, etag }) => {
      const result = await fetchNumbers(symbol, date);
      const found = "numbers" in result ? result.numbers : { problem: result.problem };
      if ("problem" in found) problems[found.problem] = (problems[found.problem] ?? 0) + 1;
      waiting.push({ symbol, date, etag, found });
      onProgress?.(++done, days.length);
      if (waiting.length >= BATCH_DAYS) flush();
    });
  } finally {
    flush();
    await writing;
  }
  const failed = Object.values(problems).reduce((sum, count) => sum + count, 0);
  return { days: days.length, found: days.length - failed, problems };
}
