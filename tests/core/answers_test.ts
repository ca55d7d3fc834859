import { assertEquals } from "@std/assert";
import {
  delistings,
  newListings,
  range,
  type RangeQuestion,
  snapshot,
  type Source,
  summary,
  symbols,
  timeline,
} from "../../lib/core/answers.ts";
import { parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";

const PERPETUAL = { contractType: "perpetual", quoteAsset: "USDT" } as const;

/** Four symbols, January to March 2024: one trades on, one comes back, one ends, one is to come. */
const SOURCE: Source = {
  version: "2024-03-10.1",
  index: new ListingIndex({
    dataThrough: parseDay("2024-03-10"),
    listings: [
      listing("AAAUSDT#1", "2024-01-01", null, null, {
        ...PERPETUAL,
        gaps: [[parseDay("2024-01-06"), parseDay("2024-01-06")]],
      }),
      listing("BBBUSDT#1", "2024-01-02", "2024-01-04", "2024-01-06", PERPETUAL),
      listing("BBBUSDT#2", "2024-03-01", null, null, {
        ...PERPETUAL,
        halts: [[parseDay("2024-03-01"), parseDay("2024-03-02")]],
      }),
      listing("CCCUSDT_240105#1", "2024-01-01", "2024-01-05", "2024-01-05", {
        contractType: "delivery",
        quoteAsset: "USDT",
      }),
      listing("DDDUSDT#1", "2024-03-11"),
    ],
  }),
};
const VERSION = "2024-03-10.1";
const day = parseDay;

Deno.test("`snapshot()` lists what traded on a day", () => {
  assertEquals(snapshot(SOURCE, "2024-01-04"), {
    version: VERSION,
    date: day("2024-01-04"),
    states: ["traded"],
    count: 3,
    symbols: ["AAAUSDT", "BBBUSDT", "CCCUSDT_240105"],
  });
});

Deno.test("`snapshot()` lists other states when asked, in symbol order", () => {
  const on = (date: string, ...states: string[]) => snapshot(SOURCE, date, { states }).symbols;
  assertEquals(on("2024-01-05"), ["AAAUSDT", "CCCUSDT_240105"]);
  assertEquals(on("2024-01-05", "archived"), ["BBBUSDT"]);
  assertEquals(on("2024-01-05", "archived", "traded"), ["AAAUSDT", "BBBUSDT", "CCCUSDT_240105"]);
  assertEquals(on("2024-01-06", "missing"), ["AAAUSDT"]);
  assertEquals(on("2024-01-06"), []);
  assertEquals(on("2024-01-07", "archived"), []);
  assertEquals(on("2024-03-02", "archived"), ["BBBUSDT"]);
});

Deno.test("`snapshot()` of `latest` is the last day the data knows", () => {
  assertEquals(snapshot(SOURCE, "latest", { detail: true }), {
    version: VERSION,
    date: day("2024-03-10"),
    states: ["traded"],
    count: 2,
    symbols: ["AAAUSDT", "BBBUSDT"],
    rows: [
      {
        symbol: "AAAUSDT",
        state: "traded",
        listing: "AAAUSDT#1",
        ...PERPETUAL,
        first: day("2024-01-01"),
        lastTraded: null,
        last: null,
      },
      {
        symbol: "BBBUSDT",
        state: "traded",
        listing: "BBBUSDT#2",
        ...PERPETUAL,
        first: day("2024-03-01"),
        lastTraded: null,
        last: null,
      },
    ],
  });
});

Deno.test("`timeline()` of a relisted symbol has two listings, and days of both", () => {
  assertEquals(timeline(SOURCE, "BBBUSDT"), {
    version: VERSION,
    symbol: "BBBUSDT",
    listings: [
      {
        id: "BBBUSDT#1",
        ...PERPETUAL,
        first: day("2024-01-02"),
        lastTraded: day("2024-01-04"),
        last: day("2024-01-06"),
        gaps: [],
        halts: [],
      },
      {
        id: "BBBUSDT#2",
        ...PERPETUAL,
        first: day("2024-03-01"),
        lastTraded: null,
        last: null,
        gaps: [],
        halts: [[day("2024-03-01"), day("2024-03-02")]],
      },
    ],
    days: { traded: 11, archived: 4, missing: 0 },
  });
});

Deno.test("`timeline()` with detail has one row per day, unlisted ones between two lives", () => {
  const question = { from: "2024-01-04", to: "2024-01-07", detail: true };
  const answer = timeline(SOURCE, "bbbusdt", question);
  assertEquals([answer.symbol, answer.from, answer.to], ["BBBUSDT", "2024-01-04", "2024-01-07"]);
  assertEquals(answer.rows, [
    { date: day("2024-01-04"), state: "traded", listing: "BBBUSDT#1" },
    { date: day("2024-01-05"), state: "archived", listing: "BBBUSDT#1" },
    { date: day("2024-01-06"), state: "archived", listing: "BBBUSDT#1" },
    { date: day("2024-01-07"), state: "unlisted", listing: null },
  ]);
});

Deno.test("`timeline()` with detail covers the symbol's own days unless told which", () => {
  const days = (symbol: string, question: RangeQuestion = {}): unknown[] => {
    const { from, to, rows } = timeline(SOURCE, symbol, { ...question, detail: true });
    return [from, to, rows!.length];
  };
  assertEquals(days("CCCUSDT_240105"), ["2024-01-01", "2024-01-05", 5]);
  assertEquals(days("BBBUSDT"), ["2024-01-02", "2024-03-10", 69]);
  assertEquals(days("CCCUSDT_240105", { from: "2024-01-04" }), ["2024-01-04", "2024-03-10", 67]);
  assertEquals(days("CCCUSDT_240105", { to: "2024-01-04" }), ["2024-01-01", "2024-01-04", 4]);
});

Deno.test("`timeline()` of a symbol that is to come has no day in any state", () => {
  const { days, rows } = timeline(SOURCE, "DDDUSDT", { detail: true });
  assertEquals(days, { traded: 0, archived: 0, missing: 0 });
  assertEquals(rows, [{ date: day("2024-03-10"), state: "unlisted", listing: null }]);
});

Deno.test("`range()` lists each symbol once that was in a state on any of the days", () => {
  assertEquals(range(SOURCE, { from: "2024-01-05", to: "2024-03-03" }), {
    version: VERSION,
    from: day("2024-01-05"),
    to: day("2024-03-03"),
    states: ["traded"],
    count: 3,
    symbols: ["AAAUSDT", "BBBUSDT", "CCCUSDT_240105"],
  });
  const within = (from: string, to: string, ...states: string[]) =>
    range(SOURCE, { from, to }, { states }).symbols;
  assertEquals(within("2024-01-05", "2024-03-02"), ["AAAUSDT", "CCCUSDT_240105"]);
  assertEquals(within("2024-01-06", "2024-01-06", "missing"), ["AAAUSDT"]);
  assertEquals(within("2024-01-07", "2024-03-01", "archived"), ["BBBUSDT"]);
  assertEquals(within("2024-01-07", "2024-02-29", "archived", "missing"), []);
});

Deno.test("`newListings()` dates a listing by its first traded day and knows a relisting", () => {
  assertEquals(newListings(SOURCE, { from: "2024-01-01", to: "latest" }), {
    version: VERSION,
    from: day("2024-01-01"),
    to: day("2024-03-10"),
    count: 4,
    events: [
      event("2024-01-01", "AAAUSDT", "AAAUSDT#1", { relisting: false }),
      {
        ...event("2024-01-01", "CCCUSDT_240105", "CCCUSDT_240105#1", { relisting: false }),
        contractType: "delivery",
      },
      event("2024-01-02", "BBBUSDT", "BBBUSDT#1", { relisting: false }),
      event("2024-03-03", "BBBUSDT", "BBBUSDT#2", { relisting: true }),
    ],
  });
  assertEquals(newListings(SOURCE, { from: "2024-03-01", to: "2024-03-02" }).events, []);
});

Deno.test("`delistings()` dates a delisting by the day after the last traded one", () => {
  assertEquals(delistings(SOURCE, { from: "2024-01-05", to: "2024-01-06" }), {
    version: VERSION,
    from: day("2024-01-05"),
    to: day("2024-01-06"),
    count: 2,
    events: [
      event("2024-01-05", "BBBUSDT", "BBBUSDT#1", { lastTraded: day("2024-01-04") }),
      {
        ...event("2024-01-06", "CCCUSDT_240105", "CCCUSDT_240105#1", {
          lastTraded: day("2024-01-05"),
        }),
        contractType: "delivery",
      },
    ],
  });
  assertEquals(delistings(SOURCE, { from: "2024-01-04" }).events, []);
  assertEquals(delistings(SOURCE, { from: "2024-01-07", to: "latest" }).events, []);
});

Deno.test("`summary()` counts listings per state, one row a day", () => {
  assertEquals(summary(SOURCE, { from: "2024-01-04", to: "2024-01-07" }), {
    version: VERSION,
    from: day("2024-01-04"),
    to: day("2024-01-07"),
    count: 4,
    rows: [
      { date: day("2024-01-04"), traded: 3, archived: 0, missing: 0 },
      { date: day("2024-01-05"), traded: 2, archived: 1, missing: 0 },
      { date: day("2024-01-06"), traded: 0, archived: 1, missing: 1 },
      { date: day("2024-01-07"), traded: 1, archived: 0, missing: 0 },
    ],
  });
});

Deno.test("`symbols()` lists every symbol once; its newest life says how it stands", () => {
  const names = ["AAAUSDT", "BBBUSDT", "CCCUSDT_240105", "DDDUSDT"];
  assertEquals(symbols(SOURCE), { version: VERSION, count: 4, symbols: names });
  const { rows } = symbols(SOURCE, { detail: true });
  assertEquals(
    rows!.map((row) => [row.symbol, row.listings, row.first, row.lastTraded, row.last]),
    [
      ["AAAUSDT", 1, "2024-01-01", null, null],
      ["BBBUSDT", 2, "2024-01-02", null, null],
      ["CCCUSDT_240105", 1, "2024-01-01", "2024-01-05", "2024-01-05"],
      ["DDDUSDT", 1, "2024-03-11", null, null],
    ],
  );
});

function event<More>(date: string, symbol: string, id: string, more: More) {
  return { date: day(date), symbol, listing: id, ...PERPETUAL, ...more };
}
