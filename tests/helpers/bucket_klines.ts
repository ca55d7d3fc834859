/** The 1d klines of the simulated symbols: numbers, CSV, ZIP and CHECKSUM. @module */

import { createHash } from "node:crypto";
import { zipSync } from "fflate";
import { type Day, dayNumber } from "../../lib/core/day.ts";
import { draw, seedOf } from "./bucket_hash.ts";

/** The numbers of one day, exactly as the CSV's text reads. Times are milliseconds since 1970. */
export interface Kline {
  readonly openTime: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly closeTime: number;
  readonly quoteVolume: number;
  readonly count: number;
  readonly takerBuyVolume: number;
  readonly takerBuyQuoteVolume: number;
}

/** The first line of the files that have one. */
export const KLINE_HEADER =
  "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore";

const DAY_MS = 86_400_000;

/** Purposes of the draws; sizes and times have others. */
const DRAW = {
  header: 40,
  base: 41,
  phase: 42,
  noise: 43,
  high: 44,
  low: 45,
  volume: 46,
  trade: 47,
  taker: 48,
} as const;

/** What decides the numbers of a day, besides symbol and day. */
export interface KlineFacts {
  /** The day after which the price no longer moves; the day itself when it traded. */
  readonly priceDay: Day;
  readonly traded: boolean;
  /** How often the file was uploaded again: repaired numbers differ in volume and count. */
  readonly version: number;
}

/** The twelve fields of the day's row. */
export function klineFields(symbol: string, day: Day, facts: KlineFacts): string[] {
  const seed = seedOf(symbol);
  const number = dayNumber(day);
  const openTime = number * DAY_MS;
  const times = [String(openTime), String(openTime + DAY_MS - 1)] as const;
  const last = dayNumber(facts.priceDay) + 1;
  const decimals = basePrice(seed) > 100 ? 2 : basePrice(seed) > 0.1 ? 4 : 7;
  if (!facts.traded) {
    const price = priceAt(seed, last).toFixed(decimals);
    return [times[0], price, price, price, price, "0.000", times[1], "0.00000", "0"]
      .concat("0.000", "0.00000", "0");
  }
  const [open, close] = [priceAt(seed, number), priceAt(seed, number + 1)];
  const high = Math.max(open, close) * (1 + 0.04 * draw(seed, number, DRAW.high));
  const low = Math.min(open, close) * (1 - 0.04 * draw(seed, number, DRAW.low));
  const repaired = 1 + facts.version / 100;
  const quote = 10 ** (6 + 3 * draw(seed, number, DRAW.volume)) * repaired;
  const base = quote / ((open + close) / 2);
  const count = Math.ceil(quote / (100 + 2000 * draw(seed, number, DRAW.trade))) + facts.version;
  const taker = 0.45 + 0.1 * draw(seed, number, DRAW.taker);
  return [
    times[0],
    ...[open, high, low, close].map((price) => price.toFixed(decimals)),
    base.toFixed(3),
    times[1],
    quote.toFixed(5),
    String(count),
    (base * taker).toFixed(3),
    (quote * taker).toFixed(5),
    "0",
  ];
}

/** The numbers of a row. */
export function klineOf(fields: readonly string[]): Kline {
  const at = (index: number) => Number(fields[index]);
  return {
    openTime: at(0),
    open: at(1),
    high: at(2),
    low: at(3),
    close: at(4),
    volume: at(5),
    closeTime: at(6),
    quoteVolume: at(7),
    count: at(8),
    takerBuyVolume: at(9),
    takerBuyQuoteVolume: at(10),
  };
}

/** Whether the CSV of a day has a header: never to 2021-12, some in 2022-01 … 06, always after. */
export function hasHeader(symbol: string, day: Day): boolean {
  if (day < "2022-01-01") return false;
  return day > "2022-06-30" || draw(seedOf(symbol), dayNumber(day), DRAW.header) < 0.5;
}

/** The CSV of a day. */
export function klineCsv(symbol: string, day: Day, facts: KlineFacts): string {
  const row = klineFields(symbol, day, facts).join(",");
  return `${hasHeader(symbol, day) ? `${KLINE_HEADER}\n` : ""}${row}\n`;
}

/** The ZIP of a day: one deflated CSV, the same bytes whenever and wherever it is made. */
export function klineZip(
  symbol: string,
  day: Day,
  facts: KlineFacts & { readonly lastModified: string },
): Uint8Array<ArrayBuffer> {
  const csv = new TextEncoder().encode(klineCsv(symbol, day, facts));
  // ZIP holds local time: without its zone the instant reads the same everywhere.
  const mtime = new Date(facts.lastModified.slice(0, 19));
  return new Uint8Array(zipSync({ [`${symbol}-1d-${day}.csv`]: csv }, { level: 6, mtime }));
}

/** What a `.CHECKSUM` file holds: SHA-256, two spaces, file name, line feed. */
export function checksumLine(bytes: Uint8Array, fileName: string): string {
  return `${createHash("sha256").update(bytes).digest("hex")}  ${fileName}\n`;
}

/** The MD5 of bytes: what S3 gives as ETag. */
export function md5(bytes: Uint8Array | string): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** 0.001 to 100,000. */
function basePrice(seed: number): number {
  return 10 ** (8 * draw(seed, 0, DRAW.base) - 3);
}

/** The price when a day starts: a day closes where the next one opens. */
function priceAt(seed: number, number: number): number {
  const phase = 7 * draw(seed, 0, DRAW.phase);
  const waves = 0.8 * Math.sin(number / 190 + phase) + 0.25 * Math.sin(number / 37 + 2 * phase);
  return basePrice(seed) * Math.exp(waves + 0.03 * draw(seed, number, DRAW.noise));
}
