/**
 * Daily: collect → derive → build → check → publish as one job. Safe to run twice: a second run
 * finds nothing new and publishes nothing. Safe to kill: each step can be repeated.
 *
 * @module
 */

import { join } from "@std/path";
import { delistings, newListings } from "../core/answers.ts";
import type { ContractFacts } from "../core/derive_listings.ts";
import { ListingIndex } from "../core/listing_index.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import { firstTraded, type Listing } from "../core/listing.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { wholeFilesThrough } from "../core/reach.ts";
import { nextVersion } from "../core/version.ts";
import type { WholeFiles } from "../core/whole_files.ts";
import { withObservations } from "../engine/observation_store.ts";
import { currentManifest } from "../manifest/store.ts";
import type { VisionLister } from "../source/vision.ts";
import { build } from "./build.ts";
import type { Build } from "./build_folder.ts";
import { check, rowFacts } from "./check.ts";
import { collect, type CollectOptions } from "./collect.ts";
import { collectKlines, type CollectKlinesOptions, type FetchNumbers } from "./collect_klines.ts";
import { type DailyReport, failedGates, MOST_NAMED } from "./daily_report.ts";
import { derive } from "./derive.ts";
import { whileListing } from "./list_symbols.ts";
import { listingsOnAny } from "./load_listings.ts";
import { artifactPath } from "../mirror/mirror.ts";
import { writeManifestFiles } from "./manifest_files.ts";
import { checkSigners, publish, type Publisher } from "./publish.ts";

/** What a daily run is made of. */
export interface DailyOptions extends CollectOptions {
  readonly publisher: Publisher;
  readonly lister: VisionLister;
  /** The file of observations. */
  readonly observations: string;
  /** Folder under which versions are built. */
  readonly buildsDir: string;
  /** How to collect volume and prices; left out, days stay without. */
  readonly numbers?: CollectKlinesOptions & { readonly fetch: FetchNumbers } | undefined;
  /** What is known of symbols besides their files. */
  readonly facts: ReadonlyMap<string, ContractFacts>;
  /** How often the files that hold all days are built anew; `daily` when left out. */
  readonly wholeFiles?: WholeFiles | undefined;
  /** Publish although gates failed; goes into the log. */
  readonly override?: string | undefined;
  /** What is done after collecting, each as it begins. */
  readonly onStep?: (step: string) => void;
}

/** Runs the daily job. */
export async function daily(options: DailyOptions): Promise<DailyReport> {
  const { publisher, lister, observations, buildsDir, facts, override, onStep, now } = options;
  const { store } = publisher;
  checkSigners(publisher);
  const since = (await currentManifest(store, "latest"))?.manifest.signed.publishedAt;
  const { collected, klines, listings, changes } = await whileListing(
    lister,
    (listed) =>
      withObservations(observations, async (store) => {
        const collected = await collect(store, lister, { ...options, listed });
        const { numbers } = options;
        const klines = numbers && await collectKlines(store, numbers.fetch, { lister, ...numbers });
        onStep?.("deriving listings");
        const listings = await derive(store, { now: now(), facts });
        const changes = since
          ? await store.changesSince(since, MOST_NAMED)
          : { late: 0, changed: 0, gone: 0, files: [] };
        return { collected, klines, listings, changes };
      }),
  );
  const current = await currentManifest(store, "latest");
  const previous = current?.manifest.signed;
  const existing = (await store.versions()).map(({ version }) => version);
  const version = nextVersion(listings.dataThrough, existing);
  const outDir = join(buildsDir, version);
  onStep?.(`building ${version}`);
  const { wholeFiles } = options;
  const made = await build(listings, { version, outDir, observations, wholeFiles });
  onStep?.(`checking ${version}`);
  const before = await listingsOnAny(publisher.mirrors, previous);
  const gates = check({
    build: made,
    listings,
    previous,
    before,
    collected,
    klines,
    facts: await rowFacts(outDir, made),
    now: now(),
  });
  const report = {
    dataThrough: listings.dataThrough,
    rows: made.rows,
    symbols: made.symbols,
    quarantined: made.quarantined ?? 0,
    ...sizes(made, previous),
    collected,
    ...(klines ? { klines } : {}),
    gates,
    changes,
    ...eventsSince(listings, before),
  };
  if (previous && sameData(made, previous)) {
    await Deno.remove(outDir, { recursive: true });
    // A run that was killed after its commit may not have brought this to the mirrors.
    await writeManifestFiles(publisher, current);
    return { version: previous.version, channel: null, ...report };
  }
  const passed = gates.every(({ ok }) => ok);
  const channel = passed || override !== undefined ? "latest" : "candidate";
  const reason = passed ? undefined : override ?? failedGates(gates);
  const candidate = channel === "candidate" ? await currentManifest(store, channel) : undefined;
  if (candidate && sameData(made, candidate.manifest.signed)) {
    await Deno.remove(outDir, { recursive: true });
    return { version: candidate.manifest.signed.version, channel, ...report };
  }
  onStep?.(`publishing ${version} to ${channel}`);
  await publish(publisher, made, outDir, { channel, reason });
  return { version, channel, ...report };
}

