import { assertEquals } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { fillTables } from "../../lib/jobs/fill_tables.ts";
import { collectKlines } from "../../lib/jobs/collect_klines.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { history } from "../helpers/bucket_history.ts";
import { smallListings, withCollecting } from "../helpers/collecting.ts";

async function rowsOf(listings: ListingsFile, observations: string, symbolsAtOnce: number) {
  return await withDuckdb({ threads: 1 }, async (connection) => {
    await fillTables(connection, listings, { observations, symbolsAtOnce });
    const tables = await connection.runAndReadAll(
      "SELECT table_name FROM duckdb_tables() ORDER BY 1",
    );
    const rows = await connection.runAndReadAll("FROM daily_availability");
    return { tables: tables.getRows().flat(), rows: rows.getRowsJson() };
  });
}

Deno.test("fillTables() gives the same rows, however many symbols it takes at once", async () => {
  const past = history(smallListings(), { through: parseDay("2026-02-28") });
  await withCollecting(past, "2026-03-01T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    const listings = await world.withStore(async (store) => {
      const since = parseDay("2026-02-20");
      await collectKlines(store, world.fetchNumbers, { since, now: () => world.clock });
      return await derive(store, { now: world.clock });
    });
    const all = await rowsOf(listings, world.observations, 500);
    const truth = [...past.expectedRows()].sort((a, b) =>
      a.date < b.date ? -1 : a.date > b.date ? 1 : a.symbol < b.symbol ? -1 : 1
    );
    assertEquals(
      all.rows.map((row) => [row[0], row[1], row[4] === null ? null : Number(row[4])]),
      truth.map(({ date, symbol, size }) => [date, symbol, size]),
    );
    assertEquals(all.rows.filter((row) => row[7] !== null).length, 10 * 9 + 8 + 1);
    for (const symbolsAtOnce of [1, 5, 12]) {
      assertEquals(await rowsOf(listings, world.observations, symbolsAtOnce), all);
    }
  });
});
