/**
 * The text form of all listings: the artifact `listings.json`, and the embedded seed.
 * One line per listing, so that a day's change is a few lines of diff.
 *
 * @module
 */

import { addDays, type Day, type DayRange, isDay } from "./day.ts";
import { BfaError } from "./errors.ts";
import type { ContractType, Listing } from "./listing.ts";
import { isSymbol } from "./symbol.ts";

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
  /** Those that exist on a day, where they can be read without the others. */
  on?(day: Day): readonly Listing[];
}

const COLUMNS = [
  "symbol",
  "contractType",
  "quoteAsset",
  "first",
  "lastTraded",
  "last",
  "gaps",
  "halts",
];

/** One letter per contract type keeps the file small; the file carries this legend. */
const CONTRACT_TYPES: ReadonlyMap<string, ContractType> = new Map([
  ["P", "perpetual"],
  ["T", "tradifi_perpetual"],
  ["D", "delivery"],
]);

/** Writes listings as text: always the same text for the same listings. */
export function formatListings(file: ListingsFile): string {
  const header = {
    listingsFormat: LISTINGS_FORMAT,
    dataThrough: file.dataThrough,
    contractTypes: Object.fromEntries(CONTRACT_TYPES),
    columns: COLUMNS,
  };
  const letters = new Map([...CONTRACT_TYPES].map(([letter, type]) => [type, letter]));
  const rows = file.listings.map((l) => {
    const type = l.contractType === null ? null : letters.get(l.contractType) ?? null;
    const row: unknown[] = [l.symbol, type, l.quoteAsset, l.first, l.lastTraded, l.last];
    row.push(l.gaps.length ? l.gaps : null, l.halts.length ? l.halts : null);
    while (row.at(-1) === null) row.pop();
    return JSON.stringify(row);
  });
  const head = JSON.stringify(header).slice(1, -1);
  return `{${head},"listings":[\n${rows.join(",\n")}\n]}\n`;
}

/**
 * Reads listings from text and checks every field.
 *
 * @throws {BfaError} `format_too_new` for a later format; `integrity` for anything malformed.
 */
export function parseListings(text: string): ListingsFile {
  return readListings(readJson(text));
}

/** Reads listings that are already parsed from JSON; see {@linkcode parseListings}. */
export function readListings(file: unknown): ListingsFile {
  const { dataThrough, rows } = readHeader(file);
  rows.forEach((_, i) => checkRow(rows, i));
  return { dataThrough, listings: rows.map((_, i) => readRow(rows, i)) };
}

/**
 * Listings that {@linkcode parseListings} accepted when they came to this machine: the same bytes need no second
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

  /** Those that exist on a day. */
  on(day: Day): readonly Listing[] {
    const found: Listing[] = [];
    this.#rows.forEach((row, i, rows) => {
      const last = row[5];
      if (row[3] <= day && (!last || last >= day)) found.push(readRow(rows, i));
    });
    return found;
  }
}

/** Rows as they stand in the file, in the order of {@linkcode COLUMNS}. */
type Rows = readonly Row[];

type Row = readonly [
  symbol: string,
  type: string | null,
  quoteAsset: string | null,
  first: Day,
  lastTraded?: Day | null,
  last?: Day | null,
  gaps?: readonly DayRange[] | null,
  halts?: readonly DayRange[] | null,
];

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BfaError("integrity", "Cannot read the listings: not JSON", { cause });
  }
}

function readHeader(file: unknown): { dataThrough: Day; rows: Rows } {
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

/** Runs hundreds of times at every start, in code that is not compiled yet: plain on purpose. */
function readRow(rows: Rows, i: number): Listing {
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

/** Throws unless everything in a row is as it should be, and the row stands in its place. */
function checkRow(rows: readonly unknown[], i: number): void {
  const row = rows[i];
  if (!Array.isArray(row)) throw malformed("a row is not an array");
  const symbol = row[0];
  const type = row[1];
  const quoteAsset = row[2];
  const first = row[3];
  const lastTraded = row[4] ?? null;
  const last = row[5] ?? null;
  if (typeof symbol !== "string" || !isSymbol(symbol)) throw badRow(symbol, "symbol");
  if (type !== null && !CONTRACT_TYPES.has(type)) throw badRow(symbol, "contractType");
  if (quoteAsset !== null && typeof quoteAsset !== "string") throw badRow(symbol, "quoteAsset");
  if (typeof first !== "string" || !isDay(first)) throw badRow(symbol, "first");
  if (lastTraded !== null) {
    const sound = typeof lastTraded === "string" && isDay(lastTraded);
    if (!sound || lastTraded < first) throw badRow(symbol, "lastTraded");
  }
  if (last !== null) {
    const sound = typeof last === "string" && isDay(last) && lastTraded !== null;
    if (!sound || last < lastTraded) throw badRow(symbol, "last");
  }
  if (i > 0) {
    const before = rows[i - 1] as Row;
    const ended = before[5] ?? null;
    if (before[0] > symbol) throw badRow(symbol, "order");
    if (before[0] === symbol && (ended === null || ended >= first)) throw badRow(symbol, "order");
  }
  checkRanges(row[6], first, last, symbol, "gaps");
  checkRanges(row[7], first, lastTraded, symbol, "halts");
}

function badRow(symbol: unknown, column: string): BfaError {
  return malformed(`row ${JSON.stringify(symbol)}: ${column}`);
}

/** Most listings have neither gaps nor halts. */
const NONE: readonly DayRange[] = Object.freeze([]);

/** Ranges must lie within `first` to `last`, sorted and apart. */
function checkRanges(
  value: unknown,
  first: Day,
  last: Day | null,
  symbol: string,
  column: string,
): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) throw badRow(symbol, column);
  let earliest = first;
  for (const range of value) {
    const [from, to] = Array.isArray(range) ? range : [];
    const sound = typeof from === "string" && typeof to === "string" && isDay(from) && isDay(to);
    if (!sound || from < earliest || to < from || (last !== null && to > last)) {
      throw badRow(symbol, column);
    }
    earliest = addDays(to, 1);
  }
}

function malformed(what: string): BfaError {
  return new BfaError("integrity", `Cannot read the listings: ${what}`);
}
