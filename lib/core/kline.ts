/**
 * The numbers of a day: what a 1d kline file of Binance Vision says, read and checked.
 *
 * @module
 */

import { type Day, dayNumber } from "./day.ts";
import { BfaError } from "./errors.ts";

/** The numbers of one symbol on one day. In the docs: the unit, then the column of Binance's CSV. */
export interface DayNumbers {
  /** Traded volume, quote asset; `quote_volume`. */
  readonly quoteVolume: number;
  /** Number of trades; `count`. */
  readonly tradeCount: number;
  /** Traded volume, base asset; `volume`. */
  readonly volumeBase: number;
  /** Volume where the buyer was the taker, base asset; `taker_buy_volume`. */
  readonly takerBuyVolumeBase: number;
  /** Volume where the buyer was the taker, quote asset; `taker_buy_quote_volume`. */
  readonly takerBuyQuoteVolume: number;
  /** First price, quote asset; `open`. */
  readonly open: number;
  /** Highest price, quote asset; `high`. */
  readonly high: number;
  /** Lowest price, quote asset; `low`. */
  readonly low: number;
  /** Last price, quote asset; `close`. */
  readonly close: number;
}

/** The same, where some may not be known: not every source has all. */
export type KnownNumbers = { readonly [Name in keyof DayNumbers]: number | null };

/** The columns, as the header row names them: files have it since 2022, earlier ones mostly not. */
const COLUMNS = [
  "open_time",
  "open",
  "high",
  "low",
  "close",
  "volume",
  "close_time",
  "quote_volume",
  "count",
  "taker_buy_volume",
  "taker_buy_quote_volume",
  "ignore",
] as const;

type Column = typeof COLUMNS[number];

const HEADER = COLUMNS.join(",");

const DAY_MS = 86_400_000;

/** No sign, no spaces, no hex; an exponent, because some tools write small numbers as `1e-8`. */
const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;

/**
 * Reads the CSV of a 1d kline file: exactly one row, that of the day, with or without a header row.
 *
 * Times are in ms, or in µs as in newer spot files: the two cannot be taken for each other. The row
 * must span the whole day, so that a file of another interval is not read as one. A day without
 * trades is a good row: a volume of 0, and four times the same price.
 *
 * @throws {BfaError} `integrity` when anything else is in the file.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDay } from "./day.ts";
 * import { parseDayKline } from "./kline.ts";
 * const csv = "1577836800000,7189.43,7260.43,7170.15,7197.57,56801.329,1577923199999," +
 *   "409678760.56957,101871,28834.200,208001969.84595,0\n";
 * assertEquals(parseDayKline(csv, parseDay("2020-01-01")).tradeCount, 101871);
 * ```
 */
export function parseDayKline(csv: string, day: Day): DayNumbers {
  const fields = onlyRow(csv, day).split(",");
  if (fields.length !== COLUMNS.length) {
    throw refused(day, `its row has ${fields.length} columns instead of ${COLUMNS.length}`);
  }
  const text = (column: Column) => fields[COLUMNS.indexOf(column)]!;
  const number = (column: Column) => readNumber(text(column), column, day);

  checkTimes(text("open_time"), text("close_time"), day);
  const numbers: DayNumbers = {
    quoteVolume: number("quote_volume"),
    tradeCount: number("count"),
    volumeBase: number("volume"),
    takerBuyVolumeBase: number("taker_buy_volume"),
    takerBuyQuoteVolume: number("taker_buy_quote_volume"),
    open: number("open"),
    high: number("high"),
    low: number("low"),
    close: number("close"),
  };
  checkTogether(numbers, day);
  return numbers;
}

function onlyRow(csv: string, day: Day): string {
  const lines = csv.split(/\r?\n/);
  while (lines.at(-1) === "") lines.pop();
  if (/^[A-Za-z]/.test(lines[0] ?? "")) {
    const header = lines.shift()!;
    // Columns in another order would be other numbers: an unknown header is not passed over.
    if (header.toLowerCase() !== HEADER) throw refused(day, `unknown header ${shown(header)}`);
  }
  if (lines.length !== 1) throw refused(day, `it has ${lines.length} rows instead of 1`);
  return lines[0]!;
}

function checkTimes(open: string, close: string, day: Day): void {
  const startMs = dayNumber(day) * DAY_MS;
  const perMs = open === String(startMs * 1000) ? 1000 : 1;
  if (open !== String(startMs * perMs)) {
    throw refused(day, `open_time is ${shown(open)}, not the start of the day, ${startMs}`);
  }
  const end = (startMs + DAY_MS) * perMs - 1;
  if (close !== String(end)) {
    throw refused(day, `close_time is ${shown(close)}, not the end of the day, ${end}`);
  }
}

function readNumber(text: string, column: Column, day: Day): number {
  const number = NUMBER.test(text) ? Number(text) : NaN;
  if (Number.isFinite(number)) return number;
  throw refused(day, `${column} is ${shown(text)}, not a number of 0 or more`);
}

/**
 * Refuses numbers that no trades can come to, so that a shifted or damaged row is not published. What is not known
 * is compared with nothing.
 *
 * @throws {BfaError} `integrity`.
 */
export function checkTogether(numbers: KnownNumbers, day: Day): void {
  for (const [name, number] of Object.entries(numbers)) {
    if (number !== null && !(number >= 0 && number < Infinity)) {
      throw refused(day, `${name} is ${number}`);
    }
  }
  const { open, high, low, close, tradeCount } = numbers;
  const { volumeBase, takerBuyVolumeBase, quoteVolume, takerBuyQuoteVolume } = numbers;
  if (tradeCount !== null && !Number.isSafeInteger(tradeCount)) {
    throw refused(day, `count is ${tradeCount}, not a whole number`);
  }
  if (isAbove(low, high)) throw refused(day, `high ${high} is below low ${low}`);
  for (const [name, price] of [["open", open], ["close", close]] as const) {
    if (isAbove(low, price) || isAbove(price, high)) {
      throw refused(day, `${name} ${price} is not between low ${low} and high ${high}`);
    }
  }
  if (isAbove(takerBuyVolumeBase, volumeBase)) {
    throw refused(day, `taker_buy_volume ${takerBuyVolumeBase} is above volume ${volumeBase}`);
  }
  if (isAbove(takerBuyQuoteVolume, quoteVolume)) {
    throw refused(
      day,
      `taker_buy_quote_volume ${takerBuyQuoteVolume} is above quote_volume ${quoteVolume}`,
    );
  }
}

function isAbove(one: number | null, other: number | null): boolean {
  return one !== null && other !== null && one > other;
}

function refused(day: Day, why: string): BfaError {
  return new BfaError("integrity", `Cannot read the 1d kline of ${day}: ${why}`);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
