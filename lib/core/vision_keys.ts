/**
 * The keys of Binance Vision's bucket: which symbol and day a key is about, and where to look.
 *
 * @module
 */

import { type Day, isDay } from "./day.ts";
import { isSymbol } from "./symbol.ts";

/** Under this prefix every symbol has a directory. Source: the bucket's own listing. */
export const KLINES_PREFIX = "data/futures/um/daily/klines/";

/** What the files of a directory are about: minutes, or whole days. */
export type Interval = "1m" | "1d";

/** What a key is. */
export type ReadKey =
  /** The kline ZIP of a symbol and day. */
  | { readonly kind: "file"; readonly symbol: string; readonly date: Day }
  /** A checksum, or the directory itself: nothing to keep. */
  | { readonly kind: "other" }
  /** Something that should not be there; `reason` says why. */
  | { readonly kind: "odd"; readonly reason: string };

/** The prefix of a symbol's files. */
export function filesPrefix(symbol: string, interval: Interval = "1m"): string {
  return `${KLINES_PREFIX}${symbol}/${interval}/`;
}

/** A marker after which the listing goes on with a day's file: it sorts just before that key. */
export function markerBefore(symbol: string, date: Day): string {
  return `${filesPrefix(symbol)}${symbol}-1m-${date}`;
}

/**
 * The symbol of a directory, or `undefined` for a name that cannot be one.
 *
 * @param prefix A common prefix such as `data/futures/um/daily/klines/BTCUSDT/`.
 */
export function symbolOfPrefix(prefix: string): string | undefined {
  if (!prefix.startsWith(KLINES_PREFIX) || !prefix.endsWith("/")) return undefined;
  const name = prefix.slice(KLINES_PREFIX.length, -1);
  return isSymbol(name) ? name : undefined;
}

/**
 * Reads a key in a symbol's directory.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDay } from "./day.ts";
 * import { readKey } from "./vision_keys.ts";
 * const key = "data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-15.zip";
 * const date = parseDay("2024-01-15");
 * assertEquals(readKey(key, "BTCUSDT"), { kind: "file", symbol: "BTCUSDT", date });
 * ```
 */
export function readKey(key: string, symbol: string, interval: Interval = "1m"): ReadKey {
  const prefix = filesPrefix(symbol, interval);
  if (!key.startsWith(prefix)) return { kind: "odd", reason: "outside its symbol's directory" };
  const name = key.slice(prefix.length);
  if (name === "" || name.endsWith(".zip.CHECKSUM")) return { kind: "other" };
  const start = `${symbol}-${interval}-`;
  if (!name.startsWith(start) || !name.endsWith(".zip")) {
    return { kind: "odd", reason: `not named SYMBOL-${interval}-DAY.zip` };
  }
  const date = name.slice(start.length, -".zip".length);
  if (!isDay(date)) return { kind: "odd", reason: "no such day" };
  return { kind: "file", symbol, date };
}
