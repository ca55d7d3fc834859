import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BfaError } from "../../lib/core/errors.ts";
import { sift, siftedBody } from "../../lib/core/sift.ts";
import type { Table } from "../../lib/core/table.ts";

const TABLE: Table = {
  columns: [
    { name: "symbol", type: "VARCHAR" },
    { name: "quote", type: "VARCHAR" },
    { name: "trades", type: "BIGINT" },
    { name: "price", type: "DOUBLE" },
    { name: "first", type: "DATE" },
    { name: "at", type: "TIMESTAMP" },
    { name: "available", type: "BOOLEAN" },
  ],
  rows: [
    ["AAA", "USDT", 5, 0.5, "2024-01-01", "2024-01-02T07:00:00Z", true],
    ["BBB", "USDC", 70n, 1e9, "2024-01-02", "2024-01-03T07:00:00Z", true],
    ["CCC", null, null, null, "2024-01-03", null, false],
    ["币安", "USDT", 70, -2, "2024-02-29", "2024-03-01T09:30:00Z", false],
  ],
};

/** Conditions and columns to sort by, and the first column of what is left. */
const CASES: readonly [where: string[], sort: string[], left: string][] = [
  [[], [], "AAA BBB CCC 币安"],
  [["quote=USDT"], [], "AAA 币安"],
  [["quote!=USDT"], [], "BBB CCC"],
  [["quote=USDC,USDT"], [], "AAA BBB 币安"],
  [["quote!=USDC,USDT"], [], "CCC"],
  [["quote="], [], "CCC"],
  [["quote!="], [], "AAA BBB 币安"],
  [["quote=,USDC"], [], "BBB CCC"],
  [["symbol=币安"], [], "币安"],
  [["symbol>B"], [], "BBB CCC 币安"],
  [["trades=70"], [], "BBB 币安"],
  [["trades=70.0"], [], "BBB 币安"],
  [["trades>5"], [], "BBB 币安"],
  [["trades>=5"], [], "AAA BBB 币安"],
  [["trades<70"], [], "AAA"],
  [["trades<=7e1"], [], "AAA BBB 币安"],
  [["price>-1"], [], "AAA BBB"],
  [["price<.6", "price>=-2"], [], "AAA 币安"],
  [["first>=2024-01-02", "first<2024-02-29"], [], "BBB CCC"],
  [["at>=2024-01-03"], [], "BBB 币安"],
  [["at=2024-03-01T09:30:00Z"], [], "币安"],
  [["at=2024-03-01T09:30", "at<=2024-03-01T09:30:00.000", "at>2024-03-01"], [], "币安"],
  [["available=true"], [], "AAA BBB"],
  [["available!=true"], [], "CCC 币安"],
  [[], ["-symbol"], "币安 CCC BBB AAA"],
  [[], ["trades"], "AAA BBB 币安 CCC"],
  [[], ["-trades"], "BBB 币安 AAA CCC"],
  [[], ["-trades", "-symbol"], "币安 BBB AAA CCC"],
  [[], ["available", "price"], "币安 CCC AAA BBB"],
  [["quote!="], ["-first"], "币安 BBB AAA"],
];

for (const [where, sort, left] of CASES) {
  Deno.test(`sift() where ${JSON.stringify(where)} sort ${JSON.stringify(sort)}`, () => {
    assertEquals(sift(TABLE, { where, sort }).map((at) => TABLE.rows[at]![0]).join(" "), left);
  });
}

