/**
 * Listings as they are kept: the artifact `listings.json`, read row by row as questions need them. What writes and
 * checks the file is in `listings_file.ts`: a process that answers one question from its copy loads only this.
 *
 * @module
 */

import { type Day, type DayRange, isDay } from "./day.ts";
import { BfaError } from "./errors.ts";
import type { ContractType, Listing } from "./listing.ts";

/** The newest format of `listings.json` that this code reads, and the one it writes. */
export const LISTINGS_FORMAT = 1;

/** All listings as of one day. */
export interface ListingsFile {
  /** The last day the listings know about. */
  readonly dataThrough: Day;
  /** Sorted by symbol, then by first day. */
  readonly listings: readonly Listing[];
  /** The first day any of them has a file, where that is known without reading all. */
  readonly firstDay?: Day;
  /** Whether any of them has a file by a day, where that is known without reading all. */
  startsBy?(day: Day): boolean;
  /** Those that exist on a day, where they can be read without the others. */
  on?(day: Day): readonly Listing[];
}

/** One letter per contract type keeps the file small; the file carries this legend. */
export const CONTRACT_TYPES: ReadonlyMap<string, ContractType> = new Map([
  ["P", "perpetual"],
  ["T", "tradifi_perpetual"],
  ["D", "delivery"],
]);

/**
 * Listings that `parseListings()` accepted when they came to this machine: the same bytes need no second
 * check. Rows are read when they are asked for: what exists on one day is a quarter of them, and a process that
 * answers one question has no time for the rest.
 */
export class KeptListings implements ListingsFile {
  readonly dataThrough: Day;
  readonly #rows: Rows;
  #listings: readonly Listing[] | undefined;

  /**
   * Reads the header.
   *
   * @throws {BfaError} `format_too_new` for a later format; `integrity` for a malformed header.
   */
  constructor(text: string) {
    const { dataThrough, rows } = readHeader(readJson(text));
    this.dataThrough = dataThrough;
    this.#rows = rows;
  }

  /** All of them. */
  get listings(): readonly Listing[] {
    return this.#listings ??= this.#rows.map((_, i) => readRow(this.#rows, i));
  }

  /** The first day any of them has a file. */
  get firstDay(): Day {
    let firstDay = this.dataThrough;
    for (const row of this.#rows) if (row[3] < firstDay) firstDay = row[3];
    return firstDay;
  }

  /** Whether any of them has a file by a day. */
  startsBy(day: Day): boolean {
    return this.#rows.some((row) => row[3] <= day);
  }

  /** Those that exist on a day. */
  on(day: Day): readonly Listing[] {
    const found: Listing[] = [];
    // No `for`: V8 would compile a loop over all rows while it runs, which takes longer than the loop.
    this.#rows.forEach((row, i, rows) => {
      const last = row[5];
      if (row[3] <= day && (!last || last >= day)) found.push(readRow(rows, i));
    });
    return found;
  }
}

/** Rows as they stand in the file. */
export type Rows = readonly Row[];

/** A row as it stands in the file: trailing `null`s are left out. */
export type Row = readonly [
  symbol: string,
  type: string | null,
  quoteAsset: string | null,
  first: Day,
  lastTraded?: Day | null,
  last?: Day | null,
  gaps?: readonly DayRange[] | null,
  halts?: readonly DayRange[] | null,
];

/** Parses the text of the file. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BfaError("integrity", "Cannot read the listings: not JSON", { cause });
  }
}

/** Checks all but the rows. */
export function readHeader(file: unknown): { dataThrough: Day; rows: Rows } {
  if (typeof file !== "object" || file === null) throw malformed("not an object");
  const { listingsFormat, dataThrough, listings } = file as Record<string, unknown>;
  if (!Number.isSafeInteger(listingsFormat) || (listingsFormat as number) < 1) {
    throw malformed("listingsFormat");
  }
  if ((listingsFormat as number) > LISTINGS_FORMAT) {
    throw new BfaError(
      "format_too_new",
      `Cannot read listings of format ${listingsFormat}: this program knows up to ${LISTINGS_FORMAT}; update bfa`,
    );
  }
  if (typeof dataThrough !== "string" || !isDay(dataThrough)) throw malformed("dataThrough");
  if (!Array.isArray(listings)) throw malformed("listings");
  return { dataThrough, rows: listings };
}

/** A row's listing. Runs hundreds of times at every start, in code that is not compiled yet: plain on purpose. */
export function readRow(rows: Rows, i: number): Listing {
  const row = rows[i]!;
  const symbol = row[0];
  let life = 1;
  while (i >= life && rows[i - life]![0] === symbol) life++;
  return {
    id: `${symbol}#${life}`,
    symbol,
    contractType: row[1] === null ? null : CONTRACT_TYPES.get(row[1])!,
    quoteAsset: row[2],
    first: row[3],
    lastTraded: row[4] ?? null,
    last: row[5] ?? null,
    gaps: row[6] ?? NONE,
    halts: row[7] ?? NONE,
  };
}

/** Most listings have neither gaps nor halts. */
const NONE: readonly DayRange[] = Object.freeze([]);

/** The error for a file that is not as it should be. */
export function malformed(what: string): BfaError {
  return new BfaError("integrity", `Cannot read the listings: ${what}`);
}
