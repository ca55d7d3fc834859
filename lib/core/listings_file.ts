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
const CONTRACT_TYPES: Readonly<Record<string, ContractType>> = {
  P: "perpetual",
  T: "tradifi_perpetual",
  D: "delivery",
};

const LETTERS = new Map(Object.entries(CONTRACT_TYPES).map(([letter, type]) => [type, letter]));

/** Writes listings as text: always the same text for the same listings. */
export function formatListings(file: ListingsFile): string {
  const header = {
    listingsFormat: LISTINGS_FORMAT,
    dataThrough: file.dataThrough,
    contractTypes: CONTRACT_TYPES,
    columns: COLUMNS,
  };
  const rows = file.listings.map((l) => {
    const type = l.contractType === null ? null : LETTERS.get(l.contractType) ?? null;
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
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new BfaError("integrity", "Cannot read the listings: not JSON", { cause });
  }
  return readListings(file);
}

/** Reads listings that are already parsed from JSON; see {@linkcode parseListings}. */
export function readListings(file: unknown): ListingsFile {
  if (typeof file !== "object" || file === null) throw malformed("not an object");
  const { listingsFormat, dataThrough, listings } = file as Record<string, unknown>;
  if (typeof listingsFormat !== "number") throw malformed("no listingsFormat");
  if (listingsFormat > LISTINGS_FORMAT) {
    throw new BfaError(
      "format_too_new",
      `Cannot read listings of format ${listingsFormat}: this program knows up to ${LISTINGS_FORMAT}; update bfa`,
    );
  }
  if (typeof dataThrough !== "string" || !isDay(dataThrough)) throw malformed("dataThrough");
  if (!Array.isArray(listings)) throw malformed("listings");

  const read: Listing[] = [];
  for (const row of listings) {
    const listing = readRow(row, read.at(-1));
    read.push(listing);
  }
  return { dataThrough, listings: read };
}

function readRow(row: unknown, before: Listing | undefined): Listing {
  if (!Array.isArray(row)) throw malformed("a row is not an array");
  const [symbol, type, quoteAsset, first, lastTraded = null, last = null, gaps, halts] = row;
  const where = `row ${JSON.stringify(row[0])}`;
  if (typeof symbol !== "string" || !isSymbol(symbol)) throw malformed(`${where}: symbol`);
  if (type !== null && !(typeof type === "string" && Object.hasOwn(CONTRACT_TYPES, type))) {
    throw malformed(`${where}: contractType`);
  }
  if (quoteAsset !== null && typeof quoteAsset !== "string") {
    throw malformed(`${where}: quoteAsset`);
  }
  if (typeof first !== "string" || !isDay(first)) throw malformed(`${where}: first`);
  if (!isDayOrNull(lastTraded)) throw malformed(`${where}: lastTraded`);
  if (!isDayOrNull(last)) throw malformed(`${where}: last`);
  if (last !== null && (last < first || (lastTraded !== null && lastTraded > last))) {
    throw malformed(`${where}: last`);
  }
  if (last !== null && lastTraded === null) throw malformed(`${where}: lastTraded`);
  const again = before?.symbol === symbol;
  if (before && (before.symbol > symbol || (again && !(before.last && before.last < first)))) {
    throw malformed(`${where}: rows are not sorted by symbol and day`);
  }
  const life = again ? Number(before.id.slice(before.id.lastIndexOf("#") + 1)) + 1 : 1;
  return {
    id: `${symbol}#${life}`,
    symbol,
    contractType: type === null ? null : CONTRACT_TYPES[type]!,
    quoteAsset,
    first,
    lastTraded,
    last,
    gaps: readRanges(gaps, first, `${where}: gaps`),
    halts: readRanges(halts, first, `${where}: halts`),
  };
}

function readRanges(value: unknown, first: Day, where: string): DayRange[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(where);
  let earliest = first;
  return value.map((range) => {
    const [from, to] = Array.isArray(range) ? range : [];
    if (typeof from !== "string" || typeof to !== "string" || !isDay(from) || !isDay(to)) {
      throw malformed(where);
    }
    if (from < earliest || to < from) throw malformed(where);
    earliest = addDays(to, 1);
    return [from, to];
  });
}

function isDayOrNull(value: unknown): value is Day | null {
  return value === null || (typeof value === "string" && isDay(value));
}

function malformed(what: string): BfaError {
  return new BfaError("integrity", `Cannot read the listings: ${what}`);
}
