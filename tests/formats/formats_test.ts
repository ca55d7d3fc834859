import { assert, assertEquals, assertRejects } from "@std/assert";
import { parse } from "@std/csv/parse";
import { tableFromIPC } from "apache-arrow";
import * as fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import type { Column } from "../../lib/core/schema.ts";
import { BfaError } from "../../lib/core/errors.ts";
import type { Cell, Table, TableColumn } from "../../lib/core/table.ts";
import { encodeTable, type TableFormat } from "../../lib/formats/formats.ts";

async function encoded(table: Table, format: TableFormat): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await new Blob([...await encodeTable(table, format)] as BlobPart[]).arrayBuffer(),
  );
}

const text = async (table: Table, format: TableFormat) =>
  new TextDecoder().decode(await encoded(table, format));

const ONE_OF_EACH: Table = {
  columns: [
    { name: "date", type: "DATE" },
    { name: "symbol", type: "VARCHAR" },
    { name: "available", type: "BOOLEAN" },
    { name: "trade_count", type: "BIGINT" },
    { name: "close_price", type: "DOUBLE" },
    { name: "last_modified", type: "TIMESTAMP" },
  ],
  rows: [
    ["2024-01-15", "币安人生USDT", true, 9007199254740993n, 0.1, "2024-01-16T08:00:00.000Z"],
    ["2024-01-16", 'a,"b"\r\nc|<d>', false, 7, -2.5e-7, "1969-12-31T23:59:59.999Z"],
    [null, null, null, null, null, null],
  ],
};

Deno.test("CSV quotes as RFC 4180 says; absent values are empty", async () => {
  assertEquals(
    await text(ONE_OF_EACH, "csv"),
    "date,symbol,available,trade_count,close_price,last_modified\r\n" +
      "2024-01-15,币安人生USDT,true,9007199254740993,0.1,2024-01-16T08:00:00.000Z\r\n" +
      '2024-01-16,"a,""b""\r\nc|<d>",false,7,-2.5e-7,1969-12-31T23:59:59.999Z\r\n' +
      ",,,,,\r\n",
  );
});

Deno.test("CSV with one column has a line for every row", async () => {
  const columns = [{ name: "day", type: "VARCHAR" as const }];
  assertEquals(
    await text({ columns, rows: [["a"], [null], [""], [" "]] }, "csv"),
    'day\r\na\r\n""\r\n""\r\n" "\r\n',
  );
  assertEquals(await text({ columns, rows: [] }, "csv"), "day\r\n");
});

Deno.test("Arrow and Parquet keep the microseconds of an instant, in any year", async () => {
  const instants: [text: string, micros: bigint][] = [
    ["2024-01-15T08:00:00Z", 1705305600000000n],
    ["2024-01-15T08:00:00.5Z", 1705305600500000n],
    ["2024-01-15T08:00:00.123456Z", 1705305600123456n],
    ["2024-01-15T08:00:00.123456789Z", 1705305600123456n],
    ["1969-12-31T23:59:59.999999Z", -1n],
    ["0001-01-01T00:00:00.000001Z", -62135596799999999n],
    ["9999-12-31T23:59:59.999999Z", 253402300799999999n],
  ];
  const table: Table = {
    columns: [{ name: "at", type: "TIMESTAMP" }],
    rows: [...instants.map(([text]) => [text]), [null]],
  };
  const expected = [...instants.map(([, micros]) => micros), null];
  const arrow = tableFromIPC(await encoded(table, "arrow")).getChild("at")!;
  const values = arrow.data.flatMap((data) => [...data.values as BigInt64Array]);
  assertEquals(values.slice(0, -1), expected.slice(0, -1));
  assertEquals(arrow.nullCount, 1);
  const parquet = await parquetReadObjects({
    file: (await encoded(table, "parquet")).buffer,
    parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
  });
  assertEquals(parquet.map(({ at }) => at ?? null), expected);
});

