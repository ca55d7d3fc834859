/**
 * Collect: lists the bucket and keeps what is new. Repeatable; a killed run goes on where it was.
 *
 * @module
 */

import { addDays, type Day, dayOf } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { FileColumns } from "../core/file_columns.ts";
import { markerBefore, readKey } from "../core/vision_keys.ts";
import type {
  FileChange,
  KnownSymbol,
  Learned,
  ObservationStore,
  SymbolSeen,
} from "../engine/observations.ts";
import type { VisionLister } from "../source/vision.ts";
import { inParallel } from "./in_parallel.ts";
import { listSymbols, type SymbolsListed } from "./list_symbols.ts";
import { seedSpans, shortestLast, spanDays } from "./listing_order.ts";
import { dueForSweep } from "./sweep.ts";
import { WriteBehind } from "./write_behind.ts";

/** How to collect. */
export interface CollectOptions {
  /** List every symbol from its first file; else from `lookbackDays` back. */
  readonly full?: boolean;
  /** How far back an incremental run looks, days. */
  readonly lookbackDays?: number;
  /**
   * In so many daily runs, an incremental run lists every symbol whole once, a share of them each
   * time: what came later than the look-back is found then.
   */
  readonly sweepRuns?: number;
  /** A transaction is made once so many files wait for it. */
  readonly batchFiles?: number;
  /** Requests at once. */
  readonly concurrency?: number;
  /** The symbols, where they were asked for already. */
  readonly listed?: Promise<SymbolsListed> | undefined;
  readonly now: () => Date;
  readonly onProgress?: (progress: CollectProgress) => void;
}

/** How far a run is. */
export interface CollectProgress {
  readonly symbols: number;
  readonly of: number;
  readonly requests: number;
  readonly keys: number;
}

/** What a run did, with all that its interrupted tries had finished. */
export interface CollectReport extends Learned {
  readonly run: number;
  readonly full: boolean;
  readonly startedAt: string;
  readonly symbols: number;
  readonly newSymbols: string[];
  readonly requests: number;
  readonly keys: number;
  /** Symbols that an interrupted try had finished already. */
  readonly resumed: number;
  /** Late, changed and gone files, the newest days first; at most {@linkcode MOST_CHANGES}. */
  readonly changes: readonly FileChange[];
}

/** How many changes a report names. */
const MOST_CHANGES = 200;

/** Collects. */
export async function collect(
  store: ObservationStore,
  lister: VisionLister,
  options: CollectOptions,
): Promise<CollectReport> {
  const { full = false, lookbackDays = 20, sweepRuns = 30, concurrency = 32 } = options;
  const { batchFiles = 30_000, now, onProgress } = options;
  const known = await store.symbols();
  const { symbols, odd } = await (options.listed ?? listSymbols(lister));
  if (symbols.length === 0) {
    throw new BfaError("integrity", "Cannot collect: the listing names no symbols at all");
  }
  const run = await store.begin(full ? "full" : "incremental", now());
  const today = dayOf(now());
  const todo = symbols.filter((symbol) => !run.done.has(symbol));
  const listed = new Set(symbols);
  const away = [...known.keys()].filter((symbol) => !listed.has(symbol) && !run.done.has(symbol));
  // What was only imported may lack any day: nothing is known of a symbol until it was listed whole.
  const whole = new Set(todo.filter((symbol) => full || !known.get(symbol)?.listedWhole));
  for (const symbol of dueForSweep(symbols, known, sweepRuns)) whole.add(symbol);
  // Nothing is known before the first run; but how long most have been there, this program knows.
  const spans = known.size > 0 ? known : await seedSpans();
  const daysOf = (symbol: string) => whole.has(symbol) ? spanDays(spans.get(symbol)) : lookbackDays;
  let [keys, pages] = [0, 0];
  let begun = 0;
  let finished = symbols.length - todo.length;
  const learning = new WriteBehind<SymbolSeen>(
    batchFiles,
    (batch) => store.learn(run, batch, { now: now() }),
  );
  if (odd.length && !run.done.has("")) {
    const files = new FileColumns();
    await learning.add({ symbol: "", from: null, files, odd, keys: 0, pages: 0 }, 0);
  }
  // The directories were read to their end: a symbol that has none has no files, whatever was known
  // or imported of it. Should the source have left it out, the gates see that its days are lost.
  for (const symbol of away) {
    const none = { symbol, from: null, files: new FileColumns(), odd: [], keys: 0, pages: 0 };
    await learning.add(none, spanDays(known.get(symbol)));
  }

  async function one(symbol: string): Promise<void> {
    // While the last are listed, all before them can be written.
    if (++begun === todo.length) learning.send();
    const since = whole.has(symbol) ? null : lookedBack(today, known.get(symbol)!, lookbackDays);
    const seen = await listSymbol(lister, symbol, since, dayOf(now()));
    keys += seen.keys;
    pages += seen.pages;
    finished++;
    onProgress?.({ symbols: finished, of: symbols.length, requests: lister.requests, keys });
    await learning.add(seen, seen.files.count);
  }

  try {
    await inParallel(shortestLast(todo, daysOf, concurrency), concurrency, one);
  } finally {
    await learning.end(); // what was listed before a failure is kept, and not listed again
  }
  const { pages: allPages, ...totals } = await store.totals(run);
  const report: CollectReport = {
    run: run.id,
    full,
    startedAt: run.startedAt,
    symbols: symbols.length,
    requests: lister.requests + allPages - pages,
    resumed: symbols.length - todo.length,
    changes: totals.late + totals.changed + totals.gone > 0
      ? await store.changes(run, MOST_CHANGES)
      : [],
    ...totals,
  };
  await store.finish(run, report, now());
  return report;
}

/** Where to look back to: from today, or after an outage of ours from the newest day we know. */
function lookedBack(today: Day, { last }: KnownSymbol, days: number): Day {
  return addDays(last < today ? last : today, -days - 1);
}

async function listSymbol(
  lister: VisionLister,
  symbol: string,
  from: SymbolSeen["from"],
  today: Day,
): Promise<SymbolSeen> {
  const files = new FileColumns();
  const odd: { key: string; reason: string }[] = [];
  let [keys, pages] = [0, 0];
  const marker = from ? markerBefore(symbol, from) : undefined;
  const into = { files, through: today };
  for await (const page of lister.files(symbol, { marker, into })) {
    keys += page.keys;
    pages++;
    for (const { key, size, lastModified, etag } of page.objects) {
      const read = readKey(key, symbol);
      if (read.kind === "odd") odd.push({ key, reason: read.reason });
      if (read.kind !== "file") continue;
      if (size === 0) odd.push({ key, reason: "empty file" });
      else if (read.date > today) odd.push({ key, reason: "in the future" });
      else files.add({ date: read.date, bytes: size, lastModified, etag });
    }
  }
  return { symbol, from, files, odd, keys, pages };
}
