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
