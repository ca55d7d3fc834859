/** What a later version says of days that an earlier one knew already: sizes and volumes too. */

import { assertEquals, assertRejects } from "@std/assert";
import { addDays, parseDay } from "../../lib/core/day.ts";
import type { DiffAnswer, DiffRow } from "../../lib/core/diff.ts";
import { loadListings } from "../../lib/jobs/load_listings.ts";
import { mirrorRows } from "../../lib/jobs/row_source.ts";
import { type DiffSide, VersionDiff } from "../../lib/jobs/version_diff.ts";
import { type Dataset, open } from "../../lib/mod.ts";
import { httpMirror } from "../../lib/mirror/http.ts";
import { httpClient } from "../../lib/net/client.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { type TestPublisher, withPublisher } from "../helpers/publisher.ts";
import { type RangeServer, serveRanges } from "../helpers/range_server.ts";
import { listing } from "../helpers/listing.ts";

const A = "2024-03-31.1";
const B = "2024-04-01.1";

/** A day more, a listing that is found to be older, a size and two volumes that are now others. */
const LATER = {
  dataThrough: parseDay("2024-04-01"),
  listings: MANY_LISTINGS.listings.map((one) =>
    one.symbol === "THREEUSDT" ? listing("THREEUSDT#1", "2024-03-27") : one
  ),
};
const REVISE = [
  "UPDATE files SET file_size_bytes = 50001 WHERE symbol = 'S05USDT' AND date = '2024-02-10'",
  "UPDATE klines SET quote_volume_usdt = 123.5, trade_count = 7 WHERE symbol = 'S06USDT' AND date = '2023-12-20'",
  "UPDATE klines SET quote_volume_usdt = 9.25 WHERE symbol = 'S06USDT' AND date = '2024-02-10'",
];

async function withTwo(test: (world: TestPublisher, server: RangeServer) => Promise<void>) {
  await withPublisher(async (world) => {
    await publishNumbers(world, A, MANY_LISTINGS);
    await publishNumbers(world, B, LATER, { revise: REVISE });
    const server = serveRanges(world.mirrorDir);
    try {
      await test(world, server);
    } finally {
      await server.close();
    }
  });
}

/** A version as the service compares it, with nothing in memory. */
function sides(world: TestPublisher, server: RangeServer) {
  const mirror = httpMirror(server.url, httpClient());
  return async (version: string): Promise<DiffSide> => {
    const { store } = world.publisher;
    const stored = (await store.bySequence((await store.sequenceOf(version))!))!;
    const { signed } = stored.manifest;
    const source = { version, index: await loadListings(mirror, signed) };
    return { stored, source, pieces: mirrorRows(mirror, signed).pieces };
  };
}

/** What the rows say, without the new day's. */
function known({ rows }: DiffAnswer): unknown[] {
  return rows.filter((row) => row.class !== "new day")
    .map(({ date, symbol, change, class: why, fields }) => [date, symbol, change, why, fields]);
}

async function value(bfa: Dataset, version: string, symbol: string, day: string, field: keyof Row) {
  return (await bfa.at(version).rows({ symbol, from: day, to: day, columns: "all" })).rows[0]![
    field
  ];
}
type Row = Awaited<ReturnType<Dataset["rows"]>>["rows"][number];

