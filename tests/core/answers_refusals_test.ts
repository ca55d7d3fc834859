import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  delistings,
  knownDay,
  knownRange,
  newListings,
  range,
  type RangeQuestion,
  readStates,
  snapshot,
  type Source,
  summary,
  timeline,
} from "../../lib/core/answers.ts";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError, NotFoundError } from "../../lib/core/errors.ts";
import { listing } from "../helpers/listing.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";

const SOURCE: Source = {
  version: "2024-03-10.1",
  index: new ListingIndex({
    dataThrough: parseDay("2024-03-10"),
    listings: [
      listing("BTCUSDC#1", "2024-01-02"),
      listing("BTCUSDT#1", "2024-01-01"),
      listing("ETHUSDT#1", "2024-01-01"),
    ],
  }),
};
const { index } = SOURCE;

Deno.test("`knownDay()` takes the first and the last day, and `latest`", () => {
  assertEquals<string>(knownDay(index, "2024-01-01"), "2024-01-01");
  assertEquals<string>(knownDay(index, "2024-03-10"), "2024-03-10");
  assertEquals<string>(knownDay(index, "latest"), "2024-03-10");
});

Deno.test("`knownDay()` does not find days outside the data, and suggests the nearest", () => {
  for (const text of ["2023-12-31", "0000-01-01"]) {
    const error = assertThrows(() => knownDay(index, text), NotFoundError);
    assertEquals(error.code, "not_found");
    assertEquals(error.message, `no data for ${text}: the archive starts on 2024-01-01`);
    assertEquals(error.suggestions, ["2024-01-01"]);
  }
  for (const text of ["2024-03-11", "9999-12-31"]) {
    const error = assertThrows(() => knownDay(index, text), NotFoundError);
    assertStringIncludes(error.message, "this version ends on 2024-03-10; `latest` is that day");
    assertEquals(error.suggestions, ["2024-03-10"]);
  }
});

Deno.test("`knownDay()` refuses what is no day", () => {
  for (const text of ["", "Latest", "today", "2024-02-30", "15/01/2024"]) {
    assertEquals(assertThrows(() => knownDay(index, text), BfaError).code, "usage");
  }
  for (const value of [undefined, null, 5, new Date(0)]) { // from a program without types
    const error = assertThrows(() => knownDay(index, value as unknown as string), BfaError);
    assertEquals(error.code, "usage");
    assertStringIncludes(
      error.message,
      `Cannot read the day ${JSON.stringify(String(value).slice(0, 40))}`,
    );
  }
});

Deno.test("`knownRange()` takes one end for both", () => {
  const cases: [RangeQuestion, [string, string]][] = [
    [{ from: "2024-01-05", to: "2024-01-07" }, ["2024-01-05", "2024-01-07"]],
    [{ from: "2024-01-05" }, ["2024-01-05", "2024-01-05"]],
    [{ to: "2024-01-05" }, ["2024-01-05", "2024-01-05"]],
    [{ from: "2024-03-09", to: "latest" }, ["2024-03-09", "2024-03-10"]],
    [{ from: "latest" }, ["2024-03-10", "2024-03-10"]],
  ];
  for (const [question, expected] of cases) {
    assertEquals<readonly string[]>(knownRange(index, question), expected);
  }
});

Deno.test("every question about a range refuses it reversed, empty or outside the data", () => {
  const cases: [RangeQuestion, string, string][] = [
    [{}, "usage", "give from and to, or one of them"],
    [
      { from: "2024-02-01", to: "2024-01-31" },
      "usage",
      "2024-02-01 … 2024-01-31: it ends before it begins",
    ],
    [{ from: "latest", to: "2024-03-09" }, "usage", "it ends before it begins"],
    [{ from: "2024-02-30", to: "latest" }, "usage", "no such day"],
    [{ from: "2023-12-31", to: "latest" }, "not_found", "the archive starts on 2024-01-01"],
    [{ from: "2024-01-01", to: "2024-03-11" }, "not_found", "this version ends on 2024-03-10"],
  ];
  for (const ask of [range, newListings, delistings, summary]) {
    for (const [question, code, text] of cases) {
      const error = assertThrows(() => ask(SOURCE, question), BfaError);
      assertEquals(error.code, code);
      assertStringIncludes(error.message, text);
    }
  }
});

Deno.test("`timeline()` with detail refuses the same ranges", () => {
  const ask = (question: RangeQuestion) =>
    assertThrows(() => timeline(SOURCE, "BTCUSDT", { ...question, detail: true }), BfaError).code;
  assertEquals(ask({ from: "2024-02-01", to: "2024-01-31" }), "usage");
  assertEquals(ask({ from: "2023-12-31" }), "not_found");
  assertEquals(ask({ to: "2024-03-11" }), "not_found");
});

Deno.test("`readStates()` sorts states and drops repeats", () => {
  assertEquals(readStates(undefined), ["traded"]);
  assertEquals(readStates([]), ["traded"]);
  assertEquals(readStates(["missing", "traded", "missing"]), ["traded", "missing"]);
  assertEquals(readStates(["archived"]), ["archived"]);
});

Deno.test("`snapshot()` and `range()` refuse states that no row has", () => {
  for (const state of ["", "Traded", "pending", "unlisted", "toString", "x".repeat(1000)]) {
    for (
      const ask of [
        () => snapshot(SOURCE, "latest", { states: ["traded", state] }),
        () => range(SOURCE, { from: "latest" }, { states: [state] }),
      ]
    ) {
      const error = assertThrows(ask, BfaError);
      assertEquals(error.code, "usage");
      assertEquals(
        error.message,
        `Cannot use the state "${state.slice(0, 40)}": choose among traded, archived, missing`,
      );
    }
  }
});

Deno.test("`timeline()` suggests the nearest symbols", () => {
  const cases: [string, string, string[]][] = [
    ["BTCUSD", "no symbol BTCUSD; did you mean BTCUSDT or BTCUSDC?", ["BTCUSDT", "BTCUSDC"]],
    ["ETHUSDTX", "no symbol ETHUSDTX; did you mean ETHUSDT?", ["ETHUSDT"]],
    ["QQQQQQQQQQQ", "no symbol QQQQQQQQQQQ", []],
    ["", 'no symbol ""', []],
    ["a\u001b[31m\nb", "no symbol a\ufffd[31m\ufffdb", []],
    ["__proto__", "no symbol __proto__", []],
  ];
  for (const [symbol, message, suggestions] of cases) {
    const error = assertThrows(() => timeline(SOURCE, symbol), NotFoundError);
    assertEquals(error.message, message);
    assertEquals(error.suggestions, suggestions);
  }
});

Deno.test("`timeline()` shows 60 characters of a name that is too long", () => {
  const error = assertThrows(() => timeline(SOURCE, "x".repeat(100_000)), NotFoundError);
  assertEquals(error.message, `no symbol ${"x".repeat(60)}…`);
});

Deno.test("an index without listings knows one day, on which nothing existed", () => {
  const dataThrough = parseDay("2024-03-10");
  const empty: Source = { version: "x", index: new ListingIndex({ dataThrough, listings: [] }) };
  assertEquals(snapshot(empty, "latest").symbols, []);
  assertEquals(summary(empty, { from: "latest" }).rows, [
    { date: dataThrough, traded: 0, archived: 0, missing: 0 },
  ]);
  assertThrows(() => snapshot(empty, "2024-03-09"), NotFoundError);
});
