import { assertEquals } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { KLINES_PREFIX, markerBefore, symbolOfPrefix } from "../../lib/core/vision_keys.ts";
import type { BucketPage } from "../../lib/source/bucket_page.ts";
import { history } from "../helpers/bucket_history.ts";
import { withCollecting } from "../helpers/collecting.ts";

const PAST = history([
  listing("BTCUSDT#1", "2024-01-01"),
  listing("币安人生USDT#1", "2024-01-01"),
], { through: parseDay("2026-03-31") });

for (const symbol of ["BTCUSDT", "币安人生USDT"]) {
  Deno.test(`files() pages through ${symbol}, whole or after a marker`, async () => {
    await withCollecting(PAST, "2026-04-01T12:00:00.000Z", async (world) => {
      for (const bare of [true, false]) {
        world.bucket.bareXml = bare;
        const lister = world.lister();
        const whole: BucketPage[] = await Array.fromAsync(lister.files(symbol));
        assertEquals(whole.map(({ keys, objects }) => [keys, objects.length]), [
          [1000, 500],
          [642, 321],
        ]);
        const marker = markerBefore(symbol, parseDay("2026-03-31"));
        const after = await Array.fromAsync(lister.files(symbol, { marker }));
        const start = `data/futures/um/daily/klines/${symbol}/1m/${symbol}-1m-2026-03-31.zip`;
        const seen = after.map(({ keys, objects }) => [keys, objects.map(({ key }) => key)]);
        assertEquals(seen, [[2, [start]]]); // its CHECKSUM is counted, and left out
        assertEquals(lister.requests, 3);
      }
    });
  });
}

Deno.test("directories() names every symbol once, with a request for each half", async () => {
  await withCollecting(PAST, "2026-04-01T12:00:00.000Z", async (world) => {
    const lister = world.lister();
    const prefixes = await Array.fromAsync(lister.directories());
    assertEquals(prefixes.map(symbolOfPrefix), ["BTCUSDT", "币安人生USDT"]);
    assertEquals(lister.requests, 2);
  });
});

Deno.test("directories() takes each half to its end, and no name twice", async () => {
  const names = ["LZUSDT", "M", "MUSDT", "ZUSDT", "龙虾USDT"];
  const many = Array.from({ length: 1_001 }, (_, i) => `A${String(i).padStart(4, "0")}USDT`);
  const lives = [...many, ...names.filter((name) => name !== "M")];
  const past = history(lives.map((symbol) => listing(`${symbol}#1`, "2026-03-29")), {
    through: parseDay("2026-03-31"),
    odd: [{ key: `${KLINES_PREFIX}M`, size: 1, lastModified: "2026-03-31T07:00:00.000Z" }],
  });
  await withCollecting(past, "2026-04-01T12:00:00.000Z", async (world) => {
    const lister = world.lister();
    const found = await Array.fromAsync(lister.directories());
    assertEquals(found.slice(0, 2), [`${KLINES_PREFIX}A0000USDT/`, `${KLINES_PREFIX}A0001USDT/`]);
    assertEquals(found.slice(-5).sort(), [
      `${KLINES_PREFIX}LZUSDT/`,
      `${KLINES_PREFIX}M`, // an object, just at the middle
      `${KLINES_PREFIX}MUSDT/`,
      `${KLINES_PREFIX}ZUSDT/`,
      `${KLINES_PREFIX}龙虾USDT/`,
    ]);
    assertEquals(found.length, 1_001 + 5);
    assertEquals(lister.requests, 3); // the lower half has two pages
  });
});
