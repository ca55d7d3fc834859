import { assertEquals } from "@std/assert";
import { delistings, newListings, snapshot, timeline } from "../../lib/core/answers.ts";
import { addDays } from "../../lib/core/day.ts";
import { formatListings } from "../../lib/core/listings_file.ts";
import { isSymbol } from "../../lib/core/symbol.ts";
import { seedListings, seedSource } from "../../lib/source/seed.ts";

const { listings, dataThrough } = await seedListings();
const seed = await seedSource();

const RELISTED = ["AIA", "BNX", "CTK", "CVC", "CVX", "ICP", "LIT", "MAVIA", "PUMP", "SLP", "TLM"]
  .map((base) => `${base}USDT`);

Deno.test("the seed holds 946 symbols in 957 listings, from 2019-12-31 to 2026-08-08", () => {
  assertEquals(listings.length, 957);
  assertEquals(seed.index.symbolCount, 946);
  assertEquals<string>(dataThrough, "2026-08-08");
  assertEquals<string>(seed.index.firstDay, "2019-12-31");
  assertEquals(seed.version, "2026-08-08.0");
});

Deno.test("the seed is in the form that `formatListings()` writes", async () => {
  const path = new URL("../../data/seed.json", import.meta.url);
  assertEquals(formatListings({ dataThrough, listings }) === await Deno.readTextFile(path), true);
});

Deno.test("the seed's relisted symbols have two listings each, and no others have", () => {
  const twice = seed.index.symbols.filter((symbol) => seed.index.lives(symbol).length > 1);
  assertEquals(twice, RELISTED);
  for (const symbol of RELISTED) {
    assertEquals(seed.index.lives(symbol).map((l) => l.id), [`${symbol}#1`, `${symbol}#2`]);
  }
});

Deno.test("ETHBTC has one listing in the seed, without halts: none is provable", () => {
  const [only, ...others] = seed.index.lives("ETHBTC");
  assertEquals(others, []);
  assertEquals(only!.halts, []);
  assertEquals(only!.quoteAsset, "BTC");
});

Deno.test("LITUSDT traded, was archived for most of a year, and came back as another listing", () => {
  const { listings: lives } = timeline(seed, "LITUSDT");
  assertEquals<unknown>(
    lives.map(({ id, first, lastTraded, last }) => [id, first, lastTraded, last]),
    [
      ["LITUSDT#1", "2021-02-18", "2025-01-31", "2025-12-22"],
      ["LITUSDT#2", "2025-12-23", null, null],
    ],
  );
  const { rows } = timeline(seed, "LITUSDT", {
    from: "2025-01-30",
    to: "2025-12-24",
    detail: true,
  });
  const on = (date: string) => rows!.find((row) => row.date === date)!;
  const states = ["2025-01-31", "2025-02-01", "2025-12-22", "2025-12-23"].map((day) =>
    on(day).state
  );
  assertEquals(states, ["traded", "archived", "archived", "traded"]);
  assertEquals(on("2025-12-22").listing, "LITUSDT#1");
  assertEquals(on("2025-12-23").listing, "LITUSDT#2");
});

Deno.test("LITUSDT is a delisting on 2025-02-01 and a relisting on 2025-12-23", () => {
  const ended = delistings(seed, { from: "2025-02-01" }).events;
  assertEquals<unknown>(ended.filter((e) => e.symbol === "LITUSDT"), [{
    date: "2025-02-01",
    symbol: "LITUSDT",
    listing: "LITUSDT#1",
    contractType: "perpetual",
    quoteAsset: "USDT",
    lastTraded: "2025-01-31",
  }]);
  const began = newListings(seed, { from: "2025-12-23" }).events;
  assertEquals<unknown>(began.filter((e) => e.symbol === "LITUSDT"), [{
    date: "2025-12-23",
    symbol: "LITUSDT",
    listing: "LITUSDT#2",
    contractType: "perpetual",
    quoteAsset: "USDT",
    relisting: true,
  }]);
});

Deno.test("NMRUSDT has the seed's only gap: one day, on which it was not delisted", () => {
  const irregular = listings.filter((l) => l.gaps.length + l.halts.length > 0);
  assertEquals(irregular.map((l) => l.id), ["NMRUSDT#1"]);
  const on = (day: string) =>
    snapshot(seed, day, { states: ["traded"] }).symbols.includes("NMRUSDT");
  assertEquals(["2023-11-08", "2023-11-09", "2023-11-10"].map(on), [true, false, true]);
  assertEquals(timeline(seed, "NMRUSDT").days.missing, 1);
  assertEquals(timeline(seed, "NMRUSDT").listings[0]!.lastTraded, null);
});

Deno.test("the seed's delivery contracts end on the day in their name", () => {
  const delivered = listings.filter((l) => l.contractType === "delivery" && l.last !== null);
  assertEquals(delivered.length, 42);
  for (const { symbol, lastTraded, last } of delivered) {
    const day = symbol.slice(-6).replace(/(..)(..)(..)/, "20$1-$2-$3");
    assertEquals<unknown>([lastTraded, last], [day, day], symbol);
  }
});

Deno.test("the seed's listings do not overlap, and are in order", () => {
  listings.forEach((listing, i) => {
    const before = listings[i - 1];
    assertEquals(isSymbol(listing.symbol), true);
    assertEquals(listing.lastTraded === null || listing.first <= listing.lastTraded, true);
    if (before?.symbol === listing.symbol) {
      assertEquals(before.last !== null && before.last < listing.first, true, listing.id);
      assertEquals(before.lastTraded! < addDays(listing.first, -1), true, listing.id);
    } else if (before) assertEquals(before.symbol < listing.symbol, true, listing.id);
  });
});
