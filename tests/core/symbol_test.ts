import { assertEquals } from "@std/assert";
import { isSymbol, nearestSymbols, quoteAssetOf } from "../../lib/core/symbol.ts";
import { seedSource } from "../../lib/source/seed.ts";

Deno.test("`isSymbol()` accepts the odd names that exist", () => {
  const real = [
    "BTCUSDT",
    "币安人生USDT",
    "42USDT",
    "1000000BOBUSDT",
    "BTCUSDT_240628",
    "AERGOUSDTSETTLED",
    "AERGOUSDTSETTLEDSETTLED",
    "ICPUSDT_SETTLED",
    "ETHBTC",
    "BTCU",
  ];
  for (const symbol of real) assertEquals(isSymbol(symbol), true, symbol);
});

Deno.test("`isSymbol()` refuses what could harm a path, a page, a terminal or a query", () => {
  const hostile = [
    "",
    " ",
    ".",
    "..",
    "../x",
    "..%2fx",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "BTCUSDT\n",
    " BTCUSDT",
    "<script>",
    "a&b",
    "a'b",
    'a"b',
    "a;b",
    "-rf",
    "\u001b[31m",
    "a\u202eb",
    "_",
    "_240628",
    "BTCUSDT_",
    "BTCUSDT_240628_1",
    "BTCUSDT_settled",
    "\ud800",
    "A".repeat(61),
    "A".repeat(100_000),
    `A_${"1".repeat(60)}`,
  ];
  for (const text of hostile) assertEquals(isSymbol(text), false, JSON.stringify(text));
});

Deno.test("`quoteAssetOf()` reads the quote asset from the name", () => {
  const cases: [string, string | null][] = [
    ["BTCUSDT", "USDT"],
    ["BTCUSDC", "USDC"],
    ["BTCBUSD", "BUSD"],
    ["BTCUSD1", "USD1"],
    ["ETHBTC", "BTC"],
    ["BTCU", "U"],
    ["ETHUSDT_240628", "USDT"],
    ["BTCBUSD_210129", "BUSD"],
    ["ICPUSDT_SETTLED", "USDT"],
    ["AERGOUSDTSETTLED", "USDT"],
    ["AERGOUSDTSETTLEDSETTLED", "USDT"],
    ["币安人生USDT", "USDT"],
    ["USDT", null],
    ["BTC", null],
    ["XYZ", null],
    ["", null],
  ];
  for (const [symbol, quote] of cases) assertEquals(quoteAssetOf(symbol), quote, symbol);
});

Deno.test("`quoteAssetOf()` agrees with every quote asset in the seed", async () => {
  const { index } = await seedSource();
  for (const { symbol, quoteAsset } of index.listings) {
    assertEquals(quoteAssetOf(symbol), quoteAsset, symbol);
  }
});

Deno.test("`nearestSymbols()` suggests the usual quote asset first", async () => {
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
    assertEquals(nearestSymbols(name, index.symbols), expected, name);
  }
});

Deno.test("`nearestSymbols()` returns at most as many as asked for, best first", () => {
  const symbols = ["AAAUSDT", "AABUSDT", "AACUSDT", "AADUSDT", "ZZZUSDT"];
  assertEquals(nearestSymbols("AABUSDT", symbols), ["AABUSDT", "AAAUSDT", "AACUSDT"]);
  assertEquals(nearestSymbols("AABUSDT", symbols, 1), ["AABUSDT"]);
  assertEquals(nearestSymbols("AABUSDT", symbols, 0), []);
  assertEquals(nearestSymbols("AABUSDT", []), []);
});
