/**
 * Days and instants for the formats that hold them as numbers.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { Cell } from "../core/table.ts";

/** A day or an instant of the years 0000 to 9999, as cells have it. */
const PLAIN = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?$/;

/**
 * A day as a date.
 *
 * @throws {BfaError} `not_acceptable` for what SQL knows besides: `infinity`, years before Christ and after
 *   9999. `Date` would take some of them for other days.
 */
export function dateOf(cell: NonNullable<Cell>): Date {
  return new Date(plain(cell));
}

/**
 * An instant as microseconds since 1970, as DuckDB has them; nanoseconds are cut off.
 *
 * @throws {BfaError} As {@linkcode dateOf}.
 */
export function microsecondsOf(cell: NonNullable<Cell>): bigint {
  const [seconds, fraction = ""] = plain(cell).slice(0, -1).split(".");
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

function plain(cell: NonNullable<Cell>): string {
  const text = String(cell);
  if (PLAIN.test(text)) return text;
  throw new BfaError(
    "not_acceptable",
    `Cannot write ${
      JSON.stringify(text.slice(0, 40))
    } in this format: ask for JSON or CSV, or cast it to VARCHAR`,
  );
}
