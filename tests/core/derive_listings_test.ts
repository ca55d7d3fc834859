import { assertEquals } from "@std/assert";
import { addDays, type Day } from "../../lib/core/day.ts";
import { deriveListings, type EvidenceRun, settledBase } from "../../lib/core/derive_listings.ts";
import { firstTraded, stateOn } from "../../lib/core/listing.ts";

const THROUGH = "2026-06-30" as Day;

/** `+` traded, `-` a file without trades; days without a file stand between the ranges. */
function runs(symbol: string, ...ranges: string[]): EvidenceRun[] {
  return ranges.map((range) => {
    const [from, to] = range.slice(1).split("/") as [Day, Day | undefined];
    return { symbol, from, to: to ?? from, traded: range.startsWith("+") };
  });
}

function lives(all: EvidenceRun[], dataThrough = THROUGH) {
  return deriveListings(all, { dataThrough }).map((l) => [l.id, l.first, l.lastTraded, l.last]);
}

/**
 * The twelve symbols that are known to have been relisted, or whose ticker was reused, with the days
 * that the monthly archive and the exchange's onboard dates give. (For ETHBTC only the first file and
 * the onboard date are known; the days between are assumed to have no files.)
 */
const RELISTED: readonly [symbol: string, ranges: string[], lives: (string | null)[][]][] = [
  ["AIAUSDT", ["+2025-09-18/2025-12-11", "-2025-12-12/2026-01-19", "+2026-01-20/2026-06-30"], [
    ["AIAUSDT#1", "2025-09-18", "2025-12-11", "2026-01-19"],
    ["AIAUSDT#2", "2026-01-20", null, null],
  ]],
  ["BNXUSDT", ["+2022-04-01/2023-01-31", "+2023-02-22/2025-03-17", "-2025-03-18/2026-06-30"], [
    ["BNXUSDT#1", "2022-04-01", "2023-01-31", "2023-01-31"],
    ["BNXUSDT#2", "2023-02-22", "2025-03-17", null],
  ]],
  ["CTKUSDT", ["+2020-11-19/2024-04-01", "-2024-04-02/2025-04-29", "+2025-04-30/2026-06-30"], [
    ["CTKUSDT#1", "2020-11-19", "2024-04-01", "2025-04-29"],
    ["CTKUSDT#2", "2025-04-30", null, null],
  ]],
  ["CVCUSDT", ["+2020-11-11/2022-11-29", "-2022-11-30/2025-05-15", "+2025-05-16/2026-06-30"], [
    ["CVCUSDT#1", "2020-11-11", "2022-11-29", "2025-05-15"],
    ["CVCUSDT#2", "2025-05-16", null, null],
  ]],
  ["CVXUSDT", ["+2022-09-22/2024-05-14", "-2024-05-15/2025-07-22", "+2025-07-23/2026-06-30"], [
    ["CVXUSDT#1", "2022-09-22", "2024-05-14", "2025-07-22"],
    ["CVXUSDT#2", "2025-07-23", null, null],
  ]],
  ["ETHBTC", ["+2023-04-26/2023-04-27", "+2023-05-25/2026-06-30"], [
    ["ETHBTC#1", "2023-04-26", "2023-04-27", "2023-04-27"],
    ["ETHBTC#2", "2023-05-25", null, null],
  ]],
  ["ICPUSDT", ["+2021-05-11/2022-06-10", "-2022-06-11/2022-08-31", "+2022-09-27/2026-06-30"], [
    ["ICPUSDT#1", "2021-05-11", "2022-06-10", "2022-08-31"],
    ["ICPUSDT#2", "2022-09-27", null, null],
  ]],
  ["LITUSDT", ["+2021-02-18/2025-01-31", "-2025-02-01/2025-12-22", "+2025-12-23/2026-06-30"], [
    ["LITUSDT#1", "2021-02-18", "2025-01-31", "2025-12-22"],
    ["LITUSDT#2", "2025-12-23", null, null],
  ]],
  ["MAVIAUSDT", ["+2024-02-21/2024-12-16", "-2024-12-17/2025-03-25", "+2025-03-26/2026-06-30"], [
    ["MAVIAUSDT#1", "2024-02-21", "2024-12-16", "2025-03-25"],
    ["MAVIAUSDT#2", "2025-03-26", null, null],
  ]],
  ["PUMPUSDT", ["+2025-04-12/2025-06-13", "-2025-06-14/2025-07-09", "+2025-07-10/2026-06-30"], [
    ["PUMPUSDT#1", "2025-04-12", "2025-06-13", "2025-07-09"],
    ["PUMPUSDT#2", "2025-07-10", null, null],
  ]],
  ["SLPUSDT", ["+2023-10-31/2024-05-15", "-2024-05-16/2025-07-22", "+2025-07-23/2026-06-30"], [
    ["SLPUSDT#1", "2023-10-31", "2024-05-15", "2025-07-22"],
    ["SLPUSDT#2", "2025-07-23", null, null],
  ]],
  ["TLMUSDT", ["+2021-07-16/2022-06-09", "-2022-06-10/2023-02-28", "+2023-03-30/2026-06-30"], [
    ["TLMUSDT#1", "2021-07-16", "2022-06-09", "2023-02-28"],
    ["TLMUSDT#2", "2023-03-30", null, null],
  ]],
];

