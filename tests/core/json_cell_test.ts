import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { cellFromJson, jsonCell, jsonValue } from "../../lib/core/json_cell.ts";
import type { Cell, TableColumn } from "../../lib/core/table.ts";

Deno.test("what JSON's numbers cannot hold are texts, and everything comes back as it was", () => {
  const table: [Cell, TableColumn["type"], string][] = [
    [null, "BIGINT", "null"],
    [true, "BOOLEAN", "true"],
    [0, "BIGINT", "0"],
    [9007199254740991, "BIGINT", "9007199254740991"],
    [9007199254740992n, "BIGINT", '"9007199254740992"'],
    [-9223372036854775808n, "BIGINT", '"-9223372036854775808"'],
    [1.5e-7, "DOUBLE", "1.5e-7"],
    [1e300, "DOUBLE", "1e+300"],
    [NaN, "DOUBLE", '"NaN"'],
    [-Infinity, "DOUBLE", '"-Infinity"'],
    ["NaN", "VARCHAR", '"NaN"'],
    ["12", "VARCHAR", '"12"'],
    ['a"\n', "VARCHAR", '"a\\"\\n"'],
  ];
  for (const [cell, type, json] of table) {
    assertEquals(jsonCell(cell), json);
    assertEquals(cellFromJson(JSON.parse(json), type), cell);
  }
  assertEquals(jsonValue(5n), 5, "a small bigint is a number, wherever it comes from");
});

Deno.test("every integer of 64 bits and every double comes back", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (whole) => {
    assertEquals(BigInt(cellFromJson(JSON.parse(jsonCell(whole)), "BIGINT") as bigint), whole);
  }));
  fc.assert(fc.property(fc.double().filter((n) => !Object.is(n, -0)), (real) => {
    assertEquals(cellFromJson(JSON.parse(jsonCell(real)), "DOUBLE"), real);
  }));
});
