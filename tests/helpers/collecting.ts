/** A small bucket, a file of observations and a clock that both share. @module */

import { join } from "@std/path";
import type { Day } from "../../lib/core/day.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { KLINES_ROOT } from "./bucket_odd.ts";
import { bfa } from "./cli.ts";
import { listing } from "./listing.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { knownFiles } from "../../lib/engine/observation_views.ts";
import type { ObservationStore } from "../../lib/engine/observations.ts";
import { collect, type CollectOptions, type CollectReport } from "../../lib/jobs/collect.ts";
import type { FetchNumbers } from "../../lib/jobs/collect_klines.ts";
import { httpClient } from "../../lib/net/client.ts";
import { fetchDayKline } from "../../lib/source/klines.ts";
import { type VisionLister, visionLister } from "../../lib/source/vision.ts";
import { type Bucket, serveBucket } from "./bucket.ts";
import type { History } from "./bucket_history.ts";

/** A day's file as it stands in the observations. */
export interface StoredFile {
  readonly symbol: string;
  readonly date: string;
  readonly bytes: number;
  readonly lastModified: string;
  readonly etag: string;
}

/** Everything a collection needs. */
export interface Collecting {
  /** Folder of everything; removed at the end. */
  readonly dir: string;
  /** The file of observations. */
  readonly observations: string;
  readonly bucket: Bucket;
  /** The clock of the bucket and of the collector. */
  clock: Date;
  lister(): VisionLister;
  readonly fetchNumbers: FetchNumbers;
  collect(options?: Partial<CollectOptions>): Promise<CollectReport>;
  withStore<T>(work: (store: ObservationStore) => Promise<T>): Promise<T>;
  /** What is known, or was at an instant, by symbol and day. */
  files(asOf?: string): Promise<StoredFile[]>;
}

/** Runs a test with a bucket of its own. */
export async function withCollecting(
  past: History,
  clock: string,
  test: (world: Collecting) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-collect-" });
  const bucket = serveBucket(past, { now: new Date(clock) });
  const observations = join(dir, "observations.duckdb");
  // Waits of 1 ms instead of seconds: what is tested is that there is another try.
  const http = httpClient({ retry: { tries: 3, baseMs: 1, mostMs: 2_000 } });
  const world: Collecting = {
    dir,
    observations,
    bucket,
    get clock() {
      return bucket.now;
    },
    set clock(now) {
      bucket.now = now;
    },
    lister: () => visionLister(http, bucket.listUrl),
    fetchNumbers: (symbol, day) =>
      fetchDayKline(http, `${bucket.filesUrl}${KLINES_ROOT}`, symbol, day),
    collect: (options) =>
      world.withStore((store) =>
        collect(store, world.lister(), { now: () => world.clock, concurrency: 4, ...options })
      ),
    withStore: (work) => withObservations(observations, work),
    files: (asOf) => readFiles(observations, asOf),
  };
  try {
    await test(world);
  } finally {
    await bucket.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** What a file of observations knows. */
export async function readFiles(path: string, asOf?: string): Promise<StoredFile[]> {
  return (await select(
    path,
    `SELECT symbol, date::VARCHAR, file_size_bytes, last_modified::VARCHAR, etag
     FROM ${knownFiles({ asOf })} ORDER BY symbol, date`,
  )).map(([symbol, date, bytes, lastModified, etag]) => ({
    symbol: String(symbol),
    date: String(date),
    bytes: Number(bytes),
    lastModified: `${String(lastModified).replace(" ", "T")}.000Z`,
    etag: String(etag),
  }));
}

/** Rows of a query on a file of observations, as JSON values. */
export async function select(path: string, sql: string) {
  return await withDuckdb({}, async (connection) => {
    await connection.run(`ATTACH ${sqlText(path)} AS store (READ_ONLY)`);
    await connection.run("USE store");
    return (await connection.runAndReadAll(sql)).getRowsJson();
  });
}

/** What the bucket holds at an instant, as the observations should know it. */
export function filesOf(past: History, now: Date): StoredFile[] {
  const files: StoredFile[] = [];
  for (const row of past.expectedRows(past.through, now.getTime())) {
    if (!row.available) continue;
    const { size, lastModified, etag } = past.file(row.symbol, "1m", row.date, now.getTime())!;
    files.push({ symbol: row.symbol, date: row.date, bytes: size, lastModified, etag });
  }
  return files;
}

/** How many pages of 1,000 keys a symbol's files take; each day has a ZIP and its CHECKSUM. */
export function pagesOf(days: number): number {
  return Math.max(1, Math.ceil(days * 2 / 1000));
}

/** Twelve symbols, most from a first day on: one Chinese, one with digits, ended ones, a halt. */
export function smallListings(first = "2026-01-05"): Listing[] {
  const perpetual = { contractType: "perpetual", quoteAsset: "USDT" } as const;
  const day = (text: string) => text as Day;
  return [
    ...["0GUSDT", "BTCUSDT", "ETHUSDC", "ETHUSDT", "GAPUSDT", "SOLUSDT", "XRPUSDT", "ZECUSDT"].map(
      (symbol) => listing(`${symbol}#1`, first),
    ),
    listing("AAAUSDT#1", first, "2026-02-10", "2026-02-20", perpetual),
    listing("HALTUSDT#1", first, null, null, { halts: [[day("2026-02-01"), day("2026-02-05")]] }),
    listing("ETHUSDT_260227#1", first, "2026-02-27", "2026-02-27", { contractType: "delivery" }),
    listing("币安人生USDT#1", "2026-02-01"),
  ];
}

/** What tells one life from another, for comparing derived listings with the bucket's own. */
export function livesOf(listings: readonly Listing[]) {
  return [...listings].sort((a, b) => a.id < b.id ? -1 : 1)
    .map(({ id, first, lastTraded, last, gaps, halts }) => ({
      id,
      first,
      lastTraded,
      last,
      gaps,
      halts,
    }));
}

/** Runs the command line as its publisher, at its time and against its bucket. */
export function bfaIn(world: Collecting, ...args: string[]) {
  return bfa(args, {
    now: world.clock,
    env: {
      BFA_DATA_DIR: world.dir,
      BFA_VISION_LIST_URL: world.bucket.listUrl,
      BFA_VISION_FILES_URL: `${world.bucket.filesUrl}${KLINES_ROOT}`,
    },
  });
}
