/**
 * The text form of all listings: the artifact `listings.json`, and the embedded seed.
 * One line per listing, so that a day's change is a few lines of diff.
 *
 * @module
 */

import { addDays, type Day, isDay } from "./day.ts";
import type { BfaError } from "./errors.ts";
import {
  CONTRACT_TYPES,
  LISTINGS_FORMAT,
  type ListingsFile,
  malformed,
  readHeader,
  readJson,
  readRow,
  type Row,
} from "./kept_listings.ts";
import { isSymbol } from "./symbol.ts";

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

/** More lives than any symbol will have: numbering them takes the square of that. */
const MOST_LIVES = 100;

/** What a quote asset can be called: it is printed as it stands. */
const QUOTE_ASSET = /^[A-Z0-9]{1,20}$/;

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
  const named = typeof quoteAsset === "string" && QUOTE_ASSET.test(quoteAsset);
  if (quoteAsset !== null && !named) throw badRow(symbol, "quoteAsset");
  if (typeof first !== "string" || !isDay(first)) throw badRow(symbol, "first");
  if (lastTraded !== null) {
    const sound = typeof lastTraded === "string" && isDay(lastTraded);
    if (!sound || lastTraded < first) throw badRow(symbol, "lastTraded");
  }
  if (last !== null) {
    const sound = typeof last === "string" && isDay(last) && lastTraded !== null;
    if (!sound || last < lastTraded) throw badRow(symbol, "last");
  }
  if ((rows[i - MOST_LIVES] as Row | undefined)?.[0] === symbol) throw badRow(symbol, "lives");
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
