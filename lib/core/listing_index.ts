/**
 * The interval index: every listing, held so that a question about a day or a symbol is answered
 * from memory in microseconds.
 *
 * @module
 */

import { mustBe } from "./checked.ts";
import type { Day } from "./day.ts";
import { NotFoundError } from "./errors.ts";
import { type DayState, type Listing, livesBySymbol, stateOn } from "./listing.ts";
import type { ListingsFile } from "./kept_listings.ts";
import { nearestSymbols } from "./nearest.ts";

/** All listings as of one day, ready to be asked. */
export class ListingIndex {
  /** The last day the data knows about. */
  readonly dataThrough: Day;

  readonly #file: ListingsFile;
  #firstDay: Day | undefined;
  #lives: Map<string, Listing[]> | undefined;

  /** Makes the index. Days are compared as texts: nothing is computed beforehand. */
  constructor(file: ListingsFile) {
    this.dataThrough = file.dataThrough;
    this.#file = file;
  }

  /** Sorted by symbol, then by first day. */
  get listings(): readonly Listing[] {
    return this.#file.listings;
  }

  /** The first day any listing has a file. */
  get firstDay(): Day {
    return this.#firstDay ??= this.#file.firstDay ?? this.#earliest();
  }

  /** Whether any listing has a file by a day: most often told without knowing the first day of all. */
  startsBy(day: Day): boolean {
    return this.#firstDay === undefined && this.#file.startsBy
      ? this.#file.startsBy(day)
      : this.firstDay <= day;
  }

  /** The lives of every symbol; made when first asked for. */
  get #bySymbol(): Map<string, Listing[]> {
    return this.#lives ??= livesBySymbol(this.listings);
  }

  /** Every known symbol, sorted. */
  get symbols(): string[] {
    return [...this.#bySymbol.keys()];
  }

  /** How many symbols are known. */
  get symbolCount(): number {
    return this.#bySymbol.size;
  }

  /**
   * The lives of a symbol, oldest first.
   *
   * @throws {NotFoundError} with the nearest symbols, when there is no such symbol.
   */
  lives(symbol: string): readonly Listing[] {
    mustBe(typeof symbol === "string", "this symbol", "a text, such as BTCUSDT");
    const exact = this.#bySymbol.get(symbol) ?? this.#bySymbol.get(symbol.toUpperCase());
    if (exact) return exact;
    const shown = symbol.length > 60 ? `${symbol.slice(0, 60)}\u2026` : symbol;
    const near = nearestSymbols(symbol.slice(0, 60), this.symbols);
    throw new NotFoundError(`no symbol ${printable(shown)}${didYouMean(near)}`, near);
  }

  /** Calls `visit` for every listing that exists on a day, in symbol order, with its state. */
  forEachOn(day: Day, visit: (listing: Listing, state: DayState) => void): void {
    for (const listing of this.#file.on?.(day) ?? this.listings) {
      if (day < listing.first || (listing.last !== null && day > listing.last)) continue;
      visit(listing, stateOn(listing, day, this.dataThrough));
    }
  }

  #earliest(): Day {
    let firstDay = this.dataThrough;
    for (const { first } of this.listings) if (first < firstDay) firstDay = first;
    return firstDay;
  }
}

function didYouMean(near: readonly string[]): string {
  if (near.length === 0) return "";
  const last = near.at(-1)!;
  const names = near.length === 1 ? last : `${near.slice(0, -1).join(", ")} or ${last}`;
  return `; did you mean ${names}?`;
}

/** Control characters never reach a terminal or a log. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, "\ufffd") || '""';
}
