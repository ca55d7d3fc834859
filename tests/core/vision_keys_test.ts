import { assertEquals } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import {
  filesPrefix,
  KLINES_PREFIX,
  markerBefore,
  readKey,
  symbolOfPrefix,
} from "../../lib/core/vision_keys.ts";

const PREFIXES: readonly (readonly [string, string | undefined])[] = [
  ["BTCUSDT/", "BTCUSDT"],
  ["币安人生USDT/", "币安人生USDT"],
  ["ETHUSDT_240628/", "ETHUSDT_240628"],
  ["BTCUSDT", undefined],
  ["BTCUSDT//", undefined],
  ["/", undefined],
  ["../x/", undefined],
  ["../", undefined],
  ["A\u0000B/", undefined],
  ["A B/", undefined],
  ["<b>/", undefined],
];
for (const [name, symbol] of PREFIXES) {
  Deno.test(`\`symbolOfPrefix()\` of ${JSON.stringify(name)}`, () => {
    assertEquals(symbolOfPrefix(KLINES_PREFIX + name), symbol);
  });
}

const KEYS: readonly (readonly [string, string])[] = [
  ["BTCUSDT-1m-2024-02-29.zip", "file"],
  ["BTCUSDT-1m-2024-02-29.zip.CHECKSUM", "other"],
  ["", "other"],
  ["BTCUSDT-1m-2023-02-29.zip", "no such day"],
  ["BTCUSDT-1m-2019-08-31.zip", "before there were futures"],
  ["BTCUSDT-1m-2023-2-9.zip", "no such day"],
  ["BTCUSDT-1m-../../x.zip", "no such day"],
  ["BTCUSDT-1h-2024-02-29.zip", "not named SYMBOL-1m-DAY.zip"],
  ["ETHUSDT-1m-2024-02-29.zip", "not named SYMBOL-1m-DAY.zip"],
  ["BTCUSDT-1m-2024-02-29.csv", "not named SYMBOL-1m-DAY.zip"],
];
for (const [name, expected] of KEYS) {
  Deno.test(`\`readKey()\` of ${JSON.stringify(name)} is ${expected}`, () => {
    const read = readKey(filesPrefix("BTCUSDT") + name, "BTCUSDT");
    assertEquals(read.kind === "odd" ? read.reason : read.kind, expected);
  });
}

Deno.test("`readKey()` of another symbol's directory is odd", () => {
  const key = `${filesPrefix("ETHUSDT")}ETHUSDT-1m-2024-02-29.zip`;
  assertEquals(readKey(key, "BTCUSDT"), { kind: "odd", reason: "outside its symbol's directory" });
});

Deno.test("`markerBefore()` sorts between the day before and the day", () => {
  const marker = markerBefore("BTCUSDT", parseDay("2024-03-01"));
  const key = (day: string) => `${filesPrefix("BTCUSDT")}BTCUSDT-1m-${day}.zip`;
  assertEquals([`${key("2024-02-29")}.CHECKSUM` < marker, marker < key("2024-03-01")], [
    true,
    true,
  ]);
});
