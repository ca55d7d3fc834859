/**
 * The history of a simulated bucket: which files exist at an instant, and the truth behind them. All
 * of it is computed from symbol and day, so that 1.3 million keys take no memory and two histories
 * made alike are alike.
 *
 * @module
 */

import type { Day } from "../../lib/core/day.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { compareKeys } from "./bucket_bytes.ts";
import type { Kline } from "./bucket_klines.ts";
import { type Interval, type LifeChanges, livesOf } from "./bucket_lives.ts";
import { KLINES_ROOT, type OddKey } from "./bucket_odd.ts";
import { type BucketFile, type FileRules, SymbolPast, type Upload } from "./bucket_symbol.ts";

/** What a history can be told. Rules without `symbol` are about all symbols. */
export interface HistoryOptions extends LifeChanges, Omit<FileRules, "gaps"> {
  /** The last day with files. */
  readonly through: Day;
  /** Keys that nobody expects; see `quarantineKeys()`. */
  readonly odd?: readonly OddKey[];
  /** Whether the empty `BTCUSDT//` exists; true when left out and there is a BTCUSDT. */
  readonly emptyDirectory?: boolean;
}

/** What is true about one day of one symbol, at the instant that was asked for. */
export interface TruthRow {
  readonly date: Day;
  readonly symbol: string;
  /** `SYMBOL#n`. */
  readonly listing: string;
  /** Whether the 1m ZIP exists. */
  readonly available: boolean;
  readonly size: number | null;
  /** ISO, UTC. */
  readonly lastModified: string | null;
  /** Whether it traded; false for a day without a 1m ZIP. */
  readonly traded: boolean;
  /** The 1d numbers; `null` where there is no 1d ZIP. */
  readonly numbers: Kline | null;
}

/** A history; see the module. */
export class History {
  readonly through: Day;
  /** The lives after all changes, in the order of their keys: what a collector should find. */
  readonly listings: readonly Listing[];
  /** All symbols in the order of their keys, those that start after `through` too. */
  readonly symbols: readonly string[];
  /** In the order of their keys. */
  readonly odd: readonly OddKey[];
  readonly #lives = new Map<string, Listing[]>();
  readonly #pasts = new Map<string, SymbolPast>();
  #rules: FileRules;

  constructor(listings: readonly Listing[], options: HistoryOptions) {
    this.through = options.through;
    this.#rules = options;
    this.listings = livesOf(listings, options);
    for (const life of this.listings) {
      const lives = this.#lives.get(life.symbol);
      if (lives) lives.push(life);
      else this.#lives.set(life.symbol, [life]);
    }
    this.symbols = [...this.#lives.keys()];
    const odd = [...options.odd ?? []];
    if (options.emptyDirectory ?? this.#lives.has("BTCUSDT")) {
      const key = `${KLINES_ROOT}BTCUSDT//`;
      odd.push({ key, size: 0, lastModified: "2020-01-01T08:00:00.000Z" });
    }
    this.odd = odd.sort((a, b) => compareKeys(a.key, b.key));
  }

  /** Uploads files again from an instant on, while the bucket is being served. */
  reupload(upload: Upload): void {
    this.#rules = { ...this.#rules, uploads: [...this.#rules.uploads ?? [], upload] };
    if (upload.symbol === undefined) this.#pasts.clear();
    else this.#pasts.delete(upload.symbol);
  }

  /** All about one symbol; it need not exist. */
  past(symbol: string): SymbolPast {
    let past = this.#pasts.get(symbol);
    if (!past) {
      past = new SymbolPast(symbol, this.#lives.get(symbol) ?? [], this.through, this.#rules);
      if (this.#lives.has(symbol)) this.#pasts.set(symbol, past);
    }
    return past;
  }

  /** The ZIP of a day as it is at an instant (ms since 1970), or `undefined` when there is none. */
  file(symbol: string, interval: Interval, day: Day, now = Infinity): BucketFile | undefined {
    const past = this.past(symbol);
    const facts = past.facts(interval, day, now);
    return facts && past.file(interval, day, facts);
  }

  /**
   * The truth, by symbol and then by day: one row for each day of each life up to `through`.
   *
   * @param through The last day; the history's own when left out.
   * @param now What is not visible at this instant (ms since 1970) is not available.
   */
  *expectedRows(through: Day = this.through, now = Infinity): Generator<TruthRow> {
    for (const symbol of this.symbols) {
      const past = this.past(symbol);
      for (const date of past.days(undefined, through)) {
        const facts = past.facts("1m", date, now);
        const file = facts && past.file("1m", date, facts);
        const numbers = past.facts("1d", date, now);
        yield {
          date,
          symbol,
          listing: past.lifeOn(date)!.id,
          available: file !== undefined,
          size: file?.size ?? null,
          lastModified: file?.lastModified ?? null,
          traded: facts?.traded ?? false,
          numbers: numbers ? past.numbers(date, numbers) : null,
        };
      }
    }
  }
}

/** Makes a history of these listings; see {@linkcode HistoryOptions}. */
export function history(listings: readonly Listing[], options: HistoryOptions): History {
  return new History(listings, options);
}
