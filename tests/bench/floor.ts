/**
 * How few bytes rows of `daily_availability` can take at all: what `remote.ts` compares its questions with.
 *
 * @module
 */

import { constants, zstdCompressSync } from "node:zlib";
import type { AvailabilityRow } from "../../lib/mod.ts";

/** Bytes of the values of some rows, without headers, indexes and manifest. */
export interface Floor {
  /** As they are stored: doubles and integers plainly, zstd, level 3. */
  readonly stored: number;
  /** The same at level 19. */
  readonly level19: number;
  /** Every number an integer, each column packed by the best of: bits, bytes of one weight together, differences. */
  readonly integers: number;
  /** As few bits as integers like these can have, volumes told by the price and by each other. */
  readonly information: number;
}

/** Measures rows that have all columns. */
export function floorOf(rows: readonly AvailabilityRow[]): Floor {
  const columns = Object.keys(rows[0]!) as (keyof AvailabilityRow)[];
  const sum = { stored: 0, level19: 0, integers: 0, information: 0 };
  const texts = (name: keyof AvailabilityRow) => rows.map((row) => row[name] ?? null);
  for (const name of columns) {
    const values = texts(name);
    if (name === "lastModified") {
      const seconds = values.map((text) => Math.round(Date.parse(String(text)) / 1000));
      addNumbers(sum, seconds, seconds);
    } else if (values.some((value) => typeof value === "number")) {
      const numbers = values.filter((value) => value !== null) as number[];
      const told = FROM_OTHERS[name]?.(rows);
      addNumbers(sum, numbers, told ?? scaled(numbers));
    } else {
      const bytes = new TextEncoder().encode(values.join("\n"));
      const best = packed(bytes, 19);
      sum.stored += packed(bytes, 3);
      for (const kind of ["level19", "integers", "information"] as const) sum[kind] += best;
    }
  }
  return sum;
}

/** What is left of a volume once others have told how large it must be about. */
const FROM_OTHERS: Partial<
  Record<keyof AvailabilityRow, (rows: readonly AvailabilityRow[]) => number[]>
> = {
  quoteVolumeUsdt: (rows) =>
    rows.filter((row) => row.quoteVolumeUsdt !== null).map((row) =>
      Math.round(
        (row.quoteVolumeUsdt! - row.volumeBase! * (row.highPrice! + row.lowPrice!) / 2) * 1e5,
      )
    ),
  takerBuyQuoteVolumeUsdt: (rows) =>
    rows.filter((row) => row.quoteVolumeUsdt !== null).map((row) => {
      const price = row.volumeBase ? row.quoteVolumeUsdt! / row.volumeBase : 0;
      return Math.round((row.takerBuyQuoteVolumeUsdt! - row.takerBuyVolumeBase! * price) * 1e5);
    }),
};

function addNumbers(
  sum: { -readonly [K in keyof Floor]: Floor[K] },
  numbers: readonly number[],
  told: readonly number[],
): void {
  const plain = new Uint8Array(Float64Array.from(numbers).buffer);
  const whole = scaled(numbers);
  const differences = whole.map((value, i) => value - (whole[i - 1] ?? value));
  const best = Math.min(
    packed(byWeight(whole), 19),
    packed(byWeight(differences), 19),
    inBits(whole),
    inBits(differences),
  );
  sum.stored += packed(plain, 3);
  sum.level19 += packed(plain, 19);
  sum.integers += best;
  sum.information += Math.min(best, information(told), information(differences));
}

/** Numbers as integers: all times the same power of ten. */
function scaled(numbers: readonly number[]): number[] {
  for (let digits = 0; digits <= 9; digits++) {
    const factor = 10 ** digits;
    const whole = numbers.map((number) => Math.round(number * factor));
    if (whole.every((value, i) => value / factor === numbers[i])) return whole;
  }
  throw new RangeError("a number has more than 9 digits after the point");
}

function packed(bytes: Uint8Array, level: number): number {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } }).length;
}

/** The lowest bytes of all integers, then the next ones. */
function byWeight(whole: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(BigInt64Array.from(whole, BigInt).buffer);
  return bytes.map((_, i) => bytes[(i % whole.length) * 8 + Math.floor(i / whole.length)]!);
}

function inBits(whole: readonly number[]): number {
  const least = whole.reduce((a, b) => Math.min(a, b));
  const most = whole.reduce((a, b) => Math.max(a, b));
  return Math.ceil(whole.length * Math.log2(most - least + 1) / 8);
}

/** The entropy of how many bits an integer has, and those bits below the first, which tell all they can; a sign. */
function information(whole: readonly number[]): number {
  const lengths = whole.map((value) =>
    value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1
  );
  const counts = new Map<number, number>();
  for (const length of lengths) counts.set(length, (counts.get(length) ?? 0) + 1);
  const signed = whole.some((value) => value < 0) ? 1 : 0;
  let bits = 0;
  for (const [length, count] of counts) {
    bits += count *
      (Math.max(0, length - 1) + (length ? signed : 0) - Math.log2(count / whole.length));
  }
  return Math.ceil(bits / 8);
}
