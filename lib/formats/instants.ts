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
 * A day or an instant as a date.
 *
 * @throws {BfaError} `not_acceptable` for what SQL knows besides: `infinity`, years before Christ and after
 *   9999. `Date` would take some of them for other days.
 */
export function dateOf(cell: NonNullable<Cell>): Date {
  const text = String(cell);
  if (PLAIN.test(text)) return new Date(text);
  throw new BfaError(
    "not_acceptable",
    `Cannot write ${
      JSON.stringify(text.slice(0, 40))
    } in this format: ask for JSON or CSV, or cast it to VARCHAR`,
  );
}