Deno.test("what cannot be read is said, with what can", () => {
  const refusals: readonly [condition: string, message: string][] = [
    [
      "quote",
      'Cannot read the condition "quote": write a column, one of = != < <= > >=, and a value, such as quote_asset=USDT',
    ],
    [
      "trade=5",
      'Cannot sift by "trade": did you mean trades? The columns of this answer are symbol, quote, trades, price, first, at, available',
    ],
    [
      "sym=AAA",
      'Cannot sift by "sym": did you mean symbol? The columns of this answer are symbol, quote, trades, price, first, at, available',
    ],
    [
      "=5",
      'Cannot sift by "": the columns of this answer are symbol, quote, trades, price, first, at, available',
    ],
    ["trades>many", 'Cannot read the condition "trades>many": trades is a number'],
    ["trades>", 'Cannot read the condition "trades>": trades is a number'],
    ["trades=0x10", 'Cannot read the condition "trades=0x10": trades is a number'],
    ["trades=Infinity", 'Cannot read the condition "trades=Infinity": trades is a number'],
    ["first>2024", 'Cannot read the condition "first>2024": first is a day, YYYY-MM-DD'],
    [
      "first=2023-02-29",
      'Cannot read the condition "first=2023-02-29": first is a day, YYYY-MM-DD',
    ],
    [
      "at>noon",
      'Cannot read the condition "at>noon": at is an instant, such as 2024-01-16T07:30:00Z',
    ],
    [
      "at>2023-02-29T10:00Z",
      'Cannot read the condition "at>2023-02-29T10:00Z": at is an instant, such as 2024-01-16T07:30:00Z',
    ],
    [
      "at>2024-01-16T25:00Z",
      'Cannot read the condition "at>2024-01-16T25:00Z": at is an instant, such as 2024-01-16T07:30:00Z',
    ],
    ["available=1", 'Cannot read the condition "available=1": available is true or false'],
    ["symbol>", 'Cannot read the condition "symbol>": there is no value after it'],
    [
      "a".repeat(90),
      `Cannot read the condition "${
        "a".repeat(60)
      }": write a column, one of = != < <= > >=, and a value, such as quote_asset=USDT`,
    ],
  ];
  for (const [condition, message] of refusals) {
    const error = assertThrows(
      () => sift(TABLE, { where: [condition] }),
      BfaError,
      undefined,
    );
    assertEquals([error.code, error.message], ["usage", message]);
  }
  for (const sort of ["", "-", "--symbol", "Symbol"]) {
    assertThrows(() => sift(TABLE, { sort: [sort] }), BfaError, "Cannot sift by");
  }
  const many = Array<string>(15).fill("trades>1");
  assertThrows(
    () => sift(TABLE, { where: many, sort: Array(6).fill("symbol") }),
    BfaError,
    "more than 20",
  );
  assertEquals(sift(TABLE, { where: many, sort: Array(5).fill("symbol") }), [0, 1, 3]);
});

Deno.test("every row is where a condition holds, or where its opposite does; order changes no set", () => {
  const cell = fc.option(fc.integer({ min: -3, max: 3 }));
  fc.assert(
    fc.property(fc.array(cell), fc.integer({ min: -3, max: 3 }), fc.boolean(), (cells, n, down) => {
      const table: Table = {
        columns: [{ name: "n", type: "BIGINT" }],
        rows: cells.map((c) => [c]),
      };
      const all = cells.map((_, i) => i);
      const where = (text: string) => sift(table, { where: [text] });
      const sorted = (positions: number[]) => positions.toSorted((a, b) => a - b);
      assertEquals(sorted([...where(`n=${n}`), ...where(`n!=${n}`)]), all);
      assertEquals(sorted([...where(`n<${n}`), ...where(`n>=${n}`), ...where("n=")]), all);
      assertEquals(where(`n<=${n}`), sorted([...where(`n<${n}`), ...where(`n=${n}`)]));
      const order = sift(table, { sort: [down ? "-n" : "n"] });
      assertEquals(sorted(order), all);
      const values = order.map((at) => cells[at]!).filter((value) => value !== null);
      assertEquals(values, values.toSorted((a, b) => down ? b - a : a - b));
      assertEquals(order.slice(values.length).every((at) => cells[at] === null), true);
    }),
    { seed: 7 },
  );
});

Deno.test("siftedBody() cuts the lists that have one item per row, and counts again", () => {
  const body = { version: "v", count: 3, states: ["a", "b", "c"], symbols: ["x", "y", "z"] };
  assertEquals(siftedBody(body, ["symbols", "rows"], [2, 0]), {
    version: "v",
    count: 2,
    states: ["a", "b", "c"],
    symbols: ["z", "x"],
  });
  assertEquals(siftedBody({ rows: [1] }, ["rows"], []), { rows: [] });
});
