/**
 * Symbols: the directory names of Binance Vision, such as `BTCUSDT`, `ETHUSDT_240628`, or a Chinese name.
 *
 * @module
 */

/** Quote assets in use, longest first, so that `USDT` is not read as `T`-something. */
const QUOTES = ["USDT", "USDC", "BUSD", "USD1", "BTC", "U"] as const;

/**
 * Digits and letters (Latin, Greek, Cyrillic, kana, CJK, Hangul), then at most one `_` and a suffix.
 * Ranges instead of `\p{L}`, and `+` instead of a count: those take milliseconds to set up.
 */
const SHAPE =
  /^[A-Za-z0-9\u00c0-\u024f\u0370-\u052f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]+(?:_[A-Z0-9]+)?$/;

/** Longer than any symbol so far, in characters: the longest has 23. */
const MAX_LENGTH = 60;

/** Whether a text could be a symbol. */
export function isSymbol(text: string): boolean {
  return text.length <= MAX_LENGTH && SHAPE.test(text);
}

/**
 * The quote asset in a symbol's name, or `null` where the name does not say.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { quoteAssetOf } from "./symbol.ts";
 * assertEquals(quoteAssetOf("ETHUSDT_240628"), "USDT");
 * assertEquals(quoteAssetOf("AERGOUSDTSETTLED"), "USDT");
 * ```
 */
export function quoteAssetOf(symbol: string): string | null {
  const name = symbol.replace(/_.*$/, "").replace(/(SETTLED)+$/, "");
  return QUOTES.find((quote) => name.endsWith(quote) && name.length > quote.length) ?? null;
}

/**
 * The known symbols nearest to a name that is not one, best first: for "did you mean".
 *
 * @param name What was asked for.
 * @param symbols What exists.
 * @param most How many to return at most.
 */
export function nearestSymbols(name: string, symbols: Iterable<string>, most = 3): string[] {
  const wanted = name.toUpperCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const ranked: { symbol: string; distance: number; rank: number }[] = [];
  for (const symbol of symbols) {
    if (Math.abs(symbol.length - wanted.length) > limit) continue;
    const distance = editDistance(wanted, symbol);
    // At the same distance: what only goes on longer first, and the usual quote before others.
    const rank = (symbol.startsWith(wanted) ? 0 : 2) + (symbol.endsWith("USDT") ? 0 : 1);
    if (distance <= limit) ranked.push({ symbol, distance, rank });
  }
  ranked.sort((a, b) =>
    a.distance - b.distance || a.rank - b.rank || (a.symbol < b.symbol ? -1 : 1)
  );
  const best = ranked[0]?.distance ?? 0;
  return ranked.filter(({ distance }) => distance <= best + 1).slice(0, most).map((r) => r.symbol);
}

/** Levenshtein distance; an inserted letter at the end costs as much as any other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substituted, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