Deno.test("NDJSON keeps every digit, of large integers as text, and null", async () => {
  const lines = (await text(ONE_OF_EACH, "ndjson")).trimEnd().split("\n");
  assertEquals(
    lines[0],
    '{"date":"2024-01-15","symbol":"币安人生USDT","available":true,"trade_count":"9007199254740993",' +
      '"close_price":0.1,"last_modified":"2024-01-16T08:00:00.000Z"}',
  );
  assertEquals(Object.values(JSON.parse(lines[2]!)), [null, null, null, null, null, null]);
});

Deno.test("Markdown shows cells as text, numbers at the right", async () => {
  assertEquals(
    await text({
      columns: [{ name: "symbol", type: "VARCHAR" }, { name: "listings", type: "BIGINT" }],
      rows: [["ETHUSDT_240628", 1], ["<b>|`x`\n_a_", 2], [null, null]],
    }, "md"),
    "| symbol | listings |\n| --- | ---: |\n| ETHUSDT_240628 | 1 |\n" +
      "| &lt;b>\\|\\`x\\` \\_a\\_ | 2 |\n|  |  |\n",
  );
});

Deno.test("Arrow and Parquet carry types that other readers know", async () => {
  const arrow = tableFromIPC(await encoded(ONE_OF_EACH, "arrow"));
  assertEquals(arrow.schema.fields.map((field) => String(field.type)), [
    "Date32<DAY>",
    "Utf8",
    "Bool",
    "Int64",
    "Float64",
    "Timestamp<MICROSECOND, UTC>",
  ]);
  const { default: duckdb } = await import("@duckdb/node-api");
  const path = await Deno.makeTempFile({ suffix: ".parquet" });
  await Deno.writeFile(path, await encoded(ONE_OF_EACH, "parquet"));
  const instance = await duckdb.DuckDBInstance.create();
  const connection = await instance.connect();
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`);
  assertEquals(described.getRowsJson().map((row) => row[1]), [
    "DATE",
    "VARCHAR",
    "BOOLEAN",
    "BIGINT",
    "DOUBLE",
    "TIMESTAMP",
  ]);
  const rows = await connection.runAndReadAll(
    `SELECT date, symbol, available, trade_count, close_price, epoch_ms(last_modified) FROM '${path}'`,
  );
  assertEquals(rows.getRowsJson(), [
    ["2024-01-15", "币安人生USDT", true, "9007199254740993", 0.1, "1705392000000"],
    ["2024-01-16", 'a,"b"\r\nc|<d>', false, "7", -2.5e-7, "-1"],
    [null, null, null, null, null, null],
  ]);
  connection.closeSync();
  instance.closeSync();
  await Deno.remove(path);
});

const CELLS: Record<Column["type"], fc.Arbitrary<Cell>> = {
  DATE: fc.integer({ min: -25_000, max: 60_000 }).map((n) =>
    new Date(n * 86_400_000).toISOString().slice(0, 10)
  ),
  VARCHAR: fc.string({ unit: "grapheme", maxLength: 12 }),
  BOOLEAN: fc.boolean(),
  BIGINT: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  DOUBLE: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
  TIMESTAMP: fc.integer({ min: -1e12, max: 4e12 }).map((ms) => new Date(ms).toISOString()),
};

const TABLES: fc.Arbitrary<Table> = fc
  .uniqueArray(fc.constantFrom(...Object.keys(CELLS) as Column["type"][]), { minLength: 1 })
  .chain((types) =>
    fc.array(fc.tuple(...types.map((type) => fc.option(CELLS[type]))), { maxLength: 20 }).map(
      (rows) => ({ columns: types.map((type) => ({ name: `c_${type}`, type })), rows }),
    )
  );

/** A cell as a reader gives it back, brought to one form. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (typeof value === "bigint") return String(value);
  return value ?? null;
}

function expected(table: Table): unknown[][] {
  return table.rows.map((row) =>
    row.map((cell, i) => {
      const { type } = table.columns[i]!;
      if (cell === null) return null;
      if (type === "DATE" || type === "TIMESTAMP") return Date.parse(String(cell));
      return type === "BIGINT" ? String(cell) : cell;
    })
  );
}

Deno.test("any table comes back from Arrow, Parquet, NDJSON and CSV as it was", async () => {
  await fc.assert(
    fc.asyncProperty(TABLES, async (table) => {
      const names = table.columns.map(({ name }) => name);
      const arrow = tableFromIPC(await encoded(table, "arrow"));
      const fromArrow = arrow.toArray().map((row) => names.map((name) => plain(row[name])));
      assertEquals(fromArrow, expected(table), "arrow");

      const file = (await encoded(table, "parquet")).buffer;
      const fromParquet = await parquetReadObjects({ file });
      assertEquals(
        fromParquet.map((row) => names.map((name) => plain(row[name]))),
        expected(table),
        "parquet",
      );

      const lines = (await text(table, "ndjson")).split("\n").slice(0, -1);
      const read = lines.map((line) => JSON.parse(line));
      assertEquals(
        read.map((row, i) => names.map((name, j) => comparable(row[name], table.rows[i]![j]!))),
        table.rows.map((row) => row.map((cell) => comparable(cell, cell))),
        "ndjson",
      );

      const csv = parse(await text(table, "csv"), { skipFirstRow: true });
      assert(table.columns.length > 0);
      assertEquals(
        csv.map((row) => names.map((name) => row[name])),
        table.rows.map((row) =>
          row.map((cell) => (cell === null ? "" : String(cell)).replace(/\r\n/g, "\n"))
        ),
        "csv",
      );
    }),
    { numRuns: 150 },
  );
});

function comparable(read: unknown, cell: Cell): unknown {
  return typeof cell === "bigint" || (typeof cell === "number" && Number.isInteger(cell))
    ? String(read)
    : read;
}

Deno.test("Arrow and Parquet refuse days that they would tell wrongly; texts take them", async () => {
  const odd: [TableColumn["type"], string][] = [
    ["DATE", "infinity"],
    ["DATE", "0044-03-15 (BC)"], // to `Date` it is in 2044
    ["DATE", "12024-01-01"],
    ["TIMESTAMP", "-infinity"],
    ["TIMESTAMP", "0044-03-15 (BC)T00:00:00Z"],
  ];
  for (const [type, cell] of odd) {
    const table = {
      columns: [{ name: "a", type }],
      rows: [["2024-01-15T00:00:00Z".slice(0, type === "DATE" ? 10 : 20)], [cell]],
    };
    for (const format of ["arrow", "parquet"] as const) {
      const error = await assertRejects(
        async () => [...await encodeTable(table, format)],
        BfaError,
        cell,
      );
      assertEquals(error.code, "not_acceptable");
    }
    for (const format of ["csv", "ndjson", "md"] as const) {
      const chunks = [...await encodeTable(table, format)];
      assert((await new Blob(chunks).text()).includes(cell), format);
    }
  }
});

Deno.test("bytes that are there whole come in chunks too", async () => {
  const rows = Array.from({ length: 30_000 }, (_, i): Cell[] => [Math.sqrt(i)]);
  const columns = [{ name: "n", type: "DOUBLE" as const }];
  for (const format of ["arrow", "parquet"] as const) {
    const all = [...await encodeTable({ columns, rows }, format)];
    // While it is worked at there is nothing to give.
    const chunks = all.slice(all.findIndex(({ length }) => length > 0));
    assertEquals(all.length - chunks.length, Math.ceil(30_000 / 2_048), format);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    assert(bytes > 200_000, format);
    assertEquals(chunks.length, Math.ceil(bytes / 65_536), format);
  }
});

Deno.test("a large table comes in chunks, made as they are taken", async () => {
  const rows = Array.from({ length: 10_000 }, (_, i): Cell[] => [`S${i}USDT`, i]);
  const columns = [
    { name: "symbol", type: "VARCHAR" as const },
    { name: "n", type: "BIGINT" as const },
  ];
  for (const format of ["csv", "ndjson", "md"] as const) {
    const chunks = [...await encodeTable({ columns, rows }, format)];
    assertEquals(chunks.length, 20, format);
    const lines = new TextDecoder().decode(await new Blob(chunks as BlobPart[]).bytes()).trimEnd();
    const headers = { csv: 1, ndjson: 0, md: 2 }[format];
    assertEquals(lines.split("\n").length, 10_000 + headers, format);
  }
});
