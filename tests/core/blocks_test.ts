import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type BlockIndex, compareKeys, planBlocks } from "../../lib/core/blocks.ts";

/** Blocks of 1,000 bytes, 200 of them the first tier, from these first keys. */
function indexOf(firsts: readonly string[], block = 1_000): BlockIndex {
  return {
    key: "date",
    columns: [{ name: "date", type: "DATE" }, { name: "state", type: "VARCHAR" }, {
      name: "open_price",
      type: "DOUBLE",
    }],
    tiers: [2, 3],
    blocks: firsts.map((first, i) => ({
      first,
      rows: 10,
      start: 4 + i * block,
      ends: [200, block],
      check: 0n,
    })),
  };
}

const MONTHS = indexOf(["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]);

const CASES: [from: string, to: string, column: string, ranges: [number, number][]][] = [
  ["2024-02-10", "2024-02-10", "state", [[1004, 1204]]],
  ["2024-02-10", "2024-02-10", "open_price", [[1004, 2004]]],
  ["2024-02-01", "2024-02-01", "state", [[1004, 1204]]],
  ["2024-01-31", "2024-02-01", "state", [[4, 1204]]],
  ["2024-01-31", "2024-02-01", "open_price", [[4, 2004]]],
  ["2024-04-30", "2024-05-30", "state", [[3004, 3204]]],
  ["2023-12-30", "2023-12-31", "state", []],
  ["2023-12-30", "2024-01-01", "state", [[4, 204]]],
];

Deno.test("`planBlocks()` reads the blocks that may hold a day, and the columns' tier alone", () => {
  for (const [from, to, column, ranges] of CASES) {
    const plan = planBlocks(MONTHS, { from, to, columns: ["date", column] });
    assertEquals(
      plan.ranges.map(({ start, end }): [number, number] => [start, end]),
      ranges,
      `${from} to ${to}, ${column}`,
    );
  }
});

Deno.test("`planBlocks()` reads over small gaps, and not over large ones", () => {
  const ranges = (block: number) =>
    planBlocks(indexOf(["2024-01-01", "2024-02-01"], block), {
      from: "2024-01-31",
      to: "2024-02-01",
      columns: ["state"],
    }).ranges.map(({ start, end }) => [start, end]);
  const gap = 96 * 1024;
  assertEquals(ranges(200 + gap), [[4, 4 + 400 + gap]]);
  assertEquals(ranges(201 + gap), [[4, 204], [205 + gap, 405 + gap]]);
});

Deno.test("a merged range ends before 4 MiB", () => {
  const { ranges } = planBlocks(indexOf(["a", "b", "c"], 2 * 1024 * 1024), {
    from: "a",
    to: "c",
    columns: ["open_price"],
  });
  assertEquals(ranges.map(({ blocks }) => blocks.length), [2, 1]);
});

Deno.test("a plan says why", () => {
  const question = { from: "2024-02-10", to: "2024-02-10", columns: ["state"] };
  assertEquals(
    planBlocks(MONTHS, question).why,
    "date 2024-02-10: 1 of 4 blocks, 2 of 3 columns, 200 bytes in 1 range",
  );
});

Deno.test("pruning never drops a block that holds a key in the range", () => {
  const key = fc.string({
    unit: fc.constantFrom("A", "B", "币", "\u{1f600}", "\uff01"),
    maxLength: 4,
  });
  fc.assert(fc.property(
    fc.uniqueArray(key, { minLength: 1, maxLength: 30 }),
    fc.array(fc.nat(3), { minLength: 30, maxLength: 30 }),
    key,
    key,
    (keys, cuts, one, other) => {
      const sorted = keys.toSorted(compareKeys);
      const firsts = sorted.filter((_, i) => i === 0 || cuts[i] === 0);
      const blockOf = (key: string) => firsts.findLast((first) => compareKeys(first, key) <= 0)!;
      const [from, to] = [one, other].toSorted(compareKeys) as [string, string];
      const { ranges } = planBlocks(indexOf(firsts), { from, to, columns: ["state"] });
      const read = new Set(ranges.flatMap((range) => range.blocks.map((block) => block.first)));
      const wanted = sorted.filter((k) => compareKeys(from, k) <= 0 && compareKeys(k, to) <= 0);
      return wanted.every((key) => read.has(blockOf(key)));
    },
  ));
});

Deno.test("`compareKeys()` sorts as the bytes of UTF-8 do", () => {
  const bytes = (text: string) => [...new TextEncoder().encode(text)];
  const byBytes = (a: string, b: string) => {
    const [one, other] = [bytes(a), bytes(b)];
    const at = one.findIndex((byte, i) => byte !== other[i]);
    return at < 0 ? one.length - other.length : one[at]! - (other[at] ?? -1);
  };
  fc.assert(fc.property(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "grapheme" }),
    (a, b) => Math.sign(compareKeys(a, b)) === Math.sign(byBytes(a, b)),
  ));
});
