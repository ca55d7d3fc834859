/**
 * Collect: lists the bucket and keeps what is new. Repeatable; a killed run goes on where it was.
 *
 * @module
 */

import { addDays, type Day, dayOf } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { markerBefore, readKey, symbolOfPrefix } from "../core/vision_keys.ts";
import type {
  FileSeen,
  Learned,
  ObservationStore,
  Run,
  SymbolSeen,
} from "../engine/observations.ts";
import type { VisionLister } from "../source/vision.ts";
import { inParallel } from "./in_parallel.ts";

/** How to collect. */
export interface CollectOptions {
  /** List every symbol from its first file; else from `lookbackDays` back. */
  readonly full?: boolean;
  /** How far back an incremental run looks, days. */
  readonly lookbackDays?: number;
  /** Requests at once. */
  readonly concurrency?: number;
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

/** What a run did. */
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
}

/** A transaction is made once this many files wait for it. */
const BATCH_FILES = 20_000;

/** Collects. */
export async function collect(
  store: ObservationStore,
  lister: VisionLister,
  options: CollectOptions,
): Promise<CollectReport> {
  const { full = false, lookbackDays = 20, concurrency = 32, now, onProgress } = options;
  const known = await store.symbols();
  const { symbols, odd } = await listSymbols(lister);
  if (symbols.length === 0) {
    throw new BfaError("integrity", "Cannot collect: the listing names no symbols at all");
  }
  const run = await store.begin(full ? "full" : "incremental", now());
  const from = addDays(dayOf(new Date(run.startedAt)), -lookbackDays - 1);
  const todo = symbols.filter((symbol) => !run.done.has(symbol));
  const total: Learned = { added: 0, changed: 0, gone: 0, late: 0, odd: 0 };
  let keys = 0;
  let finished = symbols.length - todo.length;
  let waiting: SymbolSeen[] = odd.length ? [{ symbol: "", from: null, files: [], odd }] : [];
  let waitingFiles = 0;
  let writing = Promise.resolve();

  /** Batches are written one after another; listing goes on meanwhile. */
  function flush(): void {
    const batch = waiting;
    waiting = [];
    waitingFiles = 0;
    writing = writing.then(() => learn(store, run, batch, total));
    writing.catch(() => {}); // it is awaited at the end; until then nobody looks
  }

  async function one(symbol: string): Promise<void> {
    const since = full || !known.has(symbol) ? null : from;
    const seen = await listSymbol(lister, symbol, since, dayOf(now()));
    keys += seen.keys;
    waiting.push(seen);
    waitingFiles += seen.files.length;
    finished++;
    onProgress?.({ symbols: finished, of: symbols.length, requests: lister.requests, keys });
    if (waitingFiles < BATCH_FILES) return;
    await writing; // no more than one batch waits for another: memory must not grow with the history
    if (waitingFiles >= BATCH_FILES) flush();
  }

  try {
    await inParallel(todo, concurrency, one);
  } finally {
    flush(); // what was listed before a failure is kept, and not listed again
    await writing;
  }
  const report: CollectReport = {
    run: run.id,
    full,
    startedAt: run.startedAt,
    symbols: symbols.length,
    newSymbols: symbols.filter((symbol) => !known.has(symbol)),
    requests: lister.requests,
    keys,
    resumed: symbols.length - todo.length,
    ...total,
  };
  await store.finish(run, report, now());
  return report;
}

async function learn(
  store: ObservationStore,
  run: Run,
  batch: readonly SymbolSeen[],
  total: Learned,
): Promise<void> {
  if (batch.length === 0) return;
  const learned = await store.learn(run, batch);
  for (const name of Object.keys(total) as (keyof Learned)[]) total[name] += learned[name];
}

async function listSymbols(lister: VisionLister) {
  const symbols: string[] = [];
  const odd: { key: string; reason: string }[] = [];
  for await (const prefix of lister.directories()) {
    const symbol = symbolOfPrefix(prefix);
    if (symbol === undefined) odd.push({ key: prefix, reason: "not the name of a symbol" });
    else symbols.push(symbol);
  }
  return { symbols, odd };
}

async function listSymbol(
  lister: VisionLister,
  symbol: string,
  from: SymbolSeen["from"],
  today: Day,
): Promise<SymbolSeen & { keys: number }> {
  const files: FileSeen[] = [];
  const odd: { key: string; reason: string }[] = [];
  let keys = 0;
  for await (const page of lister.files(symbol, from ? markerBefore(symbol, from) : undefined)) {
    keys += page.keys;
    for (const { key, size, lastModified, etag } of page.objects) {
      const read = readKey(key, symbol);
      if (read.kind === "odd") odd.push({ key, reason: read.reason });
      if (read.kind !== "file") continue;
      if (size === 0) odd.push({ key, reason: "empty file" });
      else if (read.date > today) odd.push({ key, reason: "in the future" });
      else files.push({ date: read.date, bytes: size, lastModified, etag });
    }
  }
  return { symbol, from, files, odd, keys };
}
