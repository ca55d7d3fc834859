/**
 * Check: the gates between a build and the channel `latest`, as a table.
 *
 * @module
 */

import { join } from "@std/path";
import { addDays, type Day, dayNumber, dayOf } from "../core/day.ts";
import { type Listing, stateOn, stateRuns } from "../core/listing.ts";
import { BfaError } from "../core/errors.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import { parseListings } from "../core/listings_file.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";
import { partsOf, reachOf } from "../core/reach.ts";
import { sqlText, withDuckdb } from "../engine/duckdb.ts";
import { PLAUSIBLE_BYTES } from "../engine/observation_views.ts";
import { type Build, readBuild } from "./build_folder.ts";
import type { CollectReport } from "./collect.ts";
import type { KlinesReport } from "./collect_klines.ts";

/** What the gates look at. */
export interface Checked {
  readonly build: Build;
  readonly listings: ListingsFile;
  /** What `latest` names now. */
  readonly previous: ManifestBody | undefined;
  /** Its listings; `undefined` when there are none, or no mirror has them. */
  readonly before: ListingsFile | undefined;
  /** The run the data comes from; `undefined` when it was not collected. */
  readonly collected: CollectReport | undefined;
  /** The numbers collected with it; `undefined` when there were none. */
  readonly klines?: Pick<KlinesReport, "keys" | "odd"> | undefined;
  readonly facts: RowFacts;
  readonly now: Date;
}

/** Counts over the rows that were built. */
export interface RowFacts {
  readonly rows: number;
  /** Rows that share their (date, symbol) with another. */
  readonly duplicates: number;
  readonly newest: string;
  /** Rows of the newest day whose file is smaller than 1 kB or larger than 5 MB. */
  readonly implausibleSizes: number;
  readonly newestRows: number;
}

/** What one gate found. */
export interface GateResult {
  readonly gate: string;
  readonly ok: boolean;
  /** What was found, in words. */
  readonly value: string;
  /** What would have passed, in words. */
  readonly bound: string;
}

/** Fewer rows or symbols than this share of before is a loss. Source: no day ever lost 1 %. */
const SHRINK_LIMIT = 0.95;

/** On a complete day, 0.3 % of files were missing at the worst; this leaves room. */
const MISSING_LIMIT = 0.05;

/** A page of a listing has 500 days; what the source itself takes back are a few. */
const LOST_LIMIT = 50;

/** Odd keys are a handful in a million. */
const ODD_LIMIT = 0.01;

/** So many odd keys are nothing, however few keys were listed. */
const ODD_ALWAYS = 20;

/** A gate: its name, and what it finds. */
type Gate = readonly [name: string, check: (checked: Checked) => Found];

type Found = Omit<GateResult, "gate">;

/** Every gate. A failed one keeps a version out of `latest`. */
export const GATES: readonly Gate[] = [
  // The store forgets no symbol: only the listing itself shows that some are left out.
  [
    "complete listing",
    ({ collected, previous }) =>
      collected
        ? atLeast("symbols listed", collected.symbols, previous?.symbols ?? 1)
        : { ok: true, value: "not collected", bound: "no listing, nothing to be short of" },
  ],
  ["keys well formed", ({ collected, klines }) => {
    const minutes = atMostOdd(collected, "keys");
    if (!klines?.keys) return minutes;
    const days = atMostOdd(klines, "keys of 1d files");
    return {
      ok: minutes.ok && days.ok,
      value: `${minutes.value}, ${days.value}`,
      bound: `${minutes.bound}, ${days.bound}`,
    };
  }],
  [
    "no fewer symbols",
    ({ build, previous }) => atLeast("symbols", build.symbols, previous?.symbols),
  ],
  ["no fewer rows", ({ build, previous }) => atLeast("rows", build.rows, previous?.rows)],
  // A listing that is cut without saying so looks like files that are gone.
  [
    "no days lost",
    ({ listings, before }) =>
      atMost("days without the file they had", lostDays(before, listings), LOST_LIMIT),
  ],
  ["no future day", ({ facts, now }) => ({
    ok: facts.newest < dayOf(now),
    value: `newest day ${facts.newest}`,
    bound: `before ${dayOf(now)}`,
  })],
  ["no duplicates", ({ facts }) => atMost("rows share a date and symbol", facts.duplicates, 0)],
  ["files agree", ({ build, facts }) => {
    const rowsOf = (roles: RegExp) =>
      build.artifacts.filter(({ role }) => roles.test(role))
        .reduce((sum, { parquet }) => sum + (parquet?.rows ?? 0), 0);
    const counts = [facts.rows, rowsOf(/^(recent-)?availability-by-symbol$/), rowsOf(/^part$/)];
    return {
      ok: counts.every((count) => count === build.rows),
      value: `${counts.join(", ")} rows by day, by symbol and in parts`,
      bound: `${build.rows} each`,
    };
  }],
  ["not older than before", ({ build, previous }) => ({
    ok: !previous || build.dataThrough >= previous.dataThrough,
    value: `through ${build.dataThrough}`,
    bound: previous ? `from ${previous.dataThrough} on` : "nothing before",
  })],
  ["sizes plausible", ({ facts }) =>
    atMost(
      `of ${facts.newestRows} files of the newest day are of an odd size`,
      facts.implausibleSizes,
      Math.floor(facts.newestRows * ODD_LIMIT),
    )],
  ["newest day complete", ({ listings }) => {
    const { traded, missing } = newestDay(listings);
    const due = traded + missing;
    return atMost(`missing of ${due} that are due`, missing, Math.floor(due * MISSING_LIMIT));
  }],
];

