/**
 * In which order symbols are listed. The pages of one come one after another, for each says where the
 * next begins: a long one that begins among the last would keep all others waiting.
 *
 * @module
 */

import { type Day, dayNumber } from "../core/day.ts";
import { seedListings } from "../source/seed.ts";

/** From a symbol's first day to its last, as far as is known. */
export interface Span {
  readonly first: Day;
  readonly last: Day;
}

/** A page has 1,000 keys, a day a ZIP and its CHECKSUM. */
const DAYS_OF_A_PAGE = 500;

/** How many days a span has; none when nothing is known. */
export function spanDays(span: Span | undefined): number {
  return span ? dayNumber(span.last) - dayNumber(span.first) + 1 : 0;
}

/**
 * Moves symbols of one page to the end: as many as are listed while the longest is. All others stay in
 * their order, long and short ones mixed, so that there is as much to do at any time.
 *
 * @param width How many are listed at once.
 */
export function shortestLast(
  symbols: readonly string[],
  daysOf: (symbol: string) => number,
  width: number,
): string[] {
  const pages = symbols.map((symbol) => Math.ceil(daysOf(symbol) / DAYS_OF_A_PAGE));
  const most = width * Math.max(0, ...pages);
  const last = new Set(symbols.filter((_, i) => pages[i]! <= 1).slice(-most));
  return [...symbols.filter((symbol) => !last.has(symbol)), ...last];
}

/** The spans of the embedded listings: only a guess at how long a symbol's listing is. */
export async function seedSpans(): Promise<Map<string, Span>> {
  const { listings, dataThrough } = await seedListings();
  const spans = new Map<string, Span>();
  for (const { symbol, first, last } of listings) {
    spans.set(symbol, { first: spans.get(symbol)?.first ?? first, last: last ?? dataThrough });
  }
  return spans;
}
