/**
 * Daily: collect → derive → build → check → publish as one job. Safe to run twice: a second run
 * finds nothing new and publishes nothing. Safe to kill: each step can be repeated.
 *
 * @module
 */

import { join } from "@std/path";
import type { EventsAnswer } from "../core/answer_types.ts";
import { delistings, newListings } from "../core/answers.ts";
import type { ContractFacts } from "../core/derive_listings.ts";
import { BfaError } from "../core/errors.ts";
import { ListingIndex } from "../core/listing_index.ts";
import { type ListingsFile, parseListings } from "../core/listings_file.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { nextVersion } from "../core/version.ts";
import { withObservations } from "../engine/observation_store.ts";
import { currentManifest } from "../manifest/store.ts";
import type { VisionLister } from "../source/vision.ts";
import { type Build, build } from "./build.ts";
import { check, type GateResult, rowFacts } from "./check.ts";
import { collect, type CollectOptions, type CollectReport } from "./collect.ts";
import {
  collectKlines,
  type CollectKlinesOptions,
  type FetchNumbers,
  type KlinesReport,
} from "./collect_klines.ts";
import { derive } from "./derive.ts";
import { artifactPath } from "../mirror/mirror.ts";
import { publish, type Publisher, writeManifestFiles } from "./publish.ts";

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
  /** Publish although gates failed; goes into the log. */
  readonly override?: string | undefined;
}

/** What a daily run did. */
export interface DailyReport {
  readonly version: string;
  /** Where it went: `latest`, `candidate`, or nowhere because nothing changed. */
  readonly channel: string | null;
  readonly dataThrough: string;
  readonly rows: number;
  readonly symbols: number;
  readonly collected: CollectReport;
  readonly klines?: KlinesReport;
  readonly gates: readonly GateResult[];
  /** Since the version before. */
  readonly newListings: EventsAnswer["events"];
  readonly delistings: EventsAnswer["events"];
}

/** Runs the daily job. */
export async function daily(options: DailyOptions): Promise<DailyReport> {
  const { publisher, lister, observations, buildsDir, facts, override, now } = options;
  const { collected, klines, listings } = await withObservations(observations, async (store) => {
    const collected = await collect(store, lister, options);
    const { numbers } = options;
    const klines = numbers && await collectKlines(store, numbers.fetch, numbers);
    return { collected, klines, listings: await derive(store, { now: now(), facts }) };
  });
  const { store } = publisher;
  const current = await currentManifest(store, "latest");
  const previous = current?.manifest.signed;
  const existing = (await store.versions()).map(({ version }) => version);
  const version = nextVersion(listings.dataThrough, existing);
  const outDir = join(buildsDir, version);
  const made = await build(listings, { version, outDir, observations });
  const gates = check({
    build: made,
    listings,
    previous,
    collected,
    facts: await rowFacts(join(outDir, "availability.parquet")),
    now: now(),
  });
  const report = {
    dataThrough: listings.dataThrough,
    rows: made.rows,
    symbols: made.symbols,
    collected,
    ...(klines ? { klines } : {}),
    gates,
    ...eventsSince(listings, await listingsOf(publisher, previous)),
  };
  if (previous && sameData(made, previous)) {
    await Deno.remove(outDir, { recursive: true });
    // A run that was killed after its commit may not have brought this to the mirrors.
    await writeManifestFiles(publisher, current!);
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
  await publish(publisher, made, outDir, { channel, reason });
  return { version, channel, ...report };
}

/** The error that ends a run that failed a gate. */
export function candidateError({ version, channel, gates }: DailyReport): BfaError {
  if (channel === null) {
    return new BfaError("limit", `latest stays ${version}: ${failedGates(gates)}`);
  }
  return new BfaError(
    "limit",
    `${version} stays in channel candidate: ${failedGates(gates)}; look at it, then promote it`,
  );
}

/** The report as one page of Markdown. */
export function reportPage(report: DailyReport): string {
  const { collected: c } = report;
  const events = (title: string, events: DailyReport["newListings"]) =>
    events.length === 0 ? [] : [
      `## ${title}`,
      "",
      ...events.map((e) => `- ${e.date} ${e.symbol}${e.relisting ? " (again)" : ""}`),
      "",
    ];
  return [
    `# ${report.version}`,
    "",
    report.channel
      ? `Published to \`${report.channel}\`: ${report.symbols} symbols, ${report.rows} rows, data through ${report.dataThrough}.`
      : `Nothing new: \`latest\` stays ${report.version}, data through ${report.dataThrough}.`,
    "",
    `Collected ${c.symbols} symbols in ${c.requests} requests: ${c.added} new files (${c.late} of them late), ${c.changed} changed, ${c.gone} gone, ${c.odd} odd keys.`,
    "",
    ...events("New listings", report.newListings),
    ...events("Delistings", report.delistings),
    "## Gates",
    "",
    ...report.gates.map(({ gate, ok, detail }) =>
      `- ${ok ? "ok" : "**failed**"}: ${gate} (${detail})`
    ),
    "",
  ].join("\n");
}

function failedGates(gates: readonly GateResult[]): string {
  return gates.filter(({ ok }) => !ok).map(({ gate, detail }) => `${gate} (${detail})`).join("; ");
}

/** The same data under another number: only the descriptor, which names the version, differs. */
function sameData(made: Build, previous: ManifestBody): boolean {
  const digests = (artifacts: Build["artifacts"]) =>
    artifacts.filter(({ role }) => role !== "description").map(({ name, sha256 }) => name + sha256)
      .sort().join();
  return made.dataThrough === previous.dataThrough &&
    digests(made.artifacts) === digests(previous.artifacts);
}

/** The listings of a published version; `undefined` when no mirror has them. */
async function listingsOf(
  { mirrors }: Publisher,
  version: ManifestBody | undefined,
): Promise<ListingsFile | undefined> {
  const artifact = version?.artifacts.find(({ role }) => role === "listings");
  if (!artifact) return undefined;
  for (const mirror of mirrors) {
    const file = await mirror.open(artifactPath(artifact));
    if (file) return parseListings(await new Response(file.body).text());
  }
}

/**
 * What became known since the version before, whenever it happened: a new symbol's files come a day
 * after its first, a delisting is dated by the first day after the last traded one.
 */
function eventsSince(listings: ListingsFile, before: ListingsFile | undefined) {
  const index = new ListingIndex(listings);
  const source = { version: "", index };
  const known = new Map(before?.listings.map((listing) => [listing.id, listing]));
  const range = { from: before ? index.firstDay : listings.dataThrough, to: listings.dataThrough };
  return {
    newListings: newListings(source, range).events.filter(({ listing }) => !known.has(listing)),
    delistings: delistings(source, range).events
      .filter(({ listing }) => !known.get(listing)?.lastTraded),
  };
}