Deno.test("a size or a volume that was revised is told with both values, from a copy and without one", async () => {
  await withTwo(async (world, server) => {
    const now = () => world.clock;
    const copy = await open({ endpoint: server.url, cacheDir: null, now });
    const answer = await copy.diff(A, B);
    assertEquals(answer.numbers, true);
    assertEquals(answer.classes, { "new day": 62, listing: 2, revision: 3 });
    assertEquals(answer.count, 67);
    const was = async (symbol: string, day: string, field: keyof Row) =>
      await value(copy, A, symbol, day, field);
    assertEquals(known(answer), [
      ["2023-12-20", "S06USDT", "changed", "revision", {
        quoteVolumeUsdt: [await was("S06USDT", "2023-12-20", "quoteVolumeUsdt"), 123.5],
        tradeCount: [await was("S06USDT", "2023-12-20", "tradeCount"), 7],
      }],
      ["2024-02-10", "S05USDT", "changed", "revision", {
        fileSizeBytes: [await was("S05USDT", "2024-02-10", "fileSizeBytes"), 50001],
      }],
      ["2024-02-10", "S06USDT", "changed", "revision", {
        quoteVolumeUsdt: [await was("S06USDT", "2024-02-10", "quoteVolumeUsdt"), 9.25],
      }],
      ["2024-03-27", "THREEUSDT", "added", "listing", undefined],
      ["2024-03-28", "THREEUSDT", "added", "listing", undefined],
    ]);

    server.take();
    const remote = await open({ endpoint: server.url, copy: "none", cacheDir: null, now });
    assertEquals(await remote.diff(A, B), answer);
    // Two manifests are found by way of the newest; then two listings, two indexes, and of each version the
    // blocks of the three months that have something to compare.
    const seen = server.take().filter(({ range }) => range !== null);
    assertEquals(seen.map(({ path }) => path), [
      ...Array(2).fill("blocks/availability.parquet"),
      ...Array(6).fill("availability.parquet"),
    ]);
    const whole = (await remote.manifest()).signed.artifacts
      .find(({ name }) => name === "availability.parquet")!.bytes;
    const bytes = seen.reduce((sum, { bytes }) => sum + bytes, 0);
    assertEquals(bytes < whole, true, `${bytes} of 2 × ${whole}`);

    // The other way round everything is there with its sides changed.
    const back = await remote.diff(B, A);
    assertEquals(back.classes, answer.classes);
    const turned = (row: DiffRow) => ({
      ...row,
      change: row.change === "added" ? "removed" : row.change,
      before: row.after,
      after: row.before,
      ...(row.fields
        ? {
          fields: Object.fromEntries(Object.entries(row.fields).map(([n, [x, y]]) => [n, [y, x]])),
        }
        : {}),
    });
    assertEquals<unknown>(back.rows, answer.rows.map(turned));
  });
});

Deno.test("pages of a comparison read only the months they show, once its months are counted", async () => {
  await withTwo(async (world, server) => {
    const side = sides(world, server);
    const diff = new VersionDiff(await side(A), await side(B));
    const whole = await diff.answer();
    const pages: DiffRow[] = [];
    for (let offset = 0; offset < whole.count; offset += 3) {
      const page = await diff.answer({ offset, limit: 3 });
      assertEquals([page.count, page.classes], [whole.count, whole.classes]);
      pages.push(...page.rows);
    }
    assertEquals(pages, whole.rows);

    const only = await diff.answer({ class: "revision", offset: 1, limit: 1 });
    assertEquals([only.count, only.rows.map(({ symbol }) => symbol)], [3, ["S05USDT"]]);
    const one = await diff.answer({ symbol: "s06usdt", class: "revision" });
    assertEquals([one.count, one.classes], [2, { "new day": 1, listing: 0, revision: 2 }]);

    // Nothing to compare in April, and everything before it is counted: no request at all.
    const fresh = new VersionDiff(await side(A), await side(B));
    await fresh.answer({ limit: 0 });
    server.take();
    const last = await fresh.answer({ offset: whole.count - 5, limit: 5 });
    assertEquals([last.rows, server.take()], [whole.rows.slice(-5), []]);

    const signal = AbortSignal.abort(new DOMException("left", "AbortError"));
    await assertRejects(() => fresh.answer({ symbol: "S06USDT", signal }), DOMException, "left");
  });
});

