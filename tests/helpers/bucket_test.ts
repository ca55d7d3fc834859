import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { listing } from "./listing.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { compareKeys } from "./bucket_bytes.ts";
import { history } from "./bucket_history.ts";
import { KeySpace } from "./bucket_keys.ts";
import { madeUpListings } from "./bucket_lives.ts";
import { KLINES_ROOT as ROOT, quarantineKeys } from "./bucket_odd.ts";
import { LATER, serve, THROUGH } from "./bucket_served.ts";

const { listings } = await seedListings();

Deno.test("a page of keys has the shape of a real one", async () => {
  await using served = serve([listing("BTCUSDT#1", "2019-12-31")]);
  const page = await served.list({ prefix: `${ROOT}BTCUSDT/1m/` });
  assertStringIncludes(
    page,
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>data.binance.vision</Name>' +
      "<Prefix>data/futures/um/daily/klines/BTCUSDT/1m/</Prefix><Marker></Marker>" +
      "<MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>" +
      "<Contents><Key>data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2019-12-31.zip</Key>" +
      "<LastModified>2020-01-02T0",
  );
  assertMatch(
    page,
    /\.000Z<\/LastModified><ETag>&quot;[0-9a-f]{32}&quot;<\/ETag><Size>\d+<\/Size><StorageClass>STANDARD<\/StorageClass><\/Contents>/,
  );
  assertStringIncludes(page, "BTCUSDT-1m-2019-12-31.zip.CHECKSUM</Key><LastModified>");
  assertStringIncludes(page, "<Size>92</Size>");
  assert(!page.includes("NextMarker"));
});

Deno.test("groups have the shape of real ones, with the empty directory", async () => {
  await using served = serve([listing("BTCUSDT#1", "2019-12-31")]);
  const page = await served.list({ prefix: `${ROOT}BTCUSDT/`, delimiter: "/" });
  const groups = ["/", "1d/", "1m/"]
    .map((name) => `<CommonPrefixes><Prefix>${ROOT}BTCUSDT/${name}</Prefix></CommonPrefixes>`);
  assertEquals(
    page.replace(/^.*\n/, ""),
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>data.binance.vision</Name>' +
      "<Prefix>data/futures/um/daily/klines/BTCUSDT/</Prefix><Marker></Marker><MaxKeys>1000</MaxKeys>" +
      `<Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>${
        groups.join("")
      }</ListBucketResult>`,
  );
  served.bucket.bareXml = true;
  assertStringIncludes(
    await served.list({ prefix: ROOT, delimiter: "/", "max-keys": "1" }),
    `<ListBucketResult><Prefix>${ROOT}</Prefix><IsTruncated>false</IsTruncated><CommonPrefixes>`,
  );
});

Deno.test("1,000 and more symbols take two pages, in the order of bytes", async () => {
  await using served = serve([...listings, ...madeUpListings(130)], { through: THROUGH });
  const first = await served.list({ prefix: ROOT, delimiter: "/" });
  const marker = /<NextMarker>([^<]*)/.exec(first)![1]!;
  assertStringIncludes(first, `<IsTruncated>true</IsTruncated><NextMarker>${marker}<`);
  const second = await served.list({ prefix: ROOT, delimiter: "/", marker });
  const found = [...groupsOf(first), ...groupsOf(second)];
  assertEquals(groupsOf(first).length, 1000);
  assertEquals(groupsOf(first).at(-1), marker);
  assertEquals(found, [...new Set(found)].sort(compareKeys));
  const { symbols, past } = { symbols: served.history.symbols, past: served.history };
  const open = symbols.filter((symbol) => past.past(symbol).openedAt("1m") <= LATER);
  assertEquals(found, open.map((symbol) => `${ROOT}${symbol}/`));
  assertEquals(found.slice(-3).map((key) => key.slice(ROOT.length)), [
    "币安人生USDT/",
    "我踏马来了USDT/",
    "龙虾USDT/",
  ]);
  // Encoded twice, the marker is another text, which sorts before all: the list starts again.
  const twice = encodeURIComponent(`${ROOT}币安人生USDT/`).replaceAll("%", "%25");
  const wrong = await served.get(`?delimiter=/&prefix=${ROOT}&marker=${twice}`);
  assertEquals(groupsOf(await wrong.text())[0], found[0]);
  const once = await served.list({
    prefix: ROOT,
    delimiter: "/",
    marker: `${ROOT}币安人生USDT/`,
  });
  assertEquals(groupsOf(once), found.slice(-2));
});

Deno.test("paging returns every key once, from any marker, as sorting all keys does", () => {
  const past = history([
    listing("BTCUSDT#1", "2026-07-01"),
    listing("BTCUSDT_260925#1", "2026-07-30"),
    listing("BTCUSDTSETTLED#1", "2026-07-02", "2026-07-05", "2026-07-09"),
    listing("龙虾USDT#1", "2026-08-01"),
  ], {
    through: THROUGH,
    odd: quarantineKeys("BTCUSDT", parseDay("2026-07-04"), at("2026-07-05")),
  });
  const keys = new KeySpace(past);
  const all = keys.page({ prefix: "", marker: "", delimiter: "", maxKeys: 1e6 }, LATER).objects
    .map(({ binary }) => binary);
  // (39 + 10 + 8 + 8) days × 2 intervals × (ZIP, CHECKSUM) + 9 odd keys + the empty directory.
  assertEquals(all.length, (39 + 10 + 8 + 8) * 4 + 10);
  assertEquals(all, [...new Set(all)].sort());
  for (const marker of ["", ...all, `${ROOT}BTCUSDT`, `${ROOT}BTCUSDT/1m/BTCUSDT-1m-2026-07-2`]) {
    for (const maxKeys of [1, 7]) {
      const page = keys.page({ prefix: ROOT, marker, delimiter: "", maxKeys }, LATER);
      const expected = all.filter((key) => key > marker);
      assertEquals(page.objects.map(({ binary }) => binary), expected.slice(0, maxKeys));
      assertEquals(page.isTruncated, expected.length > maxKeys);
    }
  }
});

