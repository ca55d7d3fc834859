import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  addDays,
  dayFromNumber,
  dayNumber,
  dayOf,
  daysInRange,
  isDay,
  parseDay,
} from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { anyDay } from "../helpers/arbitraries.ts";

const NOT_IN_CALENDAR = ["2024-02-30", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10"];

const NOT_A_DAY = [
  "",
  " ",
  "2024-1-5",
  "15/01/2024",
  "20240115",
  "2024-01-15T00:00:00Z",
  " 2024-01-15",
  "2024-01-15\n",
  "+12024-01-15",
  "-2024-01-15",
  "٢٠٢٤-٠١-١٥",
  "2024-01-15' OR '1'='1",
  "2024-01-15; DROP TABLE listings",
  "../../etc/passwd",
  "latest",
  "NaN",
];

Deno.test("`parseDay()` reads days, the 29th of February among them", () => {
  for (const day of ["2024-02-29", "2000-02-29", "2019-12-31", "1970-01-01"]) {
    assertEquals<string>(parseDay(day), day);
  }
});

Deno.test("`parseDay()` reads the first and the last day that four digits can write", () => {
  for (const day of ["0000-01-01", "9999-12-31"]) assertEquals<string>(parseDay(day), day);
});

Deno.test("`parseDay()` says that a day is not in the calendar", () => {
  for (const text of [...NOT_IN_CALENDAR, "2024-01-00", "2024-01-32", "2024-04-31"]) {
    const error = assertThrows(() => parseDay(text), BfaError);
    assertEquals(error.code, "usage");
    assertEquals(
      error.message,
      `Cannot read the day "${text}": there is no such day in the calendar`,
    );
  }
});

Deno.test("`parseDay()` says how to write a day", () => {
  for (const text of NOT_A_DAY) {
    const error = assertThrows(() => parseDay(text), BfaError);
    assertEquals(error.code, "usage");
    assertStringIncludes(error.message, "write it as YYYY-MM-DD, for example 2024-01-15");
  }
});

Deno.test("`parseDay()` shows 40 characters of what it cannot read, escaped", () => {
  const error = assertThrows(() => parseDay("\u001b[31m" + "x".repeat(5000)), BfaError);
  assertStringIncludes(error.message, `"\\u001b[31m${"x".repeat(35)}":`);
  assertEquals(error.message.length < 140, true);
});

Deno.test("`isDay()` agrees with `parseDay()`", () => {
  for (const text of [...NOT_IN_CALENDAR, ...NOT_A_DAY]) assertEquals(isDay(text), false, text);
  assertEquals(isDay("2024-02-29"), true);
});

Deno.test("`addDays()` knows leap years", () => {
  const cases: [string, number, string][] = [
    ["2024-02-28", 1, "2024-02-29"],
    ["2024-02-28", 2, "2024-03-01"],
    ["2023-02-28", 1, "2023-03-01"],
    ["2000-02-28", 1, "2000-02-29"],
    ["1900-02-28", 1, "1900-03-01"],
    ["2024-03-01", -1, "2024-02-29"],
    ["2023-12-31", 1, "2024-01-01"],
    ["2023-12-31", 366, "2024-12-31"],
    ["2024-01-15", 0, "2024-01-15"],
  ];
  for (const [day, count, expected] of cases) {
    assertEquals<string>(addDays(parseDay(day), count), expected);
  }
});

Deno.test("`dayNumber()` counts from 1970-01-01", () => {
  const cases: [string, number][] = [
    ["1970-01-01", 0],
    ["1969-12-31", -1],
    ["2000-03-01", 11_017],
    ["2019-12-31", 18_261],
  ];
  for (const [day, number] of cases) assertEquals(dayNumber(parseDay(day)), number);
});

Deno.test("`daysInRange()` counts both ends", () => {
  const range = (from: string, to: string) => daysInRange([parseDay(from), parseDay(to)]);
  assertEquals(range("2024-01-15", "2024-01-15"), 1);
  assertEquals(range("2024-01-01", "2024-12-31"), 366);
  assertEquals(range("2023-01-01", "2023-12-31"), 365);
});

Deno.test("`dayOf()` gives the UTC day, whatever the zone of the text", () => {
  assertEquals<string>(dayOf(new Date("2024-01-15T23:59:59.999Z")), "2024-01-15");
  assertEquals<string>(dayOf(new Date("2024-01-15T23:30:00-02:00")), "2024-01-16");
});

Deno.test("a day survives the way to its number and back", () => {
  fc.assert(fc.property(anyDay(), (day) => {
    assertEquals(dayFromNumber(dayNumber(day)), day);
    assertEquals(parseDay(day), day);
  }));
});

Deno.test("days compare as texts the way their numbers do", () => {
  fc.assert(fc.property(anyDay(), anyDay(), (a, b) => {
    assertEquals(a < b, dayNumber(a) < dayNumber(b));
  }));
});

Deno.test("`isDay()` and `dayNumber()` agree with the calendar of `Date`", () => {
  const field = (max: number) => fc.integer({ min: 0, max });
  fc.assert(
    fc.property(field(9999), field(13), field(32), (year, month, date) => {
      const pad = (n: number, length: number) => String(n).padStart(length, "0");
      const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(date, 2)}`;
      const time = Date.parse(`${text}T00:00:00Z`);
      // `Date` rolls 30 February over: then it does not give the same text back.
      const exists = !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
      assertEquals(isDay(text), exists, text);
      if (isDay(text)) assertEquals(dayNumber(text), time / 86_400_000, text);
    }),
    { numRuns: 2000 },
  );
});
