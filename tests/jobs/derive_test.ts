import { assertEquals, assertThrows } from "@std/assert";
import { type Day, dayNumber, parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { collectKlines } from "../../lib/jobs/collect_klines.ts";
import { derive, newestCompleteDay } from "../../lib/jobs/derive.ts";
import { listing } from "../helpers/listing.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { history } from "../helpers/bucket_history.ts";
import { livesOf, smallListings, withCollecting } from "../helpers/collecting.ts";

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

/** The symbols that are known to have been relisted, or whose ticker was reused. */
const TWELVE = (
  "AIAUSDT BNXUSDT CTKUSDT CVCUSDT CVXUSDT ETHBTC ICPUSDT LITUSDT MAVIAUSDT PUMPUSDT SLPUSDT TLMUSDT"
).split(" ");

const THROUGH = parseDay("2026-06-30");

/** The contract that was settled before BNXUSDT came back, as the archive still names it. */
const ALIAS = listing("BNXUSDTSETTLED#1", "2022-04-01", "2023-01-31", "2023-02-10");

/** The twelve, and others with halts, gaps and Chinese names. */
async function sample() {
  const { listings } = await seedListings();
  const wanted = new Set([...TWELVE, "币安人生USDT"]);
  const lives = listings.filter(({ symbol }) => wanted.has(symbol) && symbol !== "ETHBTC")
    // What has files to the end may get more.
    .map((life) => life.last === THROUGH ? { ...life, last: null } : life);
  // Of ETHBTC's first life only the first file and of its second the onboard date are known.
  const ethbtc = [
    listing("ETHBTC#1", "2023-04-26", "2023-04-27", "2023-04-27"),
    listing("ETHBTC#2", "2023-05-25"),
  ];
  const past = history([...lives, ...ethbtc, ALIAS], { through: THROUGH });
  for (const symbol of TWELVE) {
    assertEquals(past.listings.filter((life) => life.symbol === symbol).length, 2, symbol);
  }
  return past;
}

Deno.test("with numbers, the derived listings are the bucket's own: the twelve relisted symbols have two each", async () => {
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
              etag: null,
            }
            : { problem: "missing", detail: "" },
        );
      }, { now: () => world.clock });
      return (await derive(store, { now: world.clock })).listings;
    });
    assertEquals(livesOf(listings), livesOf(past.listings));
  });
});

Deno.test("without numbers, lives begin and end at most a day off: a day that was cut short looks dead", async () => {
  const past = await sample();
  await withCollecting(past, "2026-07-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    const { listings } = await world.withStore((store) => derive(store, { now: world.clock }));
    const lives = livesOf(listings);
    assertEquals(lives.map(({ id }) => id), livesOf(past.listings).map(({ id }) => id));
    for (const [i, expected] of livesOf(past.listings).entries()) {
      for (const name of ["first", "lastTraded", "last"] as const) {
        const [is, should] = [lives[i]![name], expected[name]];
        assertEquals(is === null, should === null, `${expected.id} ${name}`);
        const off = is && should ? Math.abs(dayNumber(is) - dayNumber(should)) : 0;
        assertEquals(off <= 1, true, `${expected.id} ${name}: ${is} for ${should}`);
      }
    }
  });
});

Deno.test("a day whose files were not all due when they were listed stays out, however late it is now", async () => {
  const past = history(smallListings(), { through: parseDay("2026-03-25") });
  await withCollecting(past, "2026-03-26T08:59:59.000Z", async (world) => {
    await world.collect({ full: true });
    const through = async (now: string, asOf?: string) =>
      (await world.withStore((store) => derive(store, { now: new Date(now), asOf }))).dataThrough;
    assertEquals<string>(await through("2026-03-26T08:59:59Z"), "2026-03-24");
    assertEquals<string>(await through("2026-03-26T14:00:00Z"), "2026-03-24");
    world.clock = new Date("2026-03-26T14:00:00.000Z");
    await world.collect();
    assertEquals<string>(await through("2026-03-26T14:00:01Z"), "2026-03-25");
    assertEquals<string>(
      await through("2026-03-27T12:00:00Z", "2026-03-26T13:59:59Z"),
      "2026-03-24",
    );
  });
});
