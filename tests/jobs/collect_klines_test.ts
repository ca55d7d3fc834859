import { assertEquals } from "@std/assert";
import { type Day, parseDay } from "../../lib/core/day.ts";
import { collectKlines } from "../../lib/jobs/collect_klines.ts";
import { when, wrongChecksum } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { type Collecting, select, smallListings, withCollecting } from "../helpers/collecting.ts";

const PAST = history(smallListings(), {
  through: parseDay("2026-02-28"),
  uploads: [
    { symbol: "BTCUSDT", from: "2026-02-20", at: "2026-03-02T05:00:00.000Z", interval: "1m" },
    { symbol: "BTCUSDT", from: "2026-02-20", at: "2026-03-02T05:00:00.000Z", interval: "1d" },
  ],
  gaps: [{ symbol: "XRPUSDT", from: "2026-02-21", interval: "1d" }],
});
const SINCE = "2026-02-15" as Day;

const numbers = (world: Collecting, options: { most?: number } = {}) =>
  world.withStore((store) =>
    collectKlines(store, world.fetchNumbers, { since: SINCE, now: () => world.clock, ...options })
  );

Deno.test("collectKlines() brings the numbers of every day that lacks them, and then none", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    const truth = [...PAST.expectedRows(undefined, world.clock.getTime())]
      .filter((row) => row.date >= SINCE && row.available);
    const found = truth.filter((row) => row.numbers);
    world.bucket.take();
    assertEquals(await numbers(world), {
      days: truth.length,
      found: found.length,
      problems: { missing: truth.length - found.length },
    });
    assertEquals(truth.length - found.length, 1);
    const { zip, checksum } = world.bucket.take();
    assertEquals([zip, checksum], [truth.length, found.length]);
    const stored = await select(
      world.observations,
      `SELECT symbol, date::VARCHAR, quote_volume_usdt, trade_count, open_price, close_price
       FROM klines WHERE problem IS NULL ORDER BY symbol, date`,
    );
    assertEquals(
      stored.map(([s, d, ...rest]) => [s, d, ...rest.map(Number)]),
      found.map(({ symbol, date, numbers: k }) => [
        symbol,
        date,
        ...[k!.quoteVolume, k!.count, k!.open, k!.close],
      ]),
    );
    assertEquals(await numbers(world), { days: 0, found: 0, problems: {} });
    // A changed file is asked for again; a problem only after six hours.
    world.clock = new Date("2026-03-01T18:00:00.000Z");
    assertEquals(await numbers(world), { days: 1, found: 0, problems: { missing: 1 } });
    world.clock = new Date("2026-03-01T23:59:59.999Z");
    assertEquals((await numbers(world)).days, 0);
    world.clock = new Date("2026-03-02T05:30:00.000Z");
    await world.collect();
    const again = await numbers(world);
    assertEquals(again, { days: 2, found: 1, problems: { missing: 1 } });
  });
});

Deno.test("a wrong CHECKSUM is recorded, not fatal, and repaired later", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    world.bucket.fault = when(({ file }) => file?.symbol === "SOLUSDT", wrongChecksum());
    const report = await numbers(world);
    assertEquals(report.problems, { checksum: 14, missing: 1 });
    const [row] = await select(
      world.observations,
      "SELECT count(*) FROM klines WHERE problem = 'checksum' AND quote_volume_usdt IS NULL",
    );
    assertEquals(Number(row![0]), 14);
    world.bucket.fault = undefined;
    world.clock = new Date("2026-03-01T18:00:00.000Z");
    assertEquals((await numbers(world)).found, 14);
  });
});

Deno.test("`most` takes the newest days first", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    assertEquals((await numbers(world, { most: 11 })).days, 11);
    const days = await select(world.observations, "SELECT min(date)::VARCHAR FROM klines");
    assertEquals(days[0], ["2026-02-27"]);
  });
});
