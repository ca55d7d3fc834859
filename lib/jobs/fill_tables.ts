/**
 * Fills the tables that a version's files are written from.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { stateRuns } from "../core/listing.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import {
  createTable,
  DAILY_AVAILABILITY,
  VOLUME_RANKINGS,
  volumeRankingsSql,
} from "../core/schema.ts";
import { sqlText, stageRows } from "../engine/duckdb.ts";
import { fillListings } from "../engine/listings_table.ts";
import { openingError } from "../engine/observation_store.ts";
import { inRange, knownDays, symbolRanges } from "../engine/observation_views.ts";
import type { Quarantined } from "../engine/observations.ts";
import { RANKINGS_ORDER } from "./build_plan.ts";
import { readQuarantine } from "./quarantine.ts";

/**
 * Makes and fills `listings` and `daily_availability`.
 *
 * @param options `symbolsAtOnce`: what is known of all symbols at once would not fit into memory when
 * there are ten times as many; 500 have about 350,000 days.
 * @returns What is set aside; `undefined` without observations.
 */
export async function fillTables(
  connection: DuckDBConnection,
  file: ListingsFile,
  options: { observations?: string | undefined; symbolsAtOnce?: number } = {},
): Promise<Quarantined[] | undefined> {
  const { observations, symbolsAtOnce } = options;
  await fillListings(connection, file.listings);
  await connection.run(createTable("daily_availability", DAILY_AVAILABILITY));
  const runs = file.listings.flatMap((listing) =>
    stateRuns(listing, file.dataThrough).map((run) => [listing.symbol, run.from, run.to, run.state])
  );
  await stageRows(connection, "runs", ["symbol", "first", "last", "state"], runs);
  const days = `SELECT day::DATE AS date, symbol, state <> 'missing' AS available, state
    FROM runs, unnest(generate_series(first::DATE, last::DATE, INTERVAL 1 DAY)) AS days(day)`;
  if (observations === undefined) {
    await connection.run(`INSERT INTO daily_availability BY NAME ${days} ORDER BY date, symbol`);
    return undefined;
  }
  await connection.run(`ATTACH ${sqlText(observations)} AS observations (READ_ONLY)`)
    .catch((error) => {
      throw openingError(error, observations) ?? error;
    });
  const known = [...new Set(file.listings.map(({ symbol }) => symbol))].sort();
  await connection.run("CREATE TABLE unsorted AS FROM daily_availability WITH NO DATA");
  for (const symbols of symbolRanges(known, symbolsAtOnce)) {
    await connection.run(`
      INSERT INTO unsorted BY NAME
      SELECT d.*, o.* EXCLUDE (symbol, date) FROM (${days} WHERE ${inRange(symbols)}) d
      LEFT JOIN ${knownDays({ schema: "observations.main", symbols })} o USING (symbol, date)`);
  }
  await connection.run("INSERT INTO daily_availability FROM unsorted ORDER BY date, symbol");
  await connection.run("DROP TABLE unsorted");
  const odd = await readQuarantine(connection, "observations.main");
  await connection.run("DETACH observations");
  return odd;
}

/**
 * Makes and fills `volume_rankings`, one year after the other: windows over all days at once take twice the time
 * when there are ten times as many rows.
 *
 * @returns Whether there is such a table: without volumes there is nothing to rank.
 */
export async function fillRankings(connection: DuckDBConnection): Promise<boolean> {
  const found = await connection.runAndReadAll(
    "SELECT DISTINCT year(date) FROM daily_availability WHERE quote_volume_usdt IS NOT NULL ORDER BY 1",
  );
  const years = found.getRows().map(([year]) => Number(year));
  if (years.length === 0) return false;
  await connection.run(createTable("volume_rankings", VOLUME_RANKINGS));
  for (const year of years) {
    const rows = `(SELECT date, symbol, available, state, quote_volume_usdt FROM daily_availability
      WHERE date BETWEEN DATE '${year}-01-01' - 30 AND DATE '${year}-12-31')`;
    await connection.run(`INSERT INTO volume_rankings BY NAME
      FROM (${volumeRankingsSql(rows)}) WHERE date >= DATE '${year}-01-01' ${RANKINGS_ORDER}`);
  }
  return true;
}
