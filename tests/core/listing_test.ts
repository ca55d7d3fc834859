import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { addDays, type Day, parseDay } from "../../lib/core/day.ts";
import {
  type DayState,
  firstTraded,
  type Listing,
  stateOn,
  type StateRun,
  stateRuns,
} from "../../lib/core/listing.ts";
import { listing } from "../helpers/listing.ts";
import { dayNearListings, FIRST_DAY, modelledLife } from "../helpers/arbitraries.ts";

const AS_OF = parseDay("2024-12-31");

function ranges(...days: [string, string][]): [Day, Day][] {
  return days.map(([from, to]) => [parseDay(from), parseDay(to)]);
}

function run(from: string, to: string, state: StateRun["state"]): StateRun {
  return { from: parseDay(from), to: parseDay(to), state };
}

function assertStates(life: Listing, cases: [day: string, state: DayState][], asOf = AS_OF) {
  for (const [day, state] of cases) assertEquals(stateOn(life, parseDay(day), asOf), state, day);
}

/** Trades to the 20th, archived to the 31st; a halt and a gap before, a gap over the end. */
const EVENTFUL = listing("AAAUSDT#1", "2024-01-01", "2024-01-20", "2024-01-31", {
  gaps: ranges(["2024-01-05", "2024-01-05"], ["2024-01-19", "2024-01-22"]),
  halts: ranges(["2024-01-08", "2024-01-10"]),
});

Deno.test("`stateOn()` says traded from the first day while a listing trades", () => {
  assertStates(listing("AAAUSDT#1", "2024-01-10"), [
    ["2024-01-09", "unlisted"],
    ["2024-01-10", "traded"],
    ["2024-12-31", "traded"],
    ["2025-01-01", "pending"],
  ]);
});

Deno.test("`stateOn()` says archived after the last traded day", () => {
  assertStates(listing("AAAUSDT#1", "2024-01-10", "2024-02-01", "2024-03-01"), [
    ["2024-02-01", "traded"],
    ["2024-02-02", "archived"],
    ["2024-03-01", "archived"],
    ["2024-03-02", "unlisted"],
  ]);
});

Deno.test("`stateOn()` says archived to the end while files of an ended listing still appear", () => {
  assertStates(listing("AAAUSDT#1", "2024-01-10", "2024-02-01", null), [
    ["2024-02-01", "traded"],
    ["2024-02-02", "archived"],
    ["2024-12-31", "archived"],
    ["2025-01-01", "pending"],
  ]);
});

Deno.test("`stateOn()` says pending after the data's end, whatever the listing says", () => {
  const life = listing("AAAUSDT#1", "2024-01-10", "2024-02-01", "2024-03-01");
  assertStates(
    life,
    [["2024-01-31", "pending"], ["2024-02-01", "pending"]],
    parseDay("2024-01-30"),
  );
  assertStates(life, [["2025-01-01", "pending"]]);
});

Deno.test("`stateOn()` tells gaps from halts, and a gap wins over everything inside a listing", () => {
  assertStates(EVENTFUL, [
    ["2024-01-04", "traded"],
    ["2024-01-05", "missing"],
    ["2024-01-06", "traded"],
    ["2024-01-07", "traded"],
    ["2024-01-08", "archived"],
    ["2024-01-10", "archived"],
    ["2024-01-11", "traded"],
    ["2024-01-18", "traded"],
    ["2024-01-19", "missing"],
    ["2024-01-20", "missing"],
    ["2024-01-22", "missing"],
    ["2024-01-23", "archived"],
    ["2024-01-31", "archived"],
    ["2024-02-01", "unlisted"],
  ]);
});

Deno.test("`stateRuns()` cuts a life where its state changes", () => {
  assertEquals(stateRuns(EVENTFUL, AS_OF), [
    run("2024-01-01", "2024-01-04", "traded"),
    run("2024-01-05", "2024-01-05", "missing"),
    run("2024-01-06", "2024-01-07", "traded"),
    run("2024-01-08", "2024-01-10", "archived"),
    run("2024-01-11", "2024-01-18", "traded"),
    run("2024-01-19", "2024-01-22", "missing"),
    run("2024-01-23", "2024-01-31", "archived"),
  ]);
});

Deno.test("`stateRuns()` ends where the data ends", () => {
  assertEquals(stateRuns(EVENTFUL, parseDay("2024-01-09")).slice(2), [
    run("2024-01-06", "2024-01-07", "traded"),
    run("2024-01-08", "2024-01-09", "archived"),
  ]);
  assertEquals(stateRuns(listing("AAAUSDT#1", "2024-01-10"), parseDay("2024-01-10")), [
    run("2024-01-10", "2024-01-10", "traded"),
  ]);
});

