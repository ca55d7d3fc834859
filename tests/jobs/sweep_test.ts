import { assert, assertEquals } from "@std/assert";
import { addDays, type Day, dayNumber, parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { dueForSweep } from "../../lib/jobs/sweep.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { history } from "../helpers/bucket_history.ts";
import { filesOf, smallListings, withCollecting } from "../helpers/collecting.ts";

const noon = (day: Day) => `${day}T12:00:00.000Z`;

Deno.test("dueForSweep() takes those that were listed longest ago, the never listed first", () => {
  const last = "2026-01-01" as Day;
  const known = new Map([
    ["A", { last, listedWhole: "2026-01-03 12:00:00" }],
    ["B", { last, listedWhole: "2026-01-02 12:00:00" }],
    ["C", { last, listedWhole: null }],
    ["D", { last, listedWhole: "2026-01-02 12:00:00" }],
  ]);
  const symbols = ["D", "C", "B", "A", "NEW"];
  assertEquals(dueForSweep(symbols, known, 30), ["C"]);
  assertEquals(dueForSweep(symbols, known, 2), ["C", "B"]);
  assertEquals(dueForSweep(symbols, known, 1), ["C", "B", "D", "A"]);
  assertEquals(dueForSweep(["A"], known, 1), ["A"]);
  assertEquals(dueForSweep([], new Map(), 30), []);
});

Deno.test("a file that comes 60 days late is found within 30 runs, by listing no symbol twice", async () => {
  const past = history(smallListings(), {
    through: parseDay("2026-05-31"),
    late: [{ symbol: "SOLUSDT", from: "2026-02-10", days: 60 }],
    uploads: [{ symbol: "BTCUSDT", from: "2026-02-20", at: "2026-04-12T05:00:00.000Z" }],
    removals: [{ symbol: "ETHUSDC", from: "2026-02-21", at: "2026-04-12T05:00:00.000Z" }],
  });
  await withCollecting(past, "2026-04-11T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    assertEquals(await world.files(), filesOf(past, world.clock));
    let [late, changed, gone, requests] = [0, 0, 0, 0];
    for (let run = 1; run <= 30; run++) {
      world.clock = new Date(noon(addDays("2026-04-11" as Day, run)));
      const report = await world.collect();
      for (const change of report.changes) {
        assertEquals<unknown>(change.date < "2026-02-22", true);
      }
      late += report.late;
      changed += report.changed;
      gone += report.gone;
      requests += report.requests;
    }
    assertEquals([late, changed, gone], [1, 1, 1]);
    assertEquals(await world.files(), filesOf(past, world.clock));
    assertEquals(requests, 30 * (2 + 12)); // whole or not, a short life is one page
  });
});

Deno.test("with the real lives, every run makes at most 1.1 requests per symbol", async () => {
  const { listings, dataThrough } = await seedListings();
  const pages = new Map<string, number>();
  for (const { symbol, first, last } of listings) {
    const days = dayNumber(last ?? dataThrough) - dayNumber(first) + 1;
    pages.set(symbol, (pages.get(symbol) ?? 0) + days * 2 / 1000);
  }
  const symbols = [...pages.keys()];
  const listedWhole = "2026-08-09 12:00:00";
  const known = new Map(symbols.map((symbol) => [symbol, { last: dataThrough, listedWhole }]));
  const turns = new Map<string, number>();
  let most = 0;
  for (let run = 10; run < 40; run++) {
    let requests = 2 + symbols.length;
    for (const symbol of dueForSweep(symbols, known, 30)) {
      requests += Math.ceil(pages.get(symbol)!) - 1;
      turns.set(symbol, (turns.get(symbol) ?? 0) + 1);
      known.set(symbol, { last: dataThrough, listedWhole: `2026-08-${run} 12:00:00` });
    }
    most = Math.max(most, requests / symbols.length);
  }
  assertEquals(turns.size, symbols.length);
  assert(most <= 1.1, `${most}`);
});

Deno.test("a sweep lists each symbol whole in its turn, its further pages and no others", async () => {
  const { listings } = await seedListings();
  const wanted = listings.filter(({ first }, i) => first < "2026-06-01" && i % 40 === 0);
  const past = history(wanted, { through: parseDay("2026-08-08"), emptyDirectory: false });
  await withCollecting(past, "2026-08-01T12:00:00.000Z", async (world) => {
    const { symbols, requests: whole } = await world.collect({ full: true });
    let requests = 0;
    // As many runs as symbols: one in each.
    for (let run = 1; run <= symbols; run++) {
      world.clock = new Date(Date.parse("2026-08-01T12:00:00.000Z") + run * 3_600_000);
      requests += (await world.collect({ sweepRuns: symbols })).requests;
    }
    const further = whole - 2 - symbols;
    assert(further > symbols / 2, `${further}`);
    assertEquals(requests, symbols * (2 + symbols) + further);
    const listed = await world.withStore((store) => store.symbols());
    const at = [...listed.values()].map((symbol) => symbol.listedWhole);
    assertEquals(new Set(at).size, symbols);
  });
});

Deno.test("after an outage of 50 days, the next run catches up with all of it", async () => {
  const past = history([...smallListings(), listing("NEWUSDT#1", "2026-04-01")], {
    through: parseDay("2026-05-31"),
  });
  await withCollecting(past, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    world.clock = new Date("2026-04-20T12:00:00.000Z");
    const report = await world.collect();
    assertEquals(await world.files(), filesOf(past, world.clock));
    assertEquals([report.newSymbols, report.gone, report.changes], [["NEWUSDT"], 0, []]);
    assertEquals(report.late, 0, "we were late, not the files");
  });
});

Deno.test("late is a file that its source wrote after it was due", async () => {
  const past = history(smallListings(), {
    through: parseDay("2026-03-31"),
    late: [
      { symbol: "SOLUSDT", from: "2026-03-10", days: 1 },
      { symbol: "ETHUSDT", from: "2026-03-12", to: "2026-03-13", days: 3 },
    ],
  });
  await withCollecting(past, "2026-03-05T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    world.clock = new Date("2026-03-20T12:00:00.000Z");
    const { late, changes } = await world.collect();
    assertEquals(late, 3);
    assertEquals<unknown>(changes, [
      { symbol: "ETHUSDT", date: "2026-03-13", what: "late" },
      { symbol: "ETHUSDT", date: "2026-03-12", what: "late" },
      { symbol: "SOLUSDT", date: "2026-03-10", what: "late" },
    ]);
  });
  // The same files, learned with all others: nothing was expected of them yet.
  await withCollecting(past, "2026-03-20T12:00:00.000Z", async (world) => {
    const { late, changes } = await world.collect({ full: true });
    assertEquals([late, changes], [0, []]);
  });
});