/** Runs all gates. */
export function check(checked: Checked): GateResult[] {
  return GATES.map(([gate, run]) => ({ gate, ...run(checked) }));
}

/**
 * Runs all gates on a folder that a build made.
 *
 * @param against What `latest` names, the last collection, and the clock.
 */
export async function checkFolder(
  dir: string,
  against: Pick<Checked, "previous" | "before" | "collected" | "now">,
): Promise<{ version: string; gates: GateResult[] }> {
  const build = await readBuild(dir);
  if (!build) throw new BfaError("not_found", `no build in ${dir}; make one with \`bfa build\``);
  const listings = parseListings(await Deno.readTextFile(join(dir, "listings.json")));
  const facts = await rowFacts(dir, build);
  return { version: build.version, gates: check({ ...against, build, listings, facts }) };
}

/** Counts over the rows of a build as its readers find them: the whole file, and the parts of the days after it. */
export async function rowFacts(
  dir: string,
  build: Pick<Build, "artifacts" | "dataThrough">,
): Promise<RowFacts> {
  return await withDuckdb({}, async (connection) => {
    const rowsOf = ({ name }: Artifact) => `FROM ${sqlText(join(dir, name))}`;
    const whole = build.artifacts.find(({ role }) => role === "availability")!;
    const next = addDays(reachOf(whole, build), 1);
    const recent = partsOf(build, [next, build.dataThrough])
      .map((part) => `${rowsOf(part)} WHERE date >= DATE '${next}'`);
    await connection.run(
      `CREATE TEMP VIEW built AS ${[rowsOf(whole), ...recent].join(" UNION ALL ")}`,
    );
    const [least, most] = PLAUSIBLE_BYTES;
    const result = await connection.runAndReadAll(`
      WITH newest AS (SELECT max(date) AS date FROM built)
      SELECT count(*), count(*) - count(DISTINCT (date, symbol)), max(date)::VARCHAR,
        count(*) FILTER (date = (FROM newest) AND file_size_bytes NOT BETWEEN ${least} AND ${most}),
        count(*) FILTER (date = (FROM newest))
      FROM built`);
    const [rows, duplicates, newest, implausibleSizes, newestRows] = result.getRows()[0]!;
    return {
      rows: Number(rows),
      duplicates: Number(duplicates),
      newest: String(newest),
      implausibleSizes: Number(implausibleSizes),
      newestRows: Number(newestRows),
    };
  });
}

/** No less than 95 % of before. */
function atLeast(what: string, value: number, before: number | undefined): Found {
  const bound = Math.ceil((before ?? 0) * SHRINK_LIMIT);
  const share = before === undefined ? "nothing before" : `at least ${bound}, before ${before}`;
  return { ok: value >= bound, value: `${value} ${what}`, bound: share };
}

function atMost(what: string, value: number, bound: number): Found {
  return { ok: value <= bound, value: `${value} ${what}`, bound: `at most ${bound}` };
}

function atMostOdd(listed: { keys: number; odd: number } | undefined, what: string): Found {
  const { keys = 0, odd = 0 } = listed ?? {};
  const bound = Math.max(ODD_ALWAYS, Math.floor(keys * ODD_LIMIT));
  return atMost(`odd of ${keys} ${what}`, odd, bound);
}

/** How many days had a file before, and have none now. */
function lostDays(before: ListingsFile | undefined, now: ListingsFile): number {
  if (!before) return 0;
  const has = daysWithFile(now.listings, before.dataThrough);
  let lost = 0;
  for (const [symbol, days] of daysWithFile(before.listings, before.dataThrough)) {
    lost += Math.max(0, days - (has.get(symbol) ?? 0));
  }
  return lost;
}

/** By symbol, through a day. */
function daysWithFile(listings: readonly Listing[], through: Day): Map<string, number> {
  const days = new Map<string, number>();
  for (const listing of listings) {
    for (const { state, from, to } of stateRuns(listing, through)) {
      if (state === "missing") continue;
      const more = dayNumber(to) - dayNumber(from) + 1;
      days.set(listing.symbol, (days.get(listing.symbol) ?? 0) + more);
    }
  }
  return days;
}

function newestDay({ listings, dataThrough }: ListingsFile): { traded: number; missing: number } {
  const states = listings.map((listing) => stateOn(listing, dataThrough, dataThrough));
  return {
    traded: states.filter((state) => state === "traded").length,
    missing: states.filter((state) => state === "missing").length,
  };
}
