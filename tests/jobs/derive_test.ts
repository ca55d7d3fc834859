import { assertEquals, assertThrows } from "@std/assert";
import { type Day, parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { collectKlines } from "../../lib/jobs/collect_klines.ts";
import { derive, newestCompleteDay } from "../../lib/jobs/derive.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { history } from "../helpers/bucket_history.ts";
import { livesOf, withCollecting } from "../helpers/collecting.ts";

/** Newest first. */
const days = (...counts: number[]) =>
  counts.map((symbols, i) => ({ date: `2026-03-${31 - i}` as Day, symbols }));

const COMPLETE: readonly (readonly [now: string, counts: number[], day: string])[] = [
  ["2026-04-01T09:00:00.000Z", [100, 100], "2026-03-31"],
  ["2026-04-01T08:59:59.999Z", [100, 100], "2026-03-30"],
  ["2026-04-01T12:00:00.000Z", [90, 100], "2026-03-31"],
  ["2026-04-01T12:00:00.000Z", [89, 100], "2026-03-30"],
  ["2026-04-01T12:00:00.000Z", [10, 20, 100, 100], "2026-03-29"],
  ["2026-04-01T12:00:00.000Z", [7], "2026-03-31"],
  ["2026-03-31T23:59:00.000Z", [100, 100, 100], "2026-03-30"],
];
for (const [now, counts, day] of COMPLETE) {
  Deno.test(`\`newestCompleteDay()\` of ${counts} files at ${now} is ${day}`, () => {
    assertEquals<string>(newestCompleteDay(days(...counts), new Date(now)), day);
  });
}

Deno.test("`newestCompleteDay()` of nothing says what to do", () => {
  const error = assertThrows(() => newestCompleteDay([], new Date()), BfaError);
  assertEquals([error.code, /collect first/.test(error.message)], ["not_found", true]);
});

/** Those of the twelve whose lives are shortest, and others with halts, gaps and Chinese names. */
const SAMPLE = ["PUMPUSDT", "MAVIAUSDT", "AIAUSDT", "LITUSDT", "ICPUSDT", "币安人生USDT"];

async function sample() {
  const { listings } = await seedListings();
  const wanted = [...SAMPLE, "ICPUSDTSETTLED", "ICPUSDT_SETTLED", "AIAUSDTSETTLED"];
  const lives = listings.filter(({ symbol }) => wanted.includes(symbol));
  return history(lives, { through: parseDay("2026-06-30") });
}

Deno.test("with numbers, the derived listings are the bucket's own, relistings too", async () => {
  const past = await sample();
  await withCollecting(past, "2026-07-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    // As what the 1d ZIPs hold: they are read in collect_klines_test.ts.
    const truth = new Map(
      [...past.expectedRows()].map((row) => [`${row.symbol} ${row.date}`, row.numbers]),
    );
    const listings = await world.withStore(async (store) => {
      await collectKlines(store, (symbol, day) => {
        const k = truth.get(`${symbol} ${day}`);
        return Promise.resolve(
          k
            ? {
              numbers: {
                ...k,
                tradeCount: k.count,
                volumeBase: k.volume,
                takerBuyVolumeBase: k.takerBuyVolume,
                takerBuyQuoteVolume: k.takerBuyQuoteVolume,
              },
            }
            : { problem: "missing", detail: "" },
        );
      }, { now: () => world.clock });
      return (await derive(store, { now: world.clock })).listings;
    });
    assertEquals(livesOf(listings), livesOf(past.listings));
  });
});

Deno.test("without numbers, lives end at most a day off: a last day that ended early looks dead", async () => {
  const past = await sample();
  await withCollecting(past, "2026-07-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    const { listings } = await world.withStore((store) => derive(store, { now: world.clock }));
    const lives = livesOf(listings);
    assertEquals(lives.map(({ id }) => id), livesOf(past.listings).map(({ id }) => id));
    for (const [i, { id, first, last, lastTraded }] of livesOf(past.listings).entries()) {
      assertEquals([lives[i]!.first, lives[i]!.last], [first, last], id);
      const off = lastTraded &&
        (Date.parse(lastTraded) - Date.parse(lives[i]!.lastTraded!)) / 864e5;
      assertEquals(off === null || off === 0 || off === 1, true, id);
    }
  });
});
