import * as flechette from "@uwdata/flechette";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { arrowOfParquet } from "../../browser/parquet_arrow.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { type Column, DAILY_AVAILABILITY, VOLUME_RANKINGS } from "../../lib/core/schema.ts";
import { builtNumbers, MANY_LISTINGS } from "../helpers/numbers.ts";

const FILES: readonly [name: string, columns: readonly Column[]][] = [
  ["parts/2023.parquet", DAILY_AVAILABILITY],
  ["parts/2024-02.parquet", DAILY_AVAILABILITY],
  ["volume-rankings.parquet", VOLUME_RANKINGS],
];

async function arrowRows(bytes: Uint8Array<ArrayBuffer>, name: string, columns: readonly Column[]) {
  const rows: Record<string, unknown>[] = [];
  for await (const stream of arrowOfParquet(bytes, name, columns)) {
    const table = flechette.tableFromIPC(stream, { useBigInt: true, useDate: true });
    assertEquals(table.names, columns.map((column) => column.name));
    rows.push(...table.toArray() as Record<string, unknown>[]);
  }
  return rows;
}

Deno.test("the rows of a file come out of Arrow as they are in Parquet", async () => {
  const { dir } = await builtNumbers("2024-03-31.1", MANY_LISTINGS);
  for (const [name, columns] of FILES) {
    const bytes = await Deno.readFile(`${dir}/${name}`);
    const expected = await parquetReadObjects({ file: bytes.buffer, compressors });
    const rows = await arrowRows(bytes, name, columns);
    assert(rows.length > 1_000, name);
    // What is missing is `undefined` in one, and `null` in the other.
    const plain = (row: Record<string, unknown>) =>
      columns.map((column) => row[column.name] ?? null);
    assertEquals(rows.map(plain), expected.map(plain));
  }
});

Deno.test("what breaks while bytes are decoded is damage", async () => {
  const { dir } = await builtNumbers("2024-03-31.1", MANY_LISTINGS);
  const [name, columns] = FILES[0]!;
  const bytes = await Deno.readFile(`${dir}/${name}`);
  const cut = bytes.slice(0, bytes.length >> 1);
  const error = await assertRejects(() => arrowRows(cut, name, columns), BfaError);
  assertEquals([error.code, error.message.startsWith(`Cannot read ${name}: `)], [
    "integrity",
    true,
  ]);
});