Deno.test("a comparison of one symbol is that part of the whole one, and reads that symbol alone", async () => {
  await withPublisher(async (world) => {
    await publishNumbers(world, A, MANY_LISTINGS);
    // Every block differs.
    const revise = [
      ...REVISE,
      "UPDATE klines SET trade_count = trade_count + 1 WHERE symbol = 'S00USDT'",
    ];
    await publishNumbers(world, B, LATER, { revise });
    const server = serveRanges(world.mirrorDir);
    try {
      const side = sides(world, server);
      const whole = await new VersionDiff(await side(A), await side(B)).answer();
      const now = () => world.clock;
      const copy = await open({ endpoint: server.url, cacheDir: null, now });
      for (const symbol of ["S00USDT", "S05USDT", "S06USDT", "S07USDT", "THREEUSDT", "NONEUSDT"]) {
        const diff = new VersionDiff(await side(A), await side(B));
        server.take();
        const answer = await diff.answer({ symbol });
        const seen = server.take().map(({ path }) => path).sort();
        const rows = whole.rows.filter((row) => row.symbol === symbol);
        assertEquals([answer.rows, answer.count], [rows, rows.length], symbol);
        // Of each version the index, and one block; of a symbol that is not in both, nothing.
        const read = ["availability-by-symbol.parquet", "blocks/availability.parquet"]
          .flatMap((name) => [name, name]);
        assertEquals(seen, symbol === "NONEUSDT" ? [] : read, symbol);
        assertEquals(await copy.diff(A, B, { symbol }), answer, symbol);

        const only = { class: "revision", offset: 1, limit: 2 } as const;
        assertEquals(
          (await diff.answer({ symbol, ...only })).rows,
          rows.filter((row) => row.class === "revision").slice(1, 3),
        );
      }
    } finally {
      await server.close();
    }
  });
});

Deno.test("versions without rows are compared by their listings, and the answer says so", async () => {
  await withPublisher(async (world) => {
    await publishNumbers(world, A, MANY_LISTINGS);
    await world.publishListings(B, LATER.listings);
    const server = serveRanges(world.mirrorDir);
    try {
      const now = () => world.clock;
      const bfa = await open({ endpoint: server.url, cacheDir: null, now });
      const { numbers, classes } = await bfa.diff(A, B);
      assertEquals([numbers, classes], [false, { "new day": 62, listing: 2, revision: 0 }]);
      assertEquals((await bfa.diff(A, A)).count, 0);
      assertEquals((await bfa.diff(A, "latest")).classes, classes);
      assertEquals((await bfa.diff("latest", "latest")).b, B);
      assertEquals(await bfa.rows({ day: "latest" }).catch(({ code }) => code), "not_found");
    } finally {
      await server.close();
    }
  });
});

Deno.test("whole files that end before the version are not what it is compared by", async () => {
  await withPublisher(async (world) => {
    await publishNumbers(world, A, MANY_LISTINGS);
    await publishNumbers(world, B, LATER, { revise: REVISE, wholeFiles: "monthly" });
    const server = serveRanges(world.mirrorDir);
    try {
      const now = () => world.clock;
      for (const copy of [undefined, "none"] as const) {
        const bfa = await open({ endpoint: server.url, cacheDir: null, copy, now });
        const whole = (await bfa.at(B).manifest()).signed.artifacts
          .find(({ name }) => name === "availability.parquet");
        assertEquals(whole?.dataThrough, "2024-02-29");
        const { classes } = await bfa.diff(A, B);
        assertEquals(classes, { "new day": 62, listing: 2, revision: 3 });
      }
    } finally {
      await server.close();
    }
  });
});

Deno.test("months turn into a year: parts of other periods are compared all the same", async () => {
  const ends = (day: string) => ({
    dataThrough: parseDay(day),
    listings: MANY_LISTINGS.listings.slice(0, 3),
  });
  await withPublisher(async (world) => {
    const [first, second] = ["2024-12-31.1", "2025-01-01.1"];
    world.clock = new Date("2025-01-02T12:00:00Z");
    await publishNumbers(world, first, ends("2024-12-31"));
    const revise = [
      "UPDATE files SET file_size_bytes = 1 WHERE symbol = 'S01USDT' AND date = '2024-05-31'",
    ];
    await publishNumbers(world, second, ends("2025-01-01"), { revise });
    const server = serveRanges(world.mirrorDir);
    try {
      const bfa = await open({ endpoint: server.url, cacheDir: null, now: () => world.clock });
      const { classes, rows } = await bfa.diff(first, second);
      assertEquals(classes, { "new day": 3, listing: 0, revision: 1 });
      assertEquals([rows[0]!.date, Object.keys(rows[0]!.fields!)], ["2024-05-31", [
        "fileSizeBytes",
      ]]);
      assertEquals(addDays(rows[1]!.date, -1), "2024-12-31");
    } finally {
      await server.close();
    }
  });
});
