import { assertEquals } from "@std/assert";
import { blobText, instantText, intervalText, timeText } from "../../browser/cell_texts.ts";

const INSTANTS: readonly [count: bigint, unit: number, text: string][] = [
  [0n, 0, "1970-01-01T00:00:00Z"],
  [-1n, 0, "1969-12-31T23:59:59Z"],
  [-1n, 1, "1969-12-31T23:59:59.999Z"],
  [1_705_307_400_123_456n, 2, "2024-01-15T08:30:00.123456Z"],
  [1_705_307_400_500_000n, 2, "2024-01-15T08:30:00.500Z"],
  [1_705_307_400_000_000_001n, 3, "2024-01-15T08:30:00.000000001Z"],
];

Deno.test("instantText() has as many digits as it needs, in groups of three", () => {
  for (const [count, unit, text] of INSTANTS) assertEquals(instantText(count, unit), text);
});

Deno.test("timeText(), intervalText() and blobText() write what DuckDB writes", () => {
  assertEquals(timeText(30_600_500_000n, 2), "08:30:00.5");
  assertEquals(timeText(0n, 2), "00:00:00");
  const intervals: readonly [parts: number[], text: string][] = [
    [[0, 0, 0], "00:00:00"],
    [[14, 2, 10_800e9], "1 year 2 months 2 days 03:00:00"],
    [[-1, 0, 0], "-1 month"],
    [[0, -1, 0], "-1 day"],
    [[0, 0, -5_400e9], "-01:30:00"],
    [[0, 0, 360_000_500_000e3], "100:00:00.5"],
  ];
  for (const [parts, text] of intervals) assertEquals(intervalText(parts), text);
  assertEquals(blobText(new Uint8Array([0, 0x61, 0x22, 0x5c, 0xff])), "\\x00a\\x22\\x5C\\xFF");
});
