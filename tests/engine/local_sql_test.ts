import { assertEquals } from "@std/assert";
import {
  createTable,
  DAILY_AVAILABILITY,
  LISTINGS,
  VOLUME_RANKINGS,
} from "../../lib/core/schema.ts";
import { LocalSql } from "../../lib/engine/local_sql.ts";

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
