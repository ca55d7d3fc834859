import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import {
  createTable,
  DAILY_AVAILABILITY,
  LISTINGS,
  VOLUME_RANKINGS,
} from "../../lib/core/schema.ts";
import { LocalSql } from "../../lib/engine/local_sql.ts";
import { spawnDeno } from "../helpers/process.ts";

/** Ten days of three symbols, with volumes. */
const DAYS = `INSERT INTO daily_availability BY NAME
  SELECT DATE '2024-01-01' + day::INT AS date, symbol, true AS available, 'traded' AS state,
    (day * 7 + rank * 5) % 11 AS quote_volume_usdt
  FROM range(10) d(day), (VALUES ('A', 1), ('B', 2), ('C', 3)) s(symbol, rank)`;

Deno.test("volume_rankings is the stored table, or is made from the volumes where there is none", async () => {
  const query =
    "SELECT date, symbol, rank, rank_change_1d FROM volume_rankings ORDER BY ALL LIMIT 6";
  const made = await LocalSql.open(async (connection) => {
    await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
    await connection.run(createTable("listings", LISTINGS));
    await connection.run(DAYS);
  });
  const stored = await LocalSql.open(async (connection) => {
    await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
    await connection.run(createTable("listings", LISTINGS));
    await connection.run(createTable("volume_rankings", VOLUME_RANKINGS));
    await connection.run(
      "INSERT INTO volume_rankings (date, symbol, rank) VALUES ('2024-01-01', 'A', 9)",
    );
  });
  try {
    assertEquals(
      (await made.query(query)).rows,
      [
        ["2024-01-01", "A", 2, null],
        ["2024-01-01", "B", 1, null],
        ["2024-01-01", "C", 3, null],
        ["2024-01-02", "A", 2, 0],
        ["2024-01-02", "B", 1, 0],
        ["2024-01-02", "C", 3, 0],
      ].map((row) => row),
    );
    assertEquals((await stored.query(query)).rows, [["2024-01-01", "A", 9, null]]);
  } finally {
    made.close();
    stored.close();
  }
});

/** Prints the answer of a statement, on tables without rows. */
const ASK = `
  import { createTable, DAILY_AVAILABILITY, LISTINGS } from "./lib/core/schema.ts";
  import { LocalSql } from "./lib/engine/local_sql.ts";
  const sql = await LocalSql.open(async (connection) => {
    await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
    await connection.run(createTable("listings", LISTINGS));
  });
  console.log(JSON.stringify((await sql.query(Deno.env.get("STATEMENT"))).rows[0]));
  sql.close();`;

Deno.test("instants with a zone are UTC's, wherever the machine is", async () => {
  const STATEMENT = `SELECT TIMESTAMPTZ '2026-03-09 07:27:12.5+00', to_timestamp(0),
    TIMESTAMPTZ '2026-01-01 00:00:00+09' AS local, [local], {'at': local}, local::VARCHAR,
    'infinity'::TIMESTAMPTZ`;
  for (const TZ of ["Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "UTC"]) {
    const asked = spawnDeno(["eval", "--ext=ts", ASK], { TZ, STATEMENT });
    const { code, out, err } = await asked.finished;
    assertEquals([code, err], [0, ""], TZ);
    assertEquals(JSON.parse(out), [
      "2026-03-09T07:27:12.500Z",
      "1970-01-01T00:00:00Z",
      "2025-12-31T15:00:00Z",
      '["2025-12-31T15:00:00Z"]',
      '{"at":"2025-12-31T15:00:00Z"}',
      "2025-12-31 15:00:00+00",
      "infinity",
    ], TZ);
  }
});

Deno.test("a nested value is JSON text with the cells it would have by itself", async () => {
  const sql = await LocalSql.open(async (connection) => {
    await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
    await connection.run(createTable("listings", LISTINGS));
  });
  try {
    for (
      const [expression, json] of [
        ["[TIMESTAMP '2024-01-15 08:30:00', NULL]", `["2024-01-15T08:30:00Z",null]`],
        ["[[TIMESTAMPTZ '2024-01-15 08:30:00+02']]", `[["2024-01-15T06:30:00Z"]]`],
        ["[1.10::DECIMAL(5, 2), 2::DECIMAL(5, 2)]", "[1.1,2]"],
        ["array_value(1.5::FLOAT, 'nan'::FLOAT)", `[1.5,"NaN"]`],
        ["['infinity'::DATE, DATE '2024-01-15']", `["infinity","2024-01-15"]`],
        ["[9007199254740993, 1]", `["9007199254740993",1]`],
        ["[170141183460469231731687303715884105727::HUGEINT]", `["${2n ** 127n - 1n}"]`],
        ["MAP {DATE '2024-01-15': TIME '08:30:00'}", `[["2024-01-15","08:30:00"]]`],
        ["{'a': [TIMESTAMP '2024-01-15'], 'b': true}", `{"a":["2024-01-15T00:00:00Z"],"b":true}`],
        ["[TIMESTAMP_NS '2024-01-15 08:30:00.5']", `["2024-01-15T08:30:00.500Z"]`],
        ["{'a': INTERVAL 1 DAY, 'b': ['x 10:00:00'::BLOB]}", `{"a":"1 day","b":["x 10:00:00"]}`],
        ["[union_value(k := 1.5::DECIMAL(3, 1))]", "[1.5]"],
      ] as const
    ) {
      const { columns, rows } = await sql.query(`SELECT ${expression} AS v`);
      assertEquals([expression, columns[0]!.type, rows], [expression, "VARCHAR", [[json]]]);
    }
  } finally {
    sql.close();
  }
});

Deno.test("a parameter of another kind is named, with what it can be", async () => {
  const sql = await LocalSql.open(async (connection) => {
    await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
    await connection.run(createTable("listings", LISTINGS));
  });
  try {
    for (const value of [new Date(0), undefined, [1], { a: 1 }, Symbol("x")]) {
      await assertRejects(
        () => sql.query("SELECT $day", { day: value as unknown as string }),
        BfaError,
        'Cannot run this SQL: the parameter "day" must be a text, a number, a boolean or null',
      );
    }
  } finally {
    sql.close();
  }
});