for (const [symbol, ranges, expected] of RELISTED) {
  Deno.test(`${symbol} comes out as two listings`, () => {
    const alias = runs(`${symbol}SETTLED`, "+2023-01-01/2023-01-31");
    const own = lives([...runs(symbol, ...ranges), ...alias]).filter(([id]) =>
      String(id).startsWith(`${symbol}#`)
    );
    assertEquals(own, expected);
  });
}

Deno.test("a hole of 24 days in trading is one listing, one of 25 two", () => {
  const after = (days: number) =>
    lives(
      runs(
        "XUSDT",
        "+2024-01-01/2024-01-10",
        `+${addDays("2024-01-10" as Day, days + 1)}/2026-06-30`,
      ),
    );
  assertEquals(after(24).length, 1);
  assertEquals(after(25).length, 2);
});

Deno.test("a SETTLED alias splits after 7 days already", () => {
  const own = runs("XUSDT", "+2024-01-01/2024-01-10", "+2024-01-18/2026-06-30");
  assertEquals<unknown>(lives(own).length, 1);
  assertEquals<unknown>(
    lives([...own, ...runs("XUSDTSETTLED", "+2024-01-01/2024-01-10")]).length,
    3,
  );
  assertEquals<unknown>(
    lives([...own, ...runs("XUSDT_SETTLED", "+2024-01-01/2024-01-10")]).length,
    3,
  );
});

Deno.test("a SETTLED alias says nothing of a pause that lies outside of its own days", () => {
  const own = runs("XUSDT", "+2024-01-01/2024-01-10", "+2024-01-18/2026-06-30");
  const livesWith = (...ranges: string[]) =>
    lives([...own, ...runs("XUSDTSETTLED", ...ranges)]).filter(([id]) => id !== "XUSDTSETTLED#1")
      .length;
  const cases: readonly [aliasDays: string, lives: number][] = [
    ["-2024-01-10", 2], // the last traded day
    ["-2024-01-09", 1], // settled earlier: this pause is a halt
    ["-2024-01-25", 2], // a week after trading resumed: its directory was late
    ["-2024-01-26", 1], // settled later
    ["+2023-06-01/2024-01-12", 2],
    ["+2022-01-01/2022-01-31", 1],
    ["+2025-04-01/2025-04-10", 1],
  ];
  for (const [aliasDays, expected] of cases) {
    assertEquals([aliasDays, livesWith(aliasDays)], [aliasDays, expected]);
  }
});

Deno.test("what is learned of later days changes nothing as of an earlier one: aliases, too", () => {
  const own = runs("XUSDT", "+2024-01-01/2024-01-10", "+2024-01-18/2024-03-31");
  const alias = runs("XUSDTSETTLED", "-2024-01-19/2024-01-31");
  const day = "2024-01-18" as Day;
  assertEquals(lives([...own, ...alias], day), lives(own, day));
});

