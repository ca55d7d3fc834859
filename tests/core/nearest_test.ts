import { assertEquals } from "@std/assert";
import { nearestNames } from "../../lib/core/nearest.ts";
import { seedSource } from "../../lib/source/seed.ts";

Deno.test("`nearestNames()` suggests the usual quote asset first", async () => {
  const { index } = await seedSource();
  const cases: [string, string[]][] = [
    ["BTCUSD", ["BTCUSDT", "BTCUSD1", "BTCUSDC"]],
    ["btcusd", ["BTCUSDT", "BTCUSD1", "BTCUSDC"]],
    ["ETHUSDTT", ["ETHUSDT", "ATHUSDT", "ETCUSDT"]],
    ["BTCUSDT_240629", ["BTCUSDT_240329", "BTCUSDT_240628", "BTCUSDT_210625"]],
    ["XXXXXXXXXXXXX", []],
    ["", []],
  ];
  for (const [name, expected] of cases) {
    assertEquals(nearestNames(name, index.symbols), expected, name);
  }
});

Deno.test("`nearestNames()` returns at most as many as asked for, best first", () => {
  const symbols = ["AAAUSDT", "AABUSDT", "AACUSDT", "AADUSDT", "ZZZUSDT"];
  assertEquals(nearestNames("AABUSDT", symbols), ["AABUSDT", "AAAUSDT", "AACUSDT"]);
  assertEquals(nearestNames("AABUSDT", symbols, 1), ["AABUSDT"]);
  assertEquals(nearestNames("AABUSDT", symbols, 0), []);
  assertEquals(nearestNames("AABUSDT", []), []);
});

Deno.test("`nearestNames()` takes capitals and small letters for the same, and gives back the name as it is", () => {
  const commands = ["snapshot", "timeline", "new-listings"];
  assertEquals(nearestNames("SNAPSHOTS", commands, 1), ["snapshot"]);
  assertEquals(nearestNames("newlistings", commands, 1), ["new-listings"]);
  assertEquals(nearestNames("q", commands), []);
});