Deno.test("the clock decides: D+1 in the morning, D+2 for a new symbol, late files, repairs", () => {
  const past = history([listing("AAAUSDT#1", "2026-08-01")], {
    through: THROUGH,
    late: [{ symbol: "AAAUSDT", from: "2026-08-03", days: 3 }],
    uploads: [{ from: "2026-08-04", at: at("2026-08-07") }],
    gaps: [{ from: "2026-08-05" }],
  });
  const seen = (now: string) => {
    const keys = new KeySpace(past);
    const query = { prefix: `${ROOT}AAAUSDT/1m/`, marker: "", delimiter: "", maxKeys: 1000 };
    return keys.page(query, Date.parse(now)).objects
      .map(({ binary }) => /-(\d\d)\.zip$/.exec(binary)?.[1]).filter(Boolean).join(" ");
  };
  assertEquals(seen("2026-08-02T23:00:00Z"), "");
  assertEquals(seen("2026-08-03T06:56:58Z"), "");
  assertEquals(seen("2026-08-03T08:40:00Z"), "01 02");
  assertEquals(seen("2026-08-05T12:00:00Z"), "01 02 04");
  assertEquals(seen("2026-08-07T12:00:00Z"), "01 02 03 04 06");
  const [before, after] = ["2026-08-06T12:00:00Z", "2026-08-07T12:00:00Z"]
    .map((now) => past.file("AAAUSDT", "1m", parseDay("2026-08-04"), Date.parse(now))!);
  assertEquals([before!.version, after!.version], [0, 1]);
  assertEquals(after!.lastModified, at("2026-08-07"));
  assert(before!.size !== after!.size && before!.etag !== after!.etag);
  const rows = [...past.expectedRows(undefined, Date.parse("2026-08-05T12:00:00Z"))];
  assertEquals(rows.map((row) => Number(row.available)).join(""), "11010000");
});

Deno.test("endings, ghosts and relistings change the lives and the rows", () => {
  const past = history([listing("LITUSDT#1", "2026-01-01")], {
    through: THROUGH,
    endings: [{ symbol: "LITUSDT", lastTraded: "2026-02-01", last: "2026-02-03" }],
    ghosts: [{ symbol: "LITUSDT", from: "2026-02-05", to: "2026-02-06" }],
    relistings: [{ symbol: "LITUSDT", first: "2026-08-01" }],
  });
  assertEquals(
    past.listings.map(({ id, first, lastTraded, last, gaps }) => [
      id,
      first,
      lastTraded,
      last,
      gaps.join(),
    ]),
    [
      ["LITUSDT#1", "2026-01-01", "2026-02-01", "2026-02-06", "2026-02-04,2026-02-04"],
      ["LITUSDT#2", "2026-08-01", null, null, ""],
    ],
  );
  const rows = [...past.expectedRows()].slice(31);
  assertEquals(
    rows.map((row) => row.available ? row.traded ? "T" : "a" : "-").join(""),
    "Taa-aa" + "TTTTTTTT",
  );
  for (const { available, traded, size, numbers } of rows) {
    if (!available) assertEquals([size, numbers], [null, null]);
    else if (!traded) assert(size! >= 7400 && size! <= 8100 && numbers!.volume === 0);
    else assert(size! <= 68_000 && numbers!.count > 0 && numbers!.high >= numbers!.low);
  }
});

Deno.test("the same history is made twice; sizes lie in the real ranges", () => {
  const twenty = listings.filter((_, i) => i % 50 === 0);
  const [one, two] = [history(twenty, { through: THROUGH }), history(twenty, { through: THROUGH })];
  const again = two.expectedRows();
  let [live, small, rows] = [0, 0, 0];
  for (const row of one.expectedRows()) {
    assertEquals(again.next().value, row);
    rows++;
    if (!row.traded) continue;
    live++;
    if (row.size! < 31_000) small++;
  }
  assert(again.next().done);
  assert(rows > 8000 && live > 0.8 * rows && small < 40, `${rows} ${live} ${small}`);
});

Deno.test("all keys of twenty symbols are paged through, none is held", async () => {
  const twenty = listings.filter(({ first }) => first < "2021-01-01").slice(0, 20);
  await using served = serve(twenty);
  let [keys, pages] = [0, 0];
  for (const symbol of served.history.symbols) {
    const prefix = `${ROOT}${symbol}/1m/`;
    for (let marker = "", more = true; more; pages++) {
      const page = await served.list({ prefix, marker });
      const found = [...page.matchAll(/<Key>([^<]*)/g)].map((match) => match[1]!);
      assert(found[0]! > marker);
      keys += found.length;
      marker = found.at(-1)!;
      more = page.includes("<IsTruncated>true");
    }
  }
  let files = 0;
  for (const row of served.history.expectedRows()) if (row.available) files++;
  assertEquals(keys, 2 * files);
  assertEquals(served.bucket.counts.keys, pages);
  assert(pages > 40, String(pages));
});

function at(day: string): string {
  return `${day}T09:00:00.000Z`;
}

function groupsOf(page: string): string[] {
  return [...page.matchAll(/<CommonPrefixes><Prefix>([^<]*)/g)].map((match) => match[1]!);
}
