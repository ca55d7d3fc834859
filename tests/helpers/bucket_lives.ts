/** The lives of the simulated symbols: the real ones, changed as a test asks for. @module */

import { addDays, type Day, dayNumber, type DayRange, parseDay } from "../../lib/core/day.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { listing } from "./listing.ts";
import { draw, seedOf } from "./bucket_hash.ts";
import { compareKeys } from "./bucket_bytes.ts";

/** What the files of one interval are about. */
export type Interval = "1m" | "1d";

/** Which files a rule is about: those of one symbol (or all), of some days, of one interval (or both). */
export interface Where {
  readonly symbol?: string;
  readonly from: string;
  /** The same day as `from` when left out. */
  readonly to?: string;
  readonly interval?: Interval;
}

/** How the lives differ from the listings. */
export interface LifeChanges {
  /** Symbols that stop trading; files go on to `last` when it is given. */
  readonly endings?: readonly { symbol: string; lastTraded: string; last?: string }[];
  /** Symbols that ended and trade again from `first`. */
  readonly relistings?: readonly { symbol: string; first: string }[];
  /** Files without trades after the last file of a symbol that ended. */
  readonly ghosts?: readonly { symbol: string; from: string; to: string }[];
  /** Files that never appear: both ZIPs of a day, or with `interval: "1d"` only the numbers. */
  readonly gaps?: readonly Where[];
}

/**
 * The lives with all changes applied, in the order of their keys.
 *
 * @throws {Error} when a change does not fit, such as a relisting of a symbol that still trades.
 */
export function livesOf(listings: readonly Listing[], changes: LifeChanges): Listing[] {
  const bySymbol = new Map<string, Listing[]>();
  for (const life of listings) {
    bySymbol.set(life.symbol, [...bySymbol.get(life.symbol) ?? [], life]);
  }
  const newest = (symbol: string, action: string): [Listing[], Listing] => {
    const lives = bySymbol.get(symbol);
    const life = lives?.at(-1);
    if (!lives || !life) throw new Error(`Cannot ${action} ${symbol}: there is no such symbol`);
    return [lives, life];
  };

  for (const { symbol, lastTraded, last = lastTraded } of changes.endings ?? []) {
    const [lives, life] = newest(symbol, "end");
    lives[lives.length - 1] = { ...life, lastTraded: parseDay(lastTraded), last: parseDay(last) };
  }
  for (const { symbol, from, to } of changes.ghosts ?? []) {
    const [lives, life] = newest(symbol, "add ghosts to");
    if (life.last === null || life.last >= from || from > to) {
      throw new Error(`Cannot add ghosts to ${symbol} from ${from}: its files do not end before`);
    }
    const hole: DayRange = [addDays(life.last, 1), addDays(parseDay(from), -1)];
    const gaps = hole[0] <= hole[1] ? [...life.gaps, hole] : life.gaps;
    lives[lives.length - 1] = { ...life, last: parseDay(to), gaps };
  }
  for (const { symbol, first } of changes.relistings ?? []) {
    const [lives, life] = newest(symbol, "relist");
    if (life.last === null || life.last >= first) {
      throw new Error(`Cannot relist ${symbol} on ${first}: it has not ended before`);
    }
    const { contractType, quoteAsset } = life;
    const id = `${symbol}#${lives.length + 1}`;
    lives.push(listing(id, parseDay(first), null, null, { contractType, quoteAsset }));
  }
  const gaps = (changes.gaps ?? []).filter((gap) => gap.interval !== "1d");
  return [...bySymbol.values()].flat()
    .flatMap((life) => gaps.reduce<Listing[]>((lives, gap) => lives.flatMap(without(gap)), [life]))
    .sort((a, b) => compareKeys(a.symbol, b.symbol) || dayNumber(a.first) - dayNumber(b.first));
}

/** Takes days out of a life; a life that starts or ends inside them is shorter, or nothing. */
function without({ symbol, from: fromText, to: toText = fromText }: Where) {
  const [from, to] = [parseDay(fromText), parseDay(toText)];
  return (life: Listing): Listing[] => {
    if (symbol !== undefined && symbol !== life.symbol) return [life];
    const { first, last, lastTraded } = life;
    if (to < first || (last !== null && last < from)) return [life];
    if (from <= first) {
      return last !== null && last <= to ? [] : [{ ...life, first: addDays(to, 1) }];
    }
    if (last !== null && last <= to) {
      const end = addDays(from, -1);
      const traded = lastTraded !== null && lastTraded > end ? end : lastTraded;
      return [{ ...life, last: end, lastTraded: traded }];
    }
    return [{ ...life, gaps: merged([...life.gaps, [from, to]]) }];
  };
}

/** Ranges in order, without overlaps, neighbours as one. */
function merged(ranges: readonly DayRange[]): DayRange[] {
  const out: [Day, Day][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] < b[0] ? -1 : 1)) {
    const before = out.at(-1);
    if (before && from <= addDays(before[1], 1)) {
      if (to > before[1]) before[1] = to;
    } else {
      out.push([from, to]);
    }
  }
  return out;
}

/**
 * Symbols that never existed, all over the alphabet: with them there are as many as a test wants.
 * One in seven has ended, and half of those left files without trades behind.
 *
 * @param count How many; their names end in `SIM0000USDT` and so on.
 */
export function madeUpListings(count: number): Listing[] {
  return Array.from({ length: count }, (_, i) => {
    const symbol = `${String.fromCharCode(65 + i % 26)}SIM${String(i).padStart(4, "0")}USDT`;
    const seed = seedOf(symbol);
    const first = addDays(parseDay("2024-01-01"), Math.floor(draw(seed, 0, 1) * 800));
    if (i % 7 !== 3) return listing(`${symbol}#1`, first);
    const lastTraded = addDays(first, 20 + Math.floor(draw(seed, 0, 2) * 100));
    return listing(`${symbol}#1`, first, lastTraded, addDays(lastTraded, i % 2 === 0 ? 0 : 30));
  });
}
