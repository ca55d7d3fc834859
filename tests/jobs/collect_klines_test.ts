import { assertEquals } from "@std/assert";
import { type Day, parseDay } from "../../lib/core/day.ts";
import { KLINES_PREFIX } from "../../lib/core/vision_keys.ts";
import { knownDays, quarantined } from "../../lib/engine/observation_views.ts";
import { collectKlines, type CollectKlinesOptions } from "../../lib/jobs/collect_klines.ts";
import { changesBefore, when, wrongChecksum } from "../helpers/bucket_faults.ts";
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

const NONE = { days: 0, found: 0, left: 0, problems: {}, outdated: 0, keys: 0, odd: 0 };

const numbers = (world: Collecting, options: Partial<CollectKlinesOptions> = {}) =>
  world.withStore((store) =>
    collectKlines(store, world.fetchNumbers, { since: SINCE, now: () => world.clock, ...options })
  );

/** Compares all symbols' numbers with their 1d files, and collects; all keys of these files are counted. */
async function swept(world: Collecting) {
  const { keys, ...report } = await numbers(world, { lister: world.lister(), sweepRuns: 1 });
  const now = world.clock.getTime();
  const days = [...world.bucket.history.expectedRows(undefined, now)].filter((r) => r.numbers);
  assertEquals(keys, days.length * 2 + report.odd);
  return { ...report, keys: 0 };
}

/** Trades of a day as a version would have them; `null`: none are known. */
async function trades(world: Collecting, symbol: string, day: string): Promise<unknown> {
  const rows = await select(
    world.observations,
    `SELECT trade_count::INT FROM ${knownDays()} WHERE symbol = '${symbol}' AND date = '${day}'`,
  );
  return rows.length === 0 ? "no file" : rows[0]![0];
}

const truth = (world: Collecting, symbol: string, day: string) =>
  [...world.bucket.history.expectedRows(undefined, world.clock.getTime())]
    .find((row) => row.symbol === symbol && row.date === day)!.numbers?.count ?? null;

Deno.test("collectKlines() brings the numbers of every day that lacks them, and then none", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    const rows = [...PAST.expectedRows(undefined, world.clock.getTime())]
      .filter((row) => row.date >= SINCE && row.available);
    const found = rows.filter((row) => row.numbers);
    world.bucket.take();
    assertEquals(await numbers(world), {
      days: rows.length,
      found: found.length,
      left: 0,
      problems: { missing: rows.length - found.length },
      outdated: 0,
      keys: 0,
      odd: 0,
    });
    assertEquals(rows.length - found.length, 1);
    const { zip, checksum } = world.bucket.take();
    assertEquals([zip, checksum], [rows.length, found.length]);
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
    assertEquals(await numbers(world), { ...NONE });
    // A changed file is asked for again; a problem only after six hours.
    world.clock = new Date("2026-03-01T18:00:00.000Z");
    assertEquals(await numbers(world), { ...NONE, days: 1, problems: { missing: 1 } });
    world.clock = new Date("2026-03-01T23:59:59.999Z");
    assertEquals((await numbers(world)).days, 0);
    world.clock = new Date("2026-03-02T05:30:00.000Z");
    await world.collect();
    const again = await numbers(world);
    assertEquals(again, { ...NONE, days: 2, found: 1, problems: { missing: 1 } });
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

Deno.test("`most` takes the newest days first, and tells how many are left", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    const all = [...PAST.expectedRows(undefined, world.clock.getTime())]
      .filter((row) => row.date >= SINCE && row.available).length;
    const first = await numbers(world, { most: 11 });
    assertEquals([first.days, first.left], [11, all - 11]);
    const days = await select(world.observations, "SELECT min(date)::VARCHAR FROM klines");
    assertEquals(days[0], ["2026-02-27"]);
  });
});

Deno.test("a 1d file that was repaired is found by the sweep; until it is read, its day has no numbers", async () => {
  const at = "2026-03-03T05:00:00.000Z";
  const past = history(smallListings(), {
    through: parseDay("2026-02-28"),
    uploads: [{ symbol: "SOLUSDT", from: "2026-02-20", to: "2026-02-21", at, interval: "1d" }],
    removals: [{ symbol: "ETHUSDT", from: "2026-02-20", at, interval: "1d" }],
  });
  await withCollecting(past, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    await numbers(world);
    const before = await trades(world, "SOLUSDT", "2026-02-20");
    assertEquals(before, truth(world, "SOLUSDT", "2026-02-20"));
    assertEquals(await swept(world), NONE);

    world.clock = new Date("2026-03-03T12:00:00.000Z");
    const { changed, gone } = await world.collect();
    assertEquals([changed, gone], [0, 0], "listings of 1m files do not show it");
    assertEquals((await numbers(world)).days, 0);
    world.bucket.fault = when(({ file }) => file?.day === "2026-02-21", wrongChecksum());
    const report = await swept(world);
    assertEquals(report, { ...NONE, days: 2, found: 1, problems: { checksum: 1 }, outdated: 3 });
    const now = [
      await trades(world, "SOLUSDT", "2026-02-20"),
      await trades(world, "SOLUSDT", "2026-02-21"),
      await trades(world, "ETHUSDT", "2026-02-20"),
    ];
    assertEquals(now, [truth(world, "SOLUSDT", "2026-02-20"), null, null]);
    assertEquals(now[0] === before, false);
    world.bucket.fault = undefined;
    world.clock = new Date("2026-03-03T19:00:00.000Z");
    // The repaired one, and the gone one, which is still gone.
    assertEquals(await swept(world), { ...NONE, days: 2, found: 1, problems: { missing: 1 } });
    const repaired = await trades(world, "SOLUSDT", "2026-02-21");
    assertEquals(repaired, truth(world, "SOLUSDT", "2026-02-21"));
  });
});

