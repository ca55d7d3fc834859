/**
 * Whole files hold all days of a table in one file, so each is another file with every new day. A publisher
 * may let them end on the last day of a settled week or month: then they stay as they are until the next
 * one, and the days after are in `parts/` and `recent/`. How far they go follows from the data alone.
 *
 * @module
 */

import { addDays, type Day, dayNumber, type DayRange } from "./day.ts";
import { LATE_DAYS } from "./derive_listings.ts";
import { BfaError } from "./errors.ts";
import type { Listing } from "./listing.ts";

/** How often whole files are built anew. */
const WHOLE_FILES = ["daily", "weekly", "monthly"] as const;

/** How often whole files are built anew. */
export type WholeFiles = typeof WHOLE_FILES[number];

/**
 * From here on a day's rows hardly ever change: whether a listing goes on is known. What still changes them is a file at
 * the source, and a symbol whose trading or files resume later: then the files of that day's build are others.
 */
export const SETTLED_AFTER_DAYS = LATE_DAYS + 1;

/** Reads a setting; `daily` when left out. */
export function readWholeFiles(text: string | undefined): WholeFiles {
  const found = text === undefined ? "daily" : WHOLE_FILES.find((every) => every === text);
  if (found) return found;
  throw new BfaError(
    "usage",
    `Cannot use --whole-files ${JSON.stringify(text?.slice(0, 40))}: give ${
      WHOLE_FILES.join(", ")
    }`,
  );
}

/**
 * The last day of the whole files of a version: the newest Sunday, or the newest last day of a month, that
 * has settled.
 *
 * @param firstDay The first day of the data: before any of it has settled, whole files have all of it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDay } from "./day.ts";
 * import { wholeThrough } from "./whole_files.ts";
 * assertEquals(wholeThrough(parseDay("2026-11-21"), "monthly"), "2026-10-31");
 * assertEquals(wholeThrough(parseDay("2026-11-21"), "weekly"), "2026-11-08");
 * assertEquals(wholeThrough(parseDay("2026-11-21"), "daily"), "2026-11-21");
 * ```
 */
export function wholeThrough(dataThrough: Day, every: WholeFiles, firstDay?: Day): Day {
  if (every === "daily") return dataThrough;
  const settled = addDays(dataThrough, -SETTLED_AFTER_DAYS);
  const through = every === "weekly"
    ? addDays(settled, -((dayNumber(settled) + 4) % 7)) // day 0 was a Thursday
    : addDays(`${addDays(settled, 1).slice(0, 7)}-01` as Day, -1);
  return firstDay !== undefined && through < firstDay ? dataThrough : through;
}

/** The listings as far as a day: what begins later is left out, what ends later goes on. */
export function listingsThrough(listings: readonly Listing[], day: Day): Listing[] {
  const known = (end: Day | null) => end !== null && end <= day ? end : null;
  const cut = (ranges: readonly DayRange[]) =>
    ranges.filter(([from]) => from <= day)
      .map(([from, to]): DayRange => [from, to <= day ? to : day]);
  return listings.filter(({ first }) => first <= day).map((listing) => ({
    ...listing,
    lastTraded: known(listing.lastTraded),
    last: known(listing.last),
    gaps: cut(listing.gaps),
    halts: cut(listing.halts),
  }));
}
