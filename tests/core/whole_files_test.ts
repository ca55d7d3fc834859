import { assertEquals, assertThrows } from "@std/assert";
import { addDays, type Day, dayNumber, parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { stateRuns } from "../../lib/core/listing.ts";
import type { Artifact } from "../../lib/core/manifest.ts";
import { partsOf, reachOf, wholeFilesThrough } from "../../lib/core/reach.ts";
import {
  listingsThrough,
  readWholeFiles,
  SETTLED_AFTER_DAYS,
  type WholeFiles,
  wholeThrough,
} from "../../lib/core/whole_files.ts";
import { listing } from "../helpers/listing.ts";

const CASES: readonly [through: string, every: WholeFiles, whole: string][] = [
  ["2026-11-21", "daily", "2026-11-21"],
  // The last Sunday (2026-11-22 is one too) whose eighth day after it is there.
  ["2026-11-21", "weekly", "2026-11-08"],
  ["2026-11-22", "weekly", "2026-11-08"],
  ["2026-11-23", "weekly", "2026-11-15"],
  ["2026-11-07", "monthly", "2026-09-30"],
  ["2026-11-08", "monthly", "2026-10-31"],
  ["2026-12-07", "monthly", "2026-10-31"],
  ["2026-12-08", "monthly", "2026-11-30"],
  ["2027-01-08", "monthly", "2026-12-31"],
  ["2024-03-07", "monthly", "2024-01-31"],
  ["2024-03-08", "monthly", "2024-02-29"],
];

for (const [through, every, whole] of CASES) {
  Deno.test(`wholeThrough() of ${through}, ${every}, is ${whole}`, () => {
    assertEquals<string>(wholeThrough(parseDay(through), every), whole);
  });
}

Deno.test("wholeThrough() never goes back, is settled, and leaves at most so many days out", () => {
  for (const [every, most] of [["weekly", 6], ["monthly", 30]] as const) {
    let before = parseDay("2019-01-01");
    for (let i = 0; i < 1_500; i++) {
      const day = addDays(parseDay("2023-01-01"), i);
      const through = wholeThrough(day, every);
      const behind = dayNumber(day) - dayNumber(through);
      assertEquals(through >= before, true, day);
      assertEquals(behind >= SETTLED_AFTER_DAYS, true, day);
      assertEquals(behind <= SETTLED_AFTER_DAYS + most, true, day);
      before = through;
    }
  }
});

Deno.test("before anything has settled, whole files have all there is", () => {
  const [first, day] = [parseDay("2026-11-10"), parseDay("2026-11-21")];
  assertEquals(wholeThrough(day, "monthly", first), day);
  assertEquals<string>(wholeThrough(day, "monthly", parseDay("2026-10-31")), "2026-10-31");
});

Deno.test("readWholeFiles() takes three words, and daily for none", () => {
  assertEquals([undefined, "weekly", "monthly"].map(readWholeFiles), [
    "daily",
    "weekly",
    "monthly",
  ]);
  const error = assertThrows(() => readWholeFiles("yearly"), BfaError);
  assertEquals([error.code, error.message], [
    "usage",
    'Cannot use --whole-files "yearly": give daily, weekly, monthly',
  ]);
});

Deno.test("listingsThrough() knows of no later day, and keeps the rows of every earlier one", () => {
  const day = parseDay("2026-05-31");
  const range = (from: string, to: string) => [parseDay(from), parseDay(to)] as const;
  const lives = [
    listing("ENDED#1", "2026-01-01", "2026-03-01", "2026-04-01"),
    listing("ENDS#1", "2026-01-01", "2026-06-10", "2026-06-20", {
      gaps: [range("2026-02-01", "2026-02-02"), range("2026-05-30", "2026-06-02")],
      halts: [range("2026-06-03", "2026-06-04")],
    }),
    listing("FADES#1", "2026-01-01", "2026-05-20", "2026-06-20"),
    listing("LATER#1", "2026-06-01"),
    listing("LIVES#1", "2026-05-31"),
  ];
  const known = listingsThrough(lives, day);
  assertEquals(known, [
    lives[0]!,
    listing("ENDS#1", "2026-01-01", null, null, {
      gaps: [range("2026-02-01", "2026-02-02"), range("2026-05-30", "2026-05-31")],
    }),
    listing("FADES#1", "2026-01-01", "2026-05-20", null),
    lives[4]!,
  ]);
  const rows = (all: typeof lives) => all.flatMap((life) => stateRuns(life, day));
  assertEquals(rows(known), rows(lives));
});

Deno.test("partsOf() names the files that days can be in, reachOf() how far a file goes", () => {
  const names = ["parts/2025.parquet", "parts/2026-02.parquet", "parts/2026-01.parquet"];
  const artifacts = names.map((name) => ({ name, role: "part" } as unknown as Artifact));
  const named = (from: string, to: string) =>
    partsOf({ artifacts }, [from as Day, to as Day]).map(({ name }) => name.slice(6, -8));
  assertEquals(named("2025-12-31", "2026-01-01"), ["2025", "2026-01"]);
  assertEquals(named("2026-01-01", "2026-12-31"), ["2026-01", "2026-02"]);
  assertEquals(named("2026-02-02", "2026-02-01"), []);
  const body = { dataThrough: parseDay("2026-02-20"), artifacts };
  assertEquals(reachOf(artifacts[0]!, body), body.dataThrough);
  assertEquals(wholeFilesThrough(body), undefined);
  const short = { ...artifacts[0]!, dataThrough: parseDay("2026-01-31") };
  assertEquals(reachOf(short, body), short.dataThrough);
  assertEquals(wholeFilesThrough({ artifacts: [artifacts[1]!, short] }), short.dataThrough);
});
