/**
 * Days: UTC calendar dates written `YYYY-MM-DD`. Ranges are inclusive at both ends.
 *
 * @module
 */

import { BfaError } from "./errors.ts";

/** A UTC calendar date, `YYYY-MM-DD`. Days compare as strings. */
export type Day = string & { readonly __day: never };

/** Days since 1970-01-01: the form used for arithmetic. */
export type DayNumber = number;

/** A range of days, inclusive at both ends. */
export type DayRange = readonly [from: Day, to: Day];

const DAY_MS = 86_400_000;
const SHAPE = /^\d{4}-\d{2}-\d{2}$/;

/** Whether a text is a day that exists in the calendar. */
export function isDay(text: string): text is Day {
  if (!SHAPE.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/**
 * Reads a day.
 *
 * @throws {BfaError} `usage` when the text is not a UTC calendar date.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseDay } from "./day.ts";
 * assertEquals(parseDay("2024-02-29"), "2024-02-29");
 * assertThrows(() => parseDay("2024-02-30"), Error, "no such day");
 * ```
 */
export function parseDay(text: string): Day {
  if (isDay(text)) return text;
  const shown = JSON.stringify(text.slice(0, 40));
  throw new BfaError(
    "usage",
    SHAPE.test(text)
      ? `Cannot read the day ${shown}: there is no such day in the calendar`
      : `Cannot read the day ${shown}: write it as YYYY-MM-DD, for example 2024-01-15`,
  );
}

/** The number of a day: days since 1970-01-01. */
export function dayNumber(day: Day): DayNumber {
  return Date.parse(`${day}T00:00:00Z`) / DAY_MS;
}

/** The day with a number. */
export function dayFromNumber(number: DayNumber): Day {
  return new Date(number * DAY_MS).toISOString().slice(0, 10) as Day;
}

/** The UTC day of an instant. */
export function dayOf(instant: Date): Day {
  return instant.toISOString().slice(0, 10) as Day;
}

/** The day `count` days later (earlier when negative). */
export function addDays(day: Day, count: number): Day {
  return dayFromNumber(dayNumber(day) + count);
}

/** How many days a range holds, both ends counted. */
export function daysInRange([from, to]: DayRange): number {
  return dayNumber(to) - dayNumber(from) + 1;
}
