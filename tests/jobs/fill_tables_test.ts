import { assertEquals } from "@std/assert";
import { addDays, parseDay } from "../../lib/core/day.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { createTable, DAILY_AVAILABILITY } from "../../lib/core/schema.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { fillRankings, fillTables } from "../../lib/jobs/fill_tables.ts";
import { collectKlines } from "../../lib/jobs/collect_klines.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { fillListings } from "../../lib/engine/listings_table.ts";
import { history } from "../helpers/bucket_history.ts";
import { smallListings, withCollecting } from "../helpers/collecting.ts";
import { listing } from "../helpers/listing.ts";

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

/** Five symbols over two ends of years: equal volumes, days without a file, without trades, without numbers. */
const RANKED_DAYS = `SELECT DATE '2023-11-20' + d::INTEGER AS date, s AS symbol,
    (d * 3 + i) % 13 <> 0 AS available,
    CASE WHEN (d * 3 + i) % 13 = 0 THEN 'missing' WHEN (d + i) % 11 = 0 THEN 'archived' ELSE 'traded' END AS state,
    CASE WHEN (d * 3 + i) % 13 <> 0 AND (d + i * 5) % 17 <> 0 THEN (d * 7 + i * 5) % 9 * 100 END AS quote_volume_usdt
  FROM range(450) AS days(d), (VALUES ('A', 1), ('B', 2), ('C', 3), ('D', 4), ('E', 5)) symbols(s, i)
  WHERE NOT (s = 'D' AND d BETWEEN 100 AND 160) ORDER BY date, symbol`;

/** B's second life begins on the day after its first one's last; D's after two months. */
const SECOND_LIVES: Readonly<Record<string, string>> = { B: "2024-06-07", D: "2024-04-29" };

Deno.test("fillRankings() makes year by year what a naive count over all days of a listing gives", async () => {
  const { days, rankings } = await withDuckdb({ threads: 1 }, async (connection) => {
    await fillListings(
      connection,
      ["A", "B", "C", "D", "E"].flatMap((symbol) => {
        const [first, second] = [parseDay("2023-11-20"), SECOND_LIVES[symbol]];
        if (second === undefined) return [listing(`${symbol}#1`, first)];
        const end = addDays(parseDay(second), -1);
        return [listing(`${symbol}#1`, first, end, end), listing(`${symbol}#2`, second)];
      }),
    );
    await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
    await connection.run(`INSERT INTO daily_availability BY NAME ${RANKED_DAYS}`);
    assertEquals(await fillRankings(connection), true);
    const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
    return {
      days: await rows("FROM daily_availability"),
      rankings: await rows("FROM volume_rankings"),
    };
  });
  const ranked = days.filter((row) => row.state === "traded" && row.quote_volume_usdt !== null);
  const life = ({ date, symbol }: typeof days[0]) =>
    String(date) >= (SECOND_LIVES[String(symbol)] ?? "9") ? 2 : 1;
  const at = (row: typeof days[0]) => `${row.date} ${row.symbol}#${life(row)}`;
  const byDay = Map.groupBy(ranked, (row) => row.date);
  const volume = (row: typeof days[0]) => Number(row.quote_volume_usdt);
  const rankOf = new Map(ranked.map((row) => {
    const above = byDay.get(row.date)!.map(volume).filter((other) => other > volume(row));
    return [at(row), 1 + new Set(above).size];
  }));
  const available = new Set(days.filter((row) => row.available).map(at));
  const expected = ranked.map((row) => {
    const others = byDay.get(row.date)!.map(volume);
    const sum = others.reduce((sum, other) => sum + other, 0);
    const above = others.filter((other) => other > volume(row)).length;
    const day = parseDay(String(row.date));
    const before = (days: number) => `${addDays(day, -days)} ${row.symbol}#${life(row)}`;
    const change = (days: number) => {
      const rank = rankOf.get(before(days));
      return rank === undefined ? null : String(rankOf.get(at(row))! - rank);
    };
    const month = Array.from({ length: 30 }, (_, days) => before(days));
    return {
      date: row.date,
      symbol: row.symbol,
      rank: String(rankOf.get(at(row))),
      quote_volume_usdt: row.quote_volume_usdt,
      market_share: sum === 0 ? null : volume(row) / sum,
      percentile: others.length === 1 ? 1 : 1 - above / (others.length - 1),
      rank_change_1d: change(1),
      rank_change_7d: change(7),
      rank_change_14d: change(14),
      rank_change_30d: change(30),
      days_available_30d: String(month.filter((key) => available.has(key)).length),
    };
  });
  const order = (row: typeof expected[0]) => `${row.date} ${row.rank} ${row.symbol}`;
  expected.sort((a, b) => order(a) < order(b) ? -1 : 1);
  assertEquals(
    expected.length > 1_500 && expected.some((row) => row.rank_change_30d === null),
    true,
  );
  assertEquals(rankings as unknown, expected);
});

Deno.test("without volumes there are no rankings", async () => {
  await withDuckdb({ threads: 1 }, async (connection) => {
    await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
    assertEquals(await fillRankings(connection), false);
    const tables = await connection.runAndReadAll("SELECT table_name FROM duckdb_tables()");
    assertEquals(tables.getRows(), [["daily_availability"]]);
  });
});