Deno.test("odd keys among the 1d files are set aside, with their reasons, and counted", async () => {
  const own = `${KLINES_PREFIX}SOLUSDT/1d/SOLUSDT-1d-`;
  const odd = [
    [`${KLINES_PREFIX}SOLUSDT/1d/OTHERUSDT-1d-2026-02-20.zip`, "not named SYMBOL-1d-DAY.zip"],
    [`${own}2024-02-30.zip`, "no such day"],
    [`${own}2026-02-20.zip.tmp`, "not named SYMBOL-1d-DAY.zip"],
    [`${own}2026-03-05.zip`, "in the future"],
  ] as const;
  const lastModified = "2026-02-21T07:30:00.000Z";
  const past = history(smallListings(), {
    through: parseDay("2026-03-05"),
    odd: odd.map(([key]) => ({ key, size: 400, lastModified })),
  });
  await withCollecting(past, "2026-03-01T12:00:00.000Z", async (world) => {
    const aside = () =>
      select(world.observations, `SELECT key, reason FROM ${quarantined()} ORDER BY key`);
    await world.collect({ full: true });
    await numbers(world);
    assertEquals(await aside(), []);
    assertEquals(await swept(world), { ...NONE, odd: 4 });
    assertEquals<unknown>(await aside(), odd);
    assertEquals(await swept(world), { ...NONE, odd: 4 });
    assertEquals<unknown>(await aside(), odd);
    // The day has come, and its file can be read.
    const found = await world.fetchNumbers("SOLUSDT", "2026-02-25" as Day);
    if (!("numbers" in found)) throw new Error(found.detail);
    await world.withStore((store) =>
      store.learnNumbers([{
        symbol: "SOLUSDT",
        date: "2026-03-05" as Day,
        etag: "1m",
        zipEtag: found.etag,
        found: found.numbers,
      }], new Date("2026-03-06T12:00:00.000Z"))
    );
    assertEquals<unknown>(await aside(), odd.slice(0, 3));
  });
});

Deno.test("numbers of a day whose 1m file has changed or gone no longer count", async () => {
  const at = "2026-03-02T05:00:00.000Z";
  const past = history(smallListings(), {
    through: parseDay("2026-02-28"),
    uploads: [{ symbol: "SOLUSDT", from: "2026-02-20", at }],
    removals: [{ symbol: "ETHUSDT", from: "2026-02-20", at }],
  });
  await withCollecting(past, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    await numbers(world);
    world.clock = new Date("2026-03-02T12:00:00.000Z");
    const { changed, gone } = await world.collect();
    assertEquals([changed, gone], [1, 1]);
    assertEquals(await trades(world, "SOLUSDT", "2026-02-20"), null);
    assertEquals(await trades(world, "ETHUSDT", "2026-02-20"), "no file");
    // The change stays without numbers for as long as they cannot be read.
    world.bucket.fault = wrongChecksum();
    assertEquals((await numbers(world)).problems, { checksum: 1 });
    assertEquals(await trades(world, "SOLUSDT", "2026-02-20"), null);
    // A fetch that failed takes nothing away from other days: they had not been asked for.
    assertEquals(
      await trades(world, "SOLUSDT", "2026-02-21"),
      truth(world, "SOLUSDT", "2026-02-21"),
    );
    world.bucket.fault = undefined;
    world.clock = new Date("2026-03-02T19:00:00.000Z");
    await numbers(world);
    const fresh = await trades(world, "SOLUSDT", "2026-02-20");
    assertEquals(fresh, truth(world, "SOLUSDT", "2026-02-20"));
  });
});

for (const kind of ["zip", "checksum"] as const) {
  Deno.test(`a file that is uploaded again before its ${kind} is read gives no wrong numbers`, async () => {
    const past = history(smallListings(), { through: parseDay("2026-02-28") });
    await withCollecting(past, "2026-03-01T12:00:00.000Z", async (world) => {
      await world.collect({ full: true });
      world.clock = new Date("2026-03-01T13:00:00.000Z");
      const change = changesBefore(kind, past, () => world.clock);
      world.bucket.fault = when(
        ({ file }) => file?.symbol === "SOLUSDT" && file.day === "2026-02-27",
        change,
      );
      const report = await numbers(world);
      // Before the ZIP: ZIP and CHECKSUM are both new. Between them: they do not fit.
      assertEquals(report.problems, kind === "zip" ? {} : { checksum: 1 });
      world.bucket.fault = undefined;
      world.clock = new Date("2026-03-01T20:00:00.000Z");
      assertEquals((await world.collect()).changed, 1);
      assertEquals((await numbers(world)).problems, {});
      const fresh = await trades(world, "SOLUSDT", "2026-02-27");
      assertEquals(fresh, truth(world, "SOLUSDT", "2026-02-27"));
    });
  });
}
