import { assertEquals } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { markerBefore, symbolOfPrefix } from "../../lib/core/vision_keys.ts";
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

Deno.test("directories() names every symbol once, with one request", async () => {
  await withCollecting(PAST, "2026-04-01T12:00:00.000Z", async (world) => {
    const lister = world.lister();
    const prefixes = await Array.fromAsync(lister.directories());
    assertEquals(prefixes.map(symbolOfPrefix), ["BTCUSDT", "币安人生USDT"]);
    assertEquals(lister.requests, 1);
  });
});