Deno.test("a one-day gap is a gap, and no delisting", () => {
  const [listing] = deriveListings(
    runs("XUSDT", "+2024-01-01/2024-01-10", "+2024-01-12/2026-06-30"),
    { dataThrough: THROUGH },
  );
  assertEquals<unknown>([listing!.lastTraded, listing!.gaps], [null, [[
    "2024-01-11",
    "2024-01-11",
  ]]]);
});

Deno.test("a file that is up to 7 days late is a gap; after that the listing has ended", () => {
  const late = (last: string) => {
    const [l] = deriveListings(runs("XUSDT", `+2024-01-01/${last}`), { dataThrough: THROUGH });
    return [l!.lastTraded, l!.last, l!.gaps];
  };
  assertEquals<unknown>(late("2026-06-30"), [null, null, []]);
  assertEquals<unknown>(late("2026-06-29"), [null, null, [["2026-06-30", "2026-06-30"]]]);
  assertEquals<unknown>(late("2026-06-23"), [null, null, [["2026-06-24", "2026-06-30"]]]);
  assertEquals<unknown>(late("2026-06-22"), ["2026-06-22", "2026-06-22", []]);
});

Deno.test("a halt shorter than a relisting is a halt; files before the first trade are one too", () => {
  const [listing] = deriveListings(
    runs(
      "XUSDT",
      "-2024-01-01/2024-01-05",
      "+2024-01-06/2024-02-01",
      "-2024-02-02/2024-02-10",
      "+2024-02-11/2026-06-30",
    ),
    { dataThrough: THROUGH },
  );
  assertEquals<unknown>(listing!.halts, [["2024-01-01", "2024-01-05"], [
    "2024-02-02",
    "2024-02-10",
  ]]);
  assertEquals<unknown>(firstTraded(listing!, THROUGH), "2024-01-06");
});

Deno.test("days without trades at the data's end are a halt; after 7 of them the listing has ended", () => {
  const after = (last: string) => {
    const dead = addDays(last as Day, 1);
    const [l] = deriveListings(runs("XUSDT", `+2024-01-01/${last}`, `-${dead}/${THROUGH}`), {
      dataThrough: THROUGH,
    });
    return [l!.lastTraded, l!.last, l!.halts, stateOn(l!, THROUGH, THROUGH)];
  };
  const halt = (from: string) => [[from, THROUGH]];
  assertEquals<unknown>(after("2026-06-29"), [null, null, halt("2026-06-30"), "archived"]);
  assertEquals<unknown>(after("2026-06-23"), [null, null, halt("2026-06-24"), "archived"]);
  assertEquals<unknown>(after("2026-06-22"), ["2026-06-22", null, [], "archived"]);
});

Deno.test("dead days, then none: what counts is the last day with trades", () => {
  const [l] = deriveListings(runs("XUSDT", "+2024-01-01/2026-06-23", "-2026-06-24/2026-06-25"), {
    dataThrough: THROUGH,
  });
  assertEquals<unknown>([l!.lastTraded, l!.last, l!.halts, l!.gaps], [
    null,
    null,
    [["2026-06-24", "2026-06-25"]],
    [["2026-06-26", THROUGH]],
  ]);
  const [ended] = deriveListings(
    runs("XUSDT", "+2024-01-01/2026-06-22", "-2026-06-23/2026-06-25"),
    {
      dataThrough: THROUGH,
    },
  );
  assertEquals<unknown>([ended!.lastTraded, ended!.last], ["2026-06-22", null]);
});

