import { assertEquals, assertRejects } from "@std/assert";
import { addDays, type Day, parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { FileColumns } from "../../lib/core/file_columns.ts";
import { KLINES_PREFIX } from "../../lib/core/vision_keys.ts";
import { history } from "../helpers/bucket_history.ts";
import { quarantineKeys } from "../helpers/bucket_odd.ts";
import { collect } from "../../lib/jobs/collect.ts";
import { filesOf, pagesOf, select, smallListings, withCollecting } from "../helpers/collecting.ts";

const THROUGH = parseDay("2026-03-31");
const NOON = "2026-04-01T12:00:00.000Z";

Deno.test("collect() of everything is the bucket row by row, Chinese symbols too", async () => {
  const long = listing("LONGUSDT#1", "2023-01-01");
  const past = history([...smallListings(), long], { through: THROUGH });
  await withCollecting(past, NOON, async (world) => {
    const expected = filesOf(past, world.clock);
    const days = new Map<string, number>();
    for (const { symbol } of expected) days.set(symbol, (days.get(symbol) ?? 0) + 1);
    const pages = [...days.values()].reduce((sum, count) => sum + pagesOf(count), 0);
    assertEquals(days.get("LONGUSDT"), 1186);

    const report = await world.collect({ full: true });
    assertEquals(await world.files(), expected);
    const { symbols, requests, keys, added, changed, gone, late, odd, resumed } = report;
    assertEquals(
      { symbols, requests, keys, added, changed, gone, late, odd, resumed },
      {
        symbols: 13,
        requests: 2 + pages,
        keys: expected.length * 2,
        added: expected.length,
        changed: 0,
        gone: 0,
        late: 0,
        odd: 0,
        resumed: 0,
      },
    );
    assertEquals(report.newSymbols.length, 13);
    const { prefixes, keys: keyRequests } = world.bucket.take();
    assertEquals([prefixes, keyRequests], [2, pages]);
  });
});

Deno.test("an incremental run makes one request per symbol, and finds nothing new the second time", async () => {
  const past = history(smallListings(), { through: THROUGH });
  await withCollecting(past, "2026-03-30T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    world.clock = new Date(NOON);
    const trading = 10;
    const first = await world.collect();
    assertEquals([first.requests, first.added, first.late, first.gone], [14, trading * 2, 0, 0]);
    assertEquals(await world.files(), filesOf(past, world.clock));
    const second = await world.collect();
    assertEquals([second.requests, second.added, second.changed, second.gone], [14, 0, 0, 0]);
    assertEquals(second.newSymbols, []);
  });
});

Deno.test("more than 1,000 directories in one half take two pages of them", async () => {
  const many = Array.from(
    { length: 1_050 },
    (_, i) => listing(`S${String(i).padStart(4, "0")}USDT#1`, "2026-03-29"),
  );
  const past = history([...many, ...smallListings("2026-03-20").slice(-1)], { through: THROUGH });
  await withCollecting(past, NOON, async (world) => {
    const report = await world.collect({ full: true, concurrency: 32 });
    assertEquals([report.symbols, report.requests], [1_051, 3 + 1_051]);
    assertEquals(world.bucket.take().prefixes, 3);
    assertEquals(await world.files(), filesOf(past, world.clock));
  });
});

