/** Observations for benchmarks. @module */

import { appendRows, withDuckdb } from "../../lib/engine/duckdb.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { seedListings } from "../../lib/source/seed.ts";

/** What the days of these symbols have in common with real ones: sizes, digests, and prices of all digits. */
const FILES = `INSERT INTO files SELECT symbol, date, 31000 + hash(symbol, date) % 37000,
  date + INTERVAL 32 HOUR + INTERVAL (hash(date, symbol) % 3600) SECOND,
  md5(symbol || date), false, TIMESTAMP '2026-08-09 12:00:00', 1 FROM days ORDER BY symbol, date`;
const KLINES = `INSERT INTO klines BY NAME SELECT symbol, date, md5(symbol || date) AS etag,
  hash(symbol, date, 1) % 1e12 / 1e4 AS quote_volume_usdt, 1 + hash(symbol, date, 2) % 1000000 AS trade_count,
  hash(symbol, date, 3) % 1e12 / 1e3 AS volume_base, hash(symbol, date, 4) % 1e12 / 2e3 AS taker_buy_volume_base,
  hash(symbol, date, 5) % 1e12 / 2e4 AS taker_buy_quote_volume_usdt,
  hash(symbol, date, 6) % 1000000 / 1e4 AS open_price, hash(symbol, date, 7) % 1000000 / 1e4 AS high_price,
  hash(symbol, date, 8) % 1000000 / 1e4 AS low_price, hash(symbol, date, 9) % 1000000 / 1e4 AS close_price,
  TIMESTAMP '2026-08-09 12:00:00' AS learned_at FROM days ORDER BY symbol, date`;

/**
 * Writes observations straight into their file: every day of the embedded listings, so many times under
 * other names, with its file and its numbers.
 */
export async function observe(path: string, times: number): Promise<void> {
  await withObservations(path, () => Promise.resolve()); // its tables
  const { listings, dataThrough } = await seedListings();
  await withDuckdb({ path }, async (connection) => {
    await connection.run("CREATE TEMP TABLE lives (symbol VARCHAR, first VARCHAR, last VARCHAR)");
    const lives = Array.from(
      { length: times },
      (_, i) =>
        listings.map(({ symbol, first, last }) => [
          i === 0 ? symbol : `C${i}${symbol}`,
          first,
          last ?? dataThrough,
        ]),
    );
    await appendRows(connection, "lives", lives.flat());
    await connection.run(
      `CREATE TEMP TABLE days AS SELECT DISTINCT symbol, day::DATE AS date FROM lives,
      unnest(generate_series(first::DATE, last::DATE, INTERVAL 1 DAY)) AS days(day)`,
    );
    await connection.run(FILES);
    await connection.run(KLINES);
  });
}
