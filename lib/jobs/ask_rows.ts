/**
 * A question for rows, asked of who has them; why there are none, the listings tell.
 *
 * @module
 */

import { knownDay, type Source } from "../core/answers.ts";
import type { RowsAnswer } from "../core/availability_rows.ts";
import { type DayRange, LAST_DAY } from "../core/day.ts";
import type { Listing } from "../core/listing.ts";
import type { RowSource, RowsQuestion } from "./row_source.ts";

/** Who is asked. */
export interface RowSides {
  /** Whether the listings are at hand: they say which parts can hold a symbol. */
  readonly hasListings: boolean;
  readonly listings: () => Promise<Source>;
  readonly rows: () => Promise<RowSource>;
}

/**
 * Asks for rows.
 *
 * @throws {BfaError} `not_found` for a symbol that never existed, or a day outside of the data.
 */
export async function askRows(question: RowsQuestion, sides: RowSides): Promise<RowsAnswer> {
  const { day, from, to, symbol } = question;
  const lives = symbol === undefined || !sides.hasListings
    ? undefined
    : (await sides.listings()).index.lives(symbol);
  const name = lives?.[0]?.symbol ?? symbol;
  const rows = await sides.rows();
  const found = await rows.rows({ ...question, symbol: name }, lives && spanOf(lives));
  if (found.count > 0) return found;
  // A misspelt symbol, a day before the first.
  const { index } = await sides.listings();
  for (const known of [day, from, to]) if (known !== undefined) knownDay(index, known);
  const exact = symbol === undefined ? undefined : index.lives(symbol)[0]?.symbol;
  // Without a row there is no first day, and the symbol's may be yet to come.
  if (exact === name) {
    return from === undefined && day === undefined ? { ...found, from: found.to } : found;
  }
  return await askRows({ ...question, symbol: exact }, sides);
}

/** The days from a symbol's first file to its last. */
function spanOf(lives: readonly Listing[]): DayRange {
  return [lives[0]!.first, lives.at(-1)!.last ?? LAST_DAY];
}