/**
 * The same data under another number. The descriptor names the version; the database holds the rows of
 * the Parquet files, and it is DuckDB's doing, not ours, that its bytes are the same too (decision 006).
 */
function sameData(made: Build, previous: ManifestBody): boolean {
  const digests = (artifacts: Build["artifacts"]) =>
    artifacts.filter(({ role }) => role !== "description" && role !== "database")
      .map(({ name, sha256 }) => name + sha256).sort().join();
  return made.dataThrough === previous.dataThrough &&
    digests(made.artifacts) === digests(previous.artifacts);
}

/** How large a build is, how much of it is new, and how far its whole files go. */
function sizes(made: Build, previous: ManifestBody | undefined) {
  const known = new Set(previous?.artifacts.map(artifactPath));
  const sum = (artifacts: Build["artifacts"]) => artifacts.reduce((sum, a) => sum + a.bytes, 0);
  return {
    bytes: sum(made.artifacts),
    newBytes: sum(made.artifacts.filter((artifact) => !known.has(artifactPath(artifact)))),
    wholeFilesThrough: wholeFilesThrough(made) ?? made.dataThrough,
  };
}

/** Listings that were said to have ended, and go on after all: trading had halted, for 8 to 24 days. */
function takenBack(listings: ListingsFile, traded: Iterable<Listing>) {
  const now = new Map(listings.listings.map((listing) => [listing.id, listing]));
  return [...traded].flatMap(({ id, lastTraded }) => {
    const later = now.get(id);
    const goesOn = lastTraded !== null && later !== undefined &&
      (later.lastTraded === null || later.lastTraded > lastTraded);
    return goesOn ? [{ listing: id, lastTraded }] : [];
  });
}

/**
 * What became known since the version before, whenever it happened: a new symbol's files come a day
 * after its first, a delisting is dated by the first day after the last traded one.
 */
function eventsSince(listings: ListingsFile, before: ListingsFile | undefined) {
  const index = new ListingIndex(listings);
  const source = { version: "", index };
  // One that has had files alone is news when it trades.
  const traded = (listing: Listing) => firstTraded(listing, before!.dataThrough) !== null;
  const known = new Map(before?.listings.filter(traded).map((listing) => [listing.id, listing]));
  const range = { from: before ? index.firstDay : listings.dataThrough, to: listings.dataThrough };
  return {
    newListings: newListings(source, range).events.filter(({ listing }) => !known.has(listing)),
    // A late file can move an end. A dated contract's is known on its last day, and is news on the day after.
    delistings: delistings(source, range).events.filter(({ listing, date, lastTraded }) =>
      known.get(listing)?.lastTraded !== lastTraded || date > before!.dataThrough
    ),
    takenBack: takenBack(listings, known.values()),
  };
}
