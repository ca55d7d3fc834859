import { assertEquals } from "@std/assert";
import { nearestNames, nearestSymbols } from "../../lib/core/nearest.ts";
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

Deno.test("`nearestSymbols()` knows what a symbol is called elsewhere", async () => {
  const { index } = await seedSource();
  const cases: [string, string[]][] = [
    ["BTC", ["BTCUSDT"]],
    ["btc-usdt", ["BTCUSDT"]],
    ["BTCUSDT.P", ["BTCUSDT"]],
    ["BTC/USDT", ["BTCUSDT"]],
    ["BTC/USDT:USDT", ["BTCUSDT"]],
    ["BTC/USDC:USDC", ["BTCUSDC"]],
    ["BTC/USDT:USDT-240628", ["BTCUSDT_240628"]],
    ["PEPE", ["1000PEPEUSDT"]],
    ["BONKUSDT", ["1000BONKUSDT"]],
    ["BABYDOGE", ["1MBABYDOGEUSDT"]],
    ["币安人生", ["币安人生USDT"]],
    ["BTCUSD", ["BTCUSDT", "BTCUSD1", "BTCUSDC"]], // as nearestNames()
    ["BITCOIN", []],
    ["", []],
  ];
  for (const [name, expected] of cases) {
    assertEquals(nearestSymbols(name, index.symbols), expected, name);
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