Deno.test("`stateRuns()` of a listing that starts after the data's end is empty", () => {
  const later = listing("AAAUSDT#1", "2024-01-10");
  assertEquals(stateRuns(later, parseDay("2024-01-09")), []);
  assertEquals(firstTraded(later, parseDay("2024-01-09")), null);
  assertStates(later, [["2024-01-09", "unlisted"], ["2024-01-10", "pending"]], "2024-01-09" as Day);
});

Deno.test("`stateRuns()` joins neighbours in the same state", () => {
  const life = listing("AAAUSDT#1", "2024-01-01", "2024-01-10", "2024-01-20", {
    gaps: ranges(["2024-01-03", "2024-01-04"], ["2024-01-05", "2024-01-06"]),
    halts: ranges(["2024-01-09", "2024-01-10"]),
  });
  assertEquals(stateRuns(life, AS_OF), [
    run("2024-01-01", "2024-01-02", "traded"),
    run("2024-01-03", "2024-01-06", "missing"),
    run("2024-01-07", "2024-01-08", "traded"),
    run("2024-01-09", "2024-01-20", "archived"),
  ]);
});

Deno.test("a one-day gap is no delisting: the listing trades before and after it", () => {
  const life = listing("NMRUSDT#1", "2023-06-22", null, null, {
    gaps: ranges(["2023-11-09", "2023-11-09"]),
  });
  assertEquals(stateRuns(life, parseDay("2024-01-01")), [
    run("2023-06-22", "2023-11-08", "traded"),
    run("2023-11-09", "2023-11-09", "missing"),
    run("2023-11-10", "2024-01-01", "traded"),
  ]);
});

Deno.test("`firstTraded()` is the first file's day, unless the listing began with a halt or a gap", () => {
  const cases: [Partial<Listing>, string][] = [
    [{}, "2024-01-10"],
    [{ halts: ranges(["2024-01-10", "2024-01-12"]) }, "2024-01-13"],
    [{ gaps: ranges(["2024-01-10", "2024-01-10"]) }, "2024-01-11"],
    [{
      halts: ranges(["2024-01-10", "2024-01-11"]),
      gaps: ranges(["2024-01-12", "2024-01-14"]),
    }, "2024-01-15"],
    [{ halts: ranges(["2024-01-15", "2024-01-16"]) }, "2024-01-10"],
  ];
  for (const [more, expected] of cases) {
    const life = listing("AAAUSDT#1", "2024-01-10", null, null, more);
    assertEquals<string | null>(firstTraded(life, AS_OF), expected);
  }
});

Deno.test("`firstTraded()` of a listing that has been halted so far is null", () => {
  const halts = ranges(["2024-01-10", "2024-01-20"]);
  const life = listing("AAAUSDT#1", "2024-01-10", null, null, { halts });
  assertEquals(firstTraded(life, parseDay("2024-01-20")), null);
  assertEquals<string | null>(firstTraded(life, parseDay("2024-01-21")), "2024-01-21");
});

Deno.test("`stateOn()` gives back the states that a listing was made from", () => {
  fc.assert(fc.property(modelledLife(), ({ listing: life, states, after }) => {
    const asOf = addDays(FIRST_DAY, 400);
    const end = states.at(-1)![0];
    for (const [day, state] of states) assertEquals(stateOn(life, day, asOf), state, day);
    assertEquals(stateOn(life, addDays(life.first, -1), asOf), "unlisted");
    assertEquals(stateOn(life, addDays(end, 1), asOf), after);
  }));
});

Deno.test("`stateRuns()` covers first … end without holes or overlaps, as `stateOn()` says", () => {
  fc.assert(fc.property(modelledLife(), dayNearListings(), ({ listing: life }, asOf) => {
    const runs = stateRuns(life, asOf);
    const end = life.last === null || life.last > asOf ? asOf : life.last;
    let expected = life.first;
    runs.forEach(({ from, to, state }, i) => {
      assertEquals(from, expected);
      assertEquals(from <= to, true);
      assertEquals(state !== runs[i - 1]?.state, true, "neighbours differ");
      for (let day = from; day <= to; day = addDays(day, 1)) {
        assertEquals<DayState>(stateOn(life, day, asOf), state, day);
      }
      expected = addDays(to, 1);
    });
    if (life.first > end) assertEquals(runs, []);
    else assertEquals(expected, addDays(end, 1));
  }));
});
