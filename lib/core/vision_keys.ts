/**
 * The keys of Binance Vision's bucket: which symbol and day a key is about, and where to look.
 *
 * @module
 */

import { type Day, isDay } from "./day.ts";
import { isSymbol } from "./symbol.ts";

/** Under this prefix every symbol has a directory. Source: the bucket's own listing. */
export const KLINES_PREFIX = "data/futures/um/daily/klines/";

/** No file can be of a day before this. Source: Binance opened its futures in September 2019. */
export const EARLIEST_DAY = "2019-09-01" as Day;

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
  const nameAt = after(key, 0, KLINES_PREFIX, symbol, `/${interval}/`);
  if (nameAt < 0) return { kind: "odd", reason: "outside its symbol's directory" };
  if (nameAt === key.length || key.endsWith(".zip.CHECKSUM")) return { kind: "other" };
  const dayAt = after(key, nameAt, symbol, `-${interval}-`);
  if (dayAt < 0 || !key.endsWith(".zip")) {
    return { kind: "odd", reason: `not named SYMBOL-${interval}-DAY.zip` };
  }
  const date = key.slice(dayAt, -".zip".length);
  if (!isDay(date)) return { kind: "odd", reason: "no such day" };
  if (date < EARLIEST_DAY) return { kind: "odd", reason: "before there were futures" };
  return { kind: "file", symbol, date };
}

/** Where these parts end that follow one another, or -1: faster than to join them for every key. */
function after(key: string, from: number, ...parts: readonly string[]): number {
  let at = from;
  for (const part of parts) {
    if (!key.startsWith(part, at)) return -1;
    at += part.length;
  }
  return at;
}
