/**
 * Check: the gates between a build and the channel `latest`, as a table.
 *
 * @module
 */

import { dayOf } from "../core/day.ts";
import { stateOn } from "../core/listing.ts";
import type { ListingsFile } from "../core/listings_file.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { sqlText, withDuckdb } from "../engine/duckdb.ts";
import type { Build } from "./build.ts";
import type { CollectReport } from "./collect.ts";

/** What the gates look at. */
export interface Checked {
  readonly build: Build;
  readonly listings: ListingsFile;
  /** What `latest` names now. */
  readonly previous: ManifestBody | undefined;
  /** The run the data comes from; `undefined` when it was not collected. */
  readonly collected: CollectReport | undefined;
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
  readonly detail: string;
}

/** Fewer rows or symbols than this share of before is a loss. Source: no day ever lost 1 %. */
const SHRINK_LIMIT = 0.95;

/** On a complete day, 0.3 % of files were missing at the worst; this leaves room. */
const MISSING_LIMIT = 0.05;

/** Odd keys are a handful in a million. */
const ODD_LIMIT = 0.01;

type Gate = readonly [name: string, check: (checked: Checked) => readonly [boolean, string]];

/** Every gate. A failed one keeps a version out of `latest`. */
export const GATES: readonly Gate[] = [
  // The store forgets no symbol: only the listing itself shows that some are left out.
  [
    "complete listing",
    ({ collected, previous }) =>
      collected
        ? compare("symbols listed", collected.symbols, previous?.symbols ?? 1)
        : [true, "not collected: built from other listings"],
  ],
  ["keys well formed", ({ collected }) => {
    const { odd = 0, keys = 0 } = collected ?? {};
    return [odd <= Math.max(20, keys * ODD_LIMIT), `${odd} of ${keys} keys are odd`];
  }],
  [
    "no fewer symbols",
    ({ build, previous }) => compare("symbols", build.symbols, previous?.symbols),
  ],
  ["no fewer rows", ({ build, previous }) => compare("rows", build.rows, previous?.rows)],
  ["no future day", ({ facts, now }) => [
    facts.newest < dayOf(now),
    `the newest day is ${facts.newest}`,
  ]],
  ["no duplicates", ({ facts }) => [
    facts.duplicates === 0,
    `${facts.duplicates} rows share a date and symbol`,
  ]],
  ["not older than before", ({ build, previous }) => [
    !previous || build.dataThrough >= previous.dataThrough,
    `through ${build.dataThrough}, before ${previous?.dataThrough ?? "nothing"}`,
  ]],
  ["sizes plausible", ({ facts }) => [
    facts.implausibleSizes <= facts.newestRows * ODD_LIMIT,
    `${facts.implausibleSizes} of ${facts.newestRows} files of the newest day`,
  ]],
  ["newest day complete", ({ listings }) => {
    const { traded, missing } = newestDay(listings);
    const share = missing / Math.max(1, traded + missing);
    return [share <= MISSING_LIMIT, `${missing} missing, ${traded} traded`];
  }],
];

/** Runs all gates. */
export function check(checked: Checked): GateResult[] {
  return GATES.map(([gate, run]) => {
    const [ok, detail] = run(checked);
    return { gate, ok, detail };
  });
}

/** Counts over the Parquet file of a build. */
export async function rowFacts(availability: string): Promise<RowFacts> {
  return await withDuckdb({}, async (connection) => {
    const file = sqlText(availability);
    const result = await connection.runAndReadAll(`
      WITH newest AS (SELECT max(date) AS date FROM ${file})
      SELECT count(*), count(*) - count(DISTINCT (date, symbol)), max(date)::VARCHAR,
        count(*) FILTER (date = (FROM newest) AND file_size_bytes NOT BETWEEN 1000 AND 5000000),
        count(*) FILTER (date = (FROM newest))
      FROM ${file}`);
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

function compare(
  what: string,
  now: number,
  before: number | undefined,
): readonly [boolean, string] {
  return [now >= (before ?? 0) * SHRINK_LIMIT, `${now} ${what}, before ${before ?? "none"}`];
}

function newestDay({ listings, dataThrough }: ListingsFile): { traded: number; missing: number } {
  const states = listings.map((listing) => stateOn(listing, dataThrough, dataThrough));
  return {
    traded: states.filter((state) => state === "traded").length,
    missing: states.filter((state) => state === "missing").length,
  };
}
