/**
 * Which Parquet files a build writes: all days in two orders, parts by year and month, the rankings, and
 * what came after the days of the whole files.
 *
 * @module
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { AVAILABILITY_TIERS, RANKING_TIERS } from "../core/availability_rows.ts";
import { addDays, type Day } from "../core/day.ts";
import { DAILY_AVAILABILITY, VOLUME_RANKINGS } from "../core/schema.ts";
import type { BlockFile } from "../engine/block_writer.ts";

/** One file to write. */
export interface Planned {
  readonly name: string;
  readonly role: string;
  readonly table: "daily_availability" | "volume_rankings";
  /** Which rows, in which order. */
  readonly select: string;
  /** Cut into blocks, for questions about rows. */
  readonly blocks?: Omit<BlockFile, "from">;
  /** Whether it holds all days there are, up to that of the whole files. */
  readonly whole?: true;
}

/** How far a version goes, and how far its whole files. */
export interface Reach {
  readonly dataThrough: Day;
  readonly through: Day;
}

/** The order of the rankings. Their table is filled in it, as that of the days is in its own, and DuckDB keeps it. */
export const RANKINGS_ORDER = "ORDER BY date, rank, symbol";

/** Rows of a block of recent days, where one symbol has few. */
const RECENT_BLOCK_ROWS = 256;

const BLOCKS = { table: DAILY_AVAILABILITY, tiers: AVAILABILITY_TIERS } as const;
const RANKING_BLOCKS = { table: VOLUME_RANKINGS, tiers: RANKING_TIERS, key: "date" } as const;

/** The files of `daily_availability`. */
export async function availabilityFiles(
  connection: DuckDBConnection,
  reach: Reach,
): Promise<Planned[]> {
  const table = "daily_availability";
  const openYear = firstOpenYear(reach);
  const recentMonth = firstRecentMonth(reach);
  const periods = await connection.runAndReadAll(`
    SELECT DISTINCT CASE WHEN year(date) < ${openYear} THEN strftime(date, '%Y')
      ELSE strftime(date, '%Y-%m') END AS period
    FROM daily_availability ORDER BY period`);
  const parts = periods.getRows().map(([period]): Planned => ({
    name: `parts/${period}.parquet`,
    role: "part",
    table,
    select: `WHERE strftime(date, '%Y-%m-%d') LIKE '${period}-%' ORDER BY date, symbol`,
    // Days that whole files do not have are read here, by ranges: those are in months.
    ...(String(period) >= recentMonth ? { blocks: { ...BLOCKS, key: "date" } } : {}),
  }));
  const [whole, recent] = [upTo(reach), after(reach)];
  return [
    {
      name: "availability.parquet",
      role: "availability",
      table,
      select: whole,
      blocks: { ...BLOCKS, key: "date" },
      whole: true,
    },
    {
      name: "availability-by-symbol.parquet",
      role: "availability-by-symbol",
      table,
      select: `${whole} ORDER BY symbol, date`,
      blocks: { ...BLOCKS, key: "symbol" },
      whole: true,
    },
    ...recent.map((days): Planned => ({
      name: "recent/availability-by-symbol.parquet",
      role: "recent-availability-by-symbol",
      table,
      select: `${days} ORDER BY symbol, date`,
      blocks: { ...BLOCKS, key: "symbol", blockRows: RECENT_BLOCK_ROWS },
    })),
    ...parts,
  ];
}

/** The files of `volume_rankings`. */
export function rankingFiles(reach: Reach): Planned[] {
  const table = "volume_rankings";
  return [
    {
      name: "volume-rankings.parquet",
      role: "volume-rankings",
      table,
      select: upTo(reach),
      blocks: RANKING_BLOCKS,
      whole: true,
    },
    ...after(reach).map((days): Planned => ({
      name: "recent/volume-rankings.parquet",
      role: "recent-volume-rankings",
      table,
      select: `${days} ${RANKINGS_ORDER}`,
      blocks: RANKING_BLOCKS,
    })),
  ];
}

/** A year stays in months while it goes on, and while whole files do not have all of it. */
function firstOpenYear({ through, dataThrough }: Reach): number {
  return Math.min(Number(dataThrough.slice(0, 4)), Number(addDays(through, 1).slice(0, 4)));
}

/** The first month with days that whole files do not have; after all others when there is none. */
function firstRecentMonth({ through, dataThrough }: Reach): string {
  return through < dataThrough ? addDays(through, 1).slice(0, 7) : "9999-99";
}

function upTo({ through }: Reach): string {
  return `WHERE date <= DATE '${through}'`;
}

/** The days after the whole files', where there are any. */
function after({ through, dataThrough }: Reach): string[] {
  return through < dataThrough ? [`WHERE date > DATE '${through}'`] : [];
}
