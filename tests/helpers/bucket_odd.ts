/** Keys that a collector does not expect. @module */

import { addDays, type Day } from "../../lib/core/day.ts";

/** What all keys start with. */
export const KLINES_ROOT = "data/futures/um/daily/klines/";

/** A key that nobody expects. One that is equal to a generated key replaces it. */
export interface OddKey {
  /** The whole key. */
  readonly key: string;
  readonly size: number;
  /** ISO, UTC; the key is visible from then on. */
  readonly lastModified: string;
}

/**
 * Keys that a collector must set aside: wrong names, another symbol's file, days that do not exist or
 * have not been, an empty file, a path that climbs out, a name that XML must escape, a stray file.
 * The empty file stands in place of the symbol's own on that day; `expectedRows()` tells of the good one.
 */
export function quarantineKeys(symbol: string, day: Day, lastModified: string): OddKey[] {
  const own = `${symbol}/1m/${symbol}-1m-`;
  const next = addDays(day, 400);
  const keys = [`${own}${day}.zip.tmp`, `${own}2024-02-30.zip`, `${own}2024-1-5.zip`]
    .concat(
      `${symbol}/1m/OTHERUSDT-1m-${day}.zip`,
      `${own}${next}.zip`,
      `../x/1m/../x-1m-${day}.zip`,
    )
    .concat(
      `A<&>"USDT/1m/A<&>"USDT-1m-${day}.zip`,
      `A B+C%41USDT/1m/x-1m-${day}.zip`,
      "index.html",
    );
  return [
    ...keys.map((key) => ({ key: KLINES_ROOT + key, size: 40_000, lastModified })),
    { key: `${KLINES_ROOT}${own}${day}.zip`, size: 0, lastModified },
  ];
}
