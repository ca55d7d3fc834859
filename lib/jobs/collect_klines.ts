/**
 * Collect the numbers: volume and prices of the days that lack them, or whose file has changed.
 * A day that cannot be had is recorded with the reason and tried again later; it is never fatal.
 * Listings of 1m files do not show that a 1d file was repaired: a share of the symbols' 1d files is
 * therefore listed each time, and numbers of a file that has changed or gone no longer count.
 *
 * @module
 */

import { type Day, dayOf } from "../core/day.ts";
import type { DayNumbers } from "../core/kline.ts";
import { readKey } from "../core/vision_keys.ts";
import type { NumbersSeen, ObservationStore, OddKey } from "../engine/observations.ts";
import type { VisionLister } from "../source/vision.ts";
import { inParallel } from "./in_parallel.ts";
import { dueForSweep } from "./sweep.ts";
import { WriteBehind } from "./write_behind.ts";

/** Fetches one day's numbers, or tells what is wrong with them. */
export type FetchNumbers = (
  symbol: string,
  day: Day,
) => Promise<
  { numbers: DayNumbers; etag: string | null } | { problem: string; detail: string }
>;

/** How to collect numbers. */
export interface CollectKlinesOptions {
  /** Only days from here on. */
  readonly since?: Day | undefined;
  /** At most this many days. */
  readonly most?: number;
  /** Days at once, of two requests each. */
  readonly concurrency?: number;
  /** Lists 1d files, to find those that changed; without it, none are looked for. */
  readonly lister?: VisionLister;
  /** In so many daily runs, the 1d files of every symbol are compared once. */
  readonly sweepRuns?: number;
  readonly now: () => Date;
  readonly onProgress?: (done: number, of: number) => void;
}

/** What a collection of numbers did. */
export interface KlinesReport {
  /** How many days were asked for. */
  readonly days: number;
  readonly found: number;
  /** Days beyond `most`, which lack their numbers still: for later runs. */
  readonly left: number;
  /** How many days have which problem. */
  readonly problems: Record<string, number>;
  /** Days whose numbers were dropped, because their 1d file has changed or gone. */
  readonly outdated: number;
  /** How many keys of 1d files were listed, for that. */
  readonly keys: number;
  /** Keys among them that should not be there. */
  readonly odd: number;
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
  const { outdated, keys, odd } = await compareFiles(store, options);
  const days = await store.daysWithoutNumbers({ since, most, now: now() });
  // There are more than was asked for only when as many were found.
  const left = days.length < most
    ? 0
    : await store.countDaysWithoutNumbers({ since, now: now() }) - days.length;
  const problems: Record<string, number> = {};
  const learning = new WriteBehind<NumbersSeen>(
    BATCH_DAYS,
    (batch) => store.learnNumbers(batch, now()),
  );
  let done = 0;

  try {
    await inParallel(days, concurrency, async ({ symbol, date, etag }) => {
      const result = await fetchNumbers(symbol, date);
      const found = "numbers" in result ? result.numbers : { problem: result.problem };
      const zipEtag = "numbers" in result ? result.etag : null;
      if ("problem" in found) problems[found.problem] = (problems[found.problem] ?? 0) + 1;
      onProgress?.(++done, days.length);
      await learning.add({ symbol, date, etag, zipEtag, found }, 1);
    });
  } finally {
    await learning.end();
  }
  const failed = Object.values(problems).reduce((sum, count) => sum + count, 0);
  return { days: days.length, found: days.length - failed, left, problems, outdated, keys, odd };
}

/** Compares a share of the symbols' numbers with the 1d files there are. */
async function compareFiles(
  store: ObservationStore,
  { lister, sweepRuns = 30, concurrency = 16, now }: CollectKlinesOptions,
): Promise<{ outdated: number; keys: number; odd: number }> {
  if (!lister) return { outdated: 0, keys: 0, odd: 0 };
  const known = await store.symbolsWithNumbers();
  const listed: (Files1d & { symbol: string })[] = [];
  await inParallel(
    dueForSweep([...known.keys()], known, sweepRuns),
    concurrency,
    async (symbol) => void listed.push({ symbol, ...await list1d(lister, symbol, dayOf(now())) }),
  );
  let [outdated, allKeys, oddKeys] = [0, 0, 0];
  for (const { symbol, files, keys, odd } of listed) {
    outdated += await store.compareNumbers(symbol, files, { odd, now: now() });
    allKeys += keys;
    oddKeys += odd.length;
  }
  return { outdated, keys: allKeys, odd: oddKeys };
}

interface Files1d {
  readonly files: { date: Day; etag: string }[];
  readonly keys: number;
  readonly odd: OddKey[];
}

/** The 1d files of a symbol. An empty one is none: its day's numbers cannot be read, and say so. */
async function list1d(lister: VisionLister, symbol: string, today: Day): Promise<Files1d> {
  const files: Files1d["files"] = [];
  const odd: OddKey[] = [];
  let keys = 0;
  for await (const page of lister.files(symbol, { interval: "1d" })) {
    keys += page.keys;
    for (const { key, size, etag } of page.objects) {
      const read = readKey(key, symbol, "1d");
      if (read.kind === "odd") odd.push({ key, reason: read.reason });
      if (read.kind !== "file" || size === 0) continue;
      if (read.date > today) odd.push({ key, reason: "in the future" });
      else files.push({ date: read.date, etag });
    }
  }
  return { files, keys, odd };
}