Deno.test("no delisting of the twelve is said and then taken back, whatever day it is", () => {
  for (const [symbol, ranges, expected] of RELISTED) {
    const all = [
      ...runs(symbol, ...ranges),
      ...runs(`${symbol}SETTLED`, "+2023-01-01/2023-01-31"),
    ];
    const ends = new Map(expected.map(([id, , lastTraded]) => [id, lastTraded]));
    const said = new Set<string>();
    const [first] = ranges[0]!.slice(1).split("/") as [Day];
    for (let day = first; day <= THROUGH; day = addDays(day, 1)) {
      for (const [id, , lastTraded] of lives(all, day)) {
        if (!String(id).startsWith(`${symbol}#`) || lastTraded === null) continue;
        assertEquals([id, day, lastTraded], [id, day, ends.get(id!)!]);
        said.add(String(id));
      }
    }
    assertEquals([...said], expected.filter(([, , end]) => end !== null).map(([id]) => id));
  }
});

Deno.test("one small file before trading is a first day that began late", () => {
  const [listing] = deriveListings(runs("XUSDT", "-2024-01-01", "+2024-01-02/2026-06-30"), {
    dataThrough: THROUGH,
  });
  assertEquals<unknown>([listing!.first, listing!.halts], ["2024-01-01", []]);
});

Deno.test("a small file is a first day where a life begins: not where a halt ends", () => {
  const after = (days: number) => {
    const small = addDays("2024-01-10" as Day, days + 1);
    const [first, second] = deriveListings(
      runs("XUSDT", "+2024-01-01/2024-01-10", `-${small}`, `+${addDays(small, 1)}/2026-06-30`),
      { dataThrough: THROUGH },
    );
    return [first!.last, first!.halts.length, second?.first];
  };
  assertEquals<unknown>(after(1), [null, 1, undefined]);
  assertEquals<unknown>(after(23), [null, 1, undefined]);
  // Trading that is known resumes after 25 days: the small file is of the life before.
  assertEquals<unknown>(after(24), ["2024-02-04", 0, "2024-02-05"]);
  assertEquals<unknown>(after(25), ["2024-01-10", 0, "2024-02-05"]);
});

Deno.test("a first day that has a `trade_count` of 0 did not trade, whatever followed", () => {
  const [first, ...later] = runs("XUSDT", "-2024-01-01", "+2024-01-02/2026-06-30");
  const [listing] = deriveListings([{ ...first!, counted: true }, ...later], {
    dataThrough: THROUGH,
  });
  assertEquals<unknown>([listing!.first, listing!.halts], ["2024-01-01", [[
    "2024-01-01",
    "2024-01-01",
  ]]]);
  assertEquals(firstTraded(listing!, THROUGH), "2024-01-02");
});

Deno.test("a symbol that never traded has a listing that is archived from its first day", () => {
  const [listing] = deriveListings(runs("XUSDT", "-2024-01-01/2024-01-31"), {
    dataThrough: THROUGH,
  });
  assertEquals<unknown>(firstTraded(listing!, THROUGH), null);
  const { lastTraded, last, halts } = listing!;
  const halt = ["2024-01-01", "2024-01-01"];
  assertEquals<unknown>([lastTraded, last, halts], ["2024-01-01", "2024-01-31", [halt]]);
  const archived = (day: string) => stateOn(listing!, day as Day, THROUGH) === "archived";
  assertEquals(["2024-01-01", "2024-01-02", "2024-01-31"].map(archived), [true, true, true]);
});

Deno.test("days after the data are left out, and a symbol that only has such days is unknown", () => {
  assertEquals<unknown>(lives(runs("XUSDT", "+2026-06-01/2026-07-15")), [[
    "XUSDT#1",
    "2026-06-01",
    null,
    null,
  ]]);
  assertEquals<unknown>(lives(runs("XUSDT", "+2026-07-01/2026-07-15")), []);
});

Deno.test("`settledBase()` finds what an alias stands for", () => {
  assertEquals(
    ["AIAUSDTSETTLED", "ICPUSDT_SETTLED", "AERGOUSDTSETTLEDSETTLED", "BTCUSDT"].map(settledBase),
    [
      "AIAUSDT",
      "ICPUSDT",
      "AERGOUSDTSETTLED",
      undefined,
    ],
  );
});
