/**
 * Listings by the names that trading programs know them by.
 *
 * @module
 */

import { knownDay, type Source } from "./answers.ts";
import { BfaError } from "./errors.ts";
import type { Listing } from "./listing.ts";

/** What freqtrade's RemotePairList reads: the pairs, and how soon to ask again. */
export interface PairlistAnswer {
  /** Unified symbols, such as `BTC/USDT:USDT`, sorted. */
  pairs: string[];
  /** Seconds. */
  refresh_period: number;
}

/** `latest` moves once a day, at an hour that is not known exactly; other days hardly ever. */
const REFRESH_SECONDS = { latest: 3_600, day: 86_400 };

/**
 * The unified symbol (ccxt, freqtrade) of a contract: `BTC/USDT:USDT`, with `-240628` when it is
 * dated; `null` where the quote asset is not known or not at the symbol's end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { unifiedSymbol } from "./pairlist.ts";
 * assertEquals(unifiedSymbol({ symbol: "1000BONKUSDT", quoteAsset: "USDT" }), "1000BONK/USDT:USDT");
 * ```
 */
export function unifiedSymbol(
  { symbol, quoteAsset }: Pick<Listing, "symbol" | "quoteAsset">,
): string | null {
  const [pair, expiry] = symbol.split("_") as [string, string?];
  if (quoteAsset === null || !pair.endsWith(quoteAsset) || pair === quoteAsset) return null;
  const base = pair.slice(0, -quoteAsset.length);
  return `${base}/${quoteAsset}:${quoteAsset}${expiry ? `-${expiry}` : ""}`;
}

/** The perpetual contracts that traded on a day, for one quote asset (USDT when left out). */
export function pairlist(
  { index }: Source,
  day: string,
  options: { quote?: string | undefined } = {},
): PairlistAnswer {
  const date = knownDay(index, day);
  const quote = options.quote ?? "USDT";
  const pairs: string[] = [];
  const quotes = new Set<string>();
  index.forEachOn(date, (listing, state) => {
    if (state !== "traded" || listing.contractType === "delivery") return;
    const pair = unifiedSymbol(listing);
    if (pair === null || listing.quoteAsset === null) return;
    quotes.add(listing.quoteAsset);
    if (listing.quoteAsset === quote) pairs.push(pair);
  });
  if (pairs.length === 0) {
    throw new BfaError(
      "usage",
      `Cannot list pairs in ${
        JSON.stringify(quote.slice(0, 20))
      }: on ${date} contracts are quoted in ${[...quotes].sort().join(", ")}`,
    );
  }
  const refresh_period = day === "latest" ? REFRESH_SECONDS.latest : REFRESH_SECONDS.day;
  return { pairs: pairs.sort(), refresh_period };
}
