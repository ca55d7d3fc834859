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

  const read: Listing[] = [];
  for (const row of listings) read.push(readRow(row, read[read.length - 1]));
  return { dataThrough, listings: read };
}

/** Runs a thousand times at every start, in code that is not compiled yet: plain on purpose. */
function readRow(row: unknown, before: Listing | undefined): Listing {
  if (!Array.isArray(row)) throw malformed("a row is not an array");
  const symbol = row[0];
  const type = row[1];
  const quoteAsset = row[2];
  const first = row[3];
  const lastTraded = row[4] ?? null;
  const last = row[5] ?? null;
  if (typeof symbol !== "string" || !isSymbol(symbol)) throw badRow(symbol, "symbol");
  const contractType = type === null ? null : CONTRACT_TYPES.get(type);
  if (contractType === undefined) throw badRow(symbol, "contractType");
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
  let life = 1;
  if (before?.symbol === symbol) {
    if (before.last === null || before.last >= first) throw badRow(symbol, "order");
    life = Number(before.id.slice(before.id.lastIndexOf("#") + 1)) + 1;
  } else if (before && before.symbol > symbol) {
    throw badRow(symbol, "order");
  }
  return {
    id: `${symbol}#${life}`,
    symbol,
    contractType,
    quoteAsset,
    first,
    lastTraded,
    last,
    gaps: readRanges(row[6], first, last, symbol, "gaps"),
    halts: readRanges(row[7], first, lastTraded, symbol, "halts"),
  };
}

function badRow(symbol: unknown, column: string): BfaError {
  return malformed(`row ${JSON.stringify(symbol)}: ${column}`);
}

/** Most listings have neither gaps nor halts. */
const NONE: readonly DayRange[] = Object.freeze([]);

/** Ranges within `first` … `last`, sorted and apart. */
function readRanges(
  value: unknown,
  first: Day,
  last: Day | null,
  symbol: string,
  column: string,
): readonly DayRange[] {
  if (value === undefined || value === null) return NONE;
  if (!Array.isArray(value)) throw badRow(symbol, column);
  let earliest = first;
  return value.map((range): DayRange => {
    const [from, to] = Array.isArray(range) ? range : [];
    const sound = typeof from === "string" && typeof to === "string" && isDay(from) && isDay(to);
    if (!sound || from < earliest || to < from || (last !== null && to > last)) {
      throw badRow(symbol, column);
    }
    earliest = addDays(to, 1);
    return [from, to];
  });
}

function malformed(what: string): BfaError {
  return new BfaError("integrity", `Cannot read the listings: ${what}`);
}