Deno.test("late, re-uploaded and removed files and a new symbol: what was known before is still answered", async () => {
  const past = history([...smallListings(), listing("NEWUSDT#1", "2026-03-25")], {
    through: THROUGH,
    late: [{ symbol: "ETHUSDT", from: "2026-03-20", days: 8 }],
    uploads: [{ symbol: "BTCUSDT", from: "2026-03-15", at: "2026-03-29T03:00:00.000Z" }],
    removals: [{ symbol: "XRPUSDT", from: "2026-03-16", at: "2026-03-29T04:00:00.000Z" }],
  });
  await withCollecting(past, "2026-03-26T12:00:00.000Z", async (world) => {
    const before = filesOf(past, world.clock);
    const one = await world.collect({ full: true });
    assertEquals(one.symbols, 12);
    world.clock = new Date("2026-03-29T12:00:00.000Z");
    const two = await world.collect();
    // 10 old symbols of 3 days each, 1 late file, NEWUSDT's 4 days.
    const { added, late, changed, gone, newSymbols } = two;
    assertEquals({ added, late, changed, gone, newSymbols }, {
      added: 10 * 3 + 1 + 4,
      late: 1,
      changed: 1,
      gone: 1,
      newSymbols: ["NEWUSDT"],
    });
    assertEquals(await world.files(), filesOf(past, world.clock));
    assertEquals(await world.files("2026-03-26T12:00:00.000Z"), before);
    assertEquals(await world.files("2026-03-26T11:59:59.999Z"), []);
    await world.withStore(async (store) => {
      const missing = async (symbol: string, asOf?: string) =>
        (await store.evidence(asOf)).filter((run) => run.symbol === symbol).map((r) => [
          r.from,
          r.to,
        ]);
      assertEquals<unknown>(await missing("XRPUSDT", one.startedAt), [[
        "2026-01-05",
        "2026-03-25",
      ]]);
      assertEquals<unknown>(await missing("XRPUSDT"), [
        ["2026-01-05", "2026-03-15"],
        ["2026-03-17", "2026-03-28"],
      ]);
      assertEquals<unknown>(await missing("ETHUSDT", one.startedAt), [
        ["2026-01-05", "2026-03-19"],
        ["2026-03-21", "2026-03-25"],
      ]);
      assertEquals<unknown>(await missing("ETHUSDT"), [["2026-01-05", "2026-03-28"]]);
    });
  });
});

Deno.test("what a run sees is known from when it was seen, not from when the run began", async () => {
  const past = history(smallListings(), { through: THROUGH });
  await withCollecting(past, "2026-03-26T23:50:00.000Z", async (world) => {
    const begun = world.clock;
    const lister = world.lister();
    const names = past.symbols.filter((symbol) => past.file(symbol, "1m", "2026-03-25" as Day));
    // Two days pass while the files are listed: the last symbols have files that came in between.
    const slow: typeof lister = {
      ...lister,
      get requests() {
        return lister.requests;
      },
      files(...args: Parameters<typeof lister.files>) {
        world.clock = new Date(world.clock.getTime() + 2 * 86_400_000 / names.length);
        return lister.files(...args);
      },
    };
    await world.withStore((store) =>
      collect(store, slow, { now: () => world.clock, concurrency: 1, full: true })
    );
    const until = (asOf?: string) => world.files(asOf).then((files) => files.map((f) => f.date));
    assertEquals(await until(begun.toISOString()), []);
    const early = await until("2026-03-26T23:59:59.999Z");
    assertEquals(early.filter((date) => date > "2026-03-25"), []);
    assertEquals((await until()).some((date) => date > "2026-03-25"), true);
  });
});

Deno.test("what an import lacks is found; to learn an ETag is no change, another size is one", async () => {
  const past = history(smallListings(), { through: THROUGH });
  await withCollecting(past, "2026-03-26T12:00:00.000Z", async (world) => {
    // The import has every second day; the others are found although the symbol is known.
    const files = filesOf(past, world.clock).filter(({ symbol }) => symbol === "BTCUSDT")
      .filter((_, i) => i % 2 === 0).map(({ date, bytes }, i) => ({
        date: parseDay(date),
        bytes: i < 3 ? bytes + 1 : bytes,
        lastModified: null,
        etag: null,
      }));
    await world.withStore(async (store) => {
      const run = await store.begin("import x", world.clock);
      const rest = { from: null, odd: [], keys: 1, pages: 0 };
      const seen = { symbol: "BTCUSDT", files: new FileColumns(files), ...rest };
      await store.learn(run, [seen], { fill: true });
      await store.finish(run, {}, world.clock);
    });
    const imported = world.clock.toISOString();
    world.clock = new Date("2026-03-26T13:00:00.000Z");
    const { changed, changes } = await world.collect();
    assertEquals([changed, changes.length], [3, 3]);
    assertEquals(await world.files(), filesOf(past, world.clock));
    const since = await world.withStore((store) => store.changesSince(imported, 9));
    assertEquals([since.changed, since.files.length], [3, 3]);
  });
});

