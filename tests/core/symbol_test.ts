import { assertEquals } from "@std/assert";
import { isSymbol, quoteAssetOf } from "../../lib/core/symbol.ts";
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