Deno.test("what was imported of a symbol that the bucket does not have is gone", async () => {
  const past = history(smallListings(), { through: THROUGH });
  await withCollecting(past, "2026-03-26T12:00:00.000Z", async (world) => {
    const made = { date: parseDay("2026-03-20"), bytes: 40_000, lastModified: null, etag: null };
    await world.withStore(async (store) => {
      const run = await store.begin("import x", world.clock);
      const rest = { from: null, odd: [], keys: 1, pages: 0 };
      const seen = { symbol: "TESTBACKFILL2025USDT", files: new FileColumns([made]), ...rest };
      await store.learn(run, [seen], { fill: true });
      await store.finish(run, {}, world.clock);
    });
    world.clock = new Date("2026-03-26T13:00:00.000Z");
    const report = await world.collect({ full: true });
    assertEquals([report.gone, report.newSymbols.includes("TESTBACKFILL2025USDT")], [1, false]);
    assertEquals(await world.files(), filesOf(past, world.clock));
    assertEquals((await world.collect()).gone, 0);
  });
});

// `index.html` beside the directories is one of them.
Deno.test("odd keys are kept aside with the reason, and never become files", async () => {
  const day = parseDay("2026-03-20");
  const modified = "2026-03-21T07:30:00.000Z";
  const past = history(smallListings(), {
    through: THROUGH,
    odd: [
      ...quarantineKeys("SOLUSDT", day, modified),
      { key: `${KLINES_PREFIX}N\u0000LUSDT/1m/x.zip`, size: 9, lastModified: modified },
    ],
  });
  await withCollecting(past, NOON, async (world) => {
    const before = filesOf(past, world.clock);
    const report = await world.collect({ full: true });
    assertEquals(report.odd, 11);
    assertEquals(report.symbols, 12);
    // The empty file takes the place of the day's own.
    const expected = before.filter((f) => !(f.symbol === "SOLUSDT" && f.date === day));
    assertEquals(await world.files(), expected);
    const odd = await select(world.observations, "SELECT key, reason FROM odd_keys ORDER BY ALL");
    const own = `${KLINES_PREFIX}SOLUSDT/1m/SOLUSDT-1m-`;
    const shown = odd.map(([key, reason]) => [String(key), String(reason)]);
    assertEquals(shown.filter(([key]) => key!.startsWith(KLINES_PREFIX + "SOLUSDT/")), [
      [`${KLINES_PREFIX}SOLUSDT/1m/OTHERUSDT-1m-${day}.zip`, "not named SYMBOL-1m-DAY.zip"],
      [`${own}2024-02-30.zip`, "no such day"],
      [`${own}2024-1-5.zip`, "no such day"],
      [`${own}${day}.zip`, "empty file"],
      [`${own}${day}.zip.tmp`, "not named SYMBOL-1m-DAY.zip"],
      [`${own}${addDays(day, 400)}.zip`, "in the future"],
    ]);
    const names = shown.filter(([, reason]) => reason === "not the name of a symbol");
    assertEquals(names.length, 5);
    assertEquals(names.map(([key]) => key).filter((key) => key!.endsWith("/../")).length, 1);
    // Again: counted again, kept once.
    assertEquals((await world.collect({ full: true })).odd, 11);
    const [count] = await select(world.observations, "SELECT count(*) FROM odd_keys");
    assertEquals(Number(count![0]), odd.length);
    const inFolder = [...Deno.readDirSync(world.dir)].map((entry) => entry.name);
    assertEquals(inFolder, ["observations.duckdb"]);
  });
});

Deno.test("a listing without any symbol stops, and nothing is gone", async () => {
  const past = history(smallListings(), { through: THROUGH });
  await withCollecting(past, NOON, async (world) => {
    await world.collect({ full: true });
    const empty = history([listing("XUSDT#1", "2026-05-01" as Day)], { through: THROUGH });
    await withCollecting(empty, NOON, async (other) => {
      await world.withStore(async (store) => {
        const { collect } = await import("../../lib/jobs/collect.ts");
        const error = await assertRejects(
          () => collect(store, other.lister(), { now: () => world.clock }),
          BfaError,
        );
        assertEquals(error.code, "integrity");
      });
    });
    assertEquals(await world.files(), filesOf(past, world.clock));
  });
});
