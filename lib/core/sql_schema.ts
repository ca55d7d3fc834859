/**
 * What SQL can ask: the published tables, as data. The service, the command line and the library
 * show the same ones.
 *
 * @module
 */

import type { Listing } from "./listing.ts";
import type { Artifact } from "./manifest.ts";
import { type Column, DAILY_AVAILABILITY, LISTINGS, VOLUME_RANKINGS } from "./schema.ts";

/** `versions`: one row per published version. */
export const VERSIONS: readonly Column[] = [
  { name: "version", type: "VARCHAR", required: true, description: "Name, such as 2026-11-20.1" },
  { name: "data_through", type: "DATE", required: true, description: "Last UTC day of its data" },
  {
    name: "published_at",
    type: "TIMESTAMP",
    required: true,
    description: "When it was signed, UTC",
  },
  { name: "sequence", type: "BIGINT", required: true, description: "Its newest manifest" },
  { name: "row_count", type: "BIGINT", required: true, description: "Rows of daily_availability" },
  {
    name: "symbol_count",
    type: "BIGINT",
    required: true,
    description: "Symbols that ever existed",
  },
  { name: "bytes", type: "BIGINT", required: true, description: "Size of all its files" },
];

/** `daily_availability` as SQL sees it: with the columns that are derived and therefore not stored. */
const DAILY_AVAILABILITY_WITH_URLS: readonly Column[] = [
  ...DAILY_AVAILABILITY,
  { name: "url", type: "VARCHAR", required: true, description: "Address of the 1m kline ZIP" },
  {
    name: "status_code",
    type: "BIGINT",
    required: true,
    description: "200 when the file exists, else 404",
  },
];

/** The tables that SQL can name, with their columns. */
export const SQL_TABLES: Readonly<Record<string, readonly Column[]>> = {
  daily_availability: DAILY_AVAILABILITY_WITH_URLS,
  listings: LISTINGS,
  volume_rankings: VOLUME_RANKINGS,
  versions: VERSIONS,
};

/** One row of `versions`. */
export interface SqlVersion {
  readonly version: string;
  readonly dataThrough: string;
  readonly publishedAt: string;
  readonly sequence: number;
  readonly rows: number;
  readonly symbols: number;
  readonly bytes: number;
}

/** The files that tables are read from; a version without volumes has none of the rankings. */
export function tableFiles(
  artifacts: readonly Artifact[],
): Record<"daily_availability" | "volume_rankings", Artifact[]> {
  return {
    daily_availability: artifacts.filter(({ role }) => role === "part"),
    volume_rankings: artifacts.filter(({ role }) => /^(recent-)?volume-rankings$/.test(role)),
  };
}

/** What the table `listings` knows of a listing. */
export type SqlListing = Omit<Listing, "gaps" | "halts">;

/** A row of `listings`, in the order of its columns. */
export function listingCells(listing: SqlListing): (string | null)[] {
  const { id, symbol, contractType, quoteAsset, first, lastTraded, last } = listing;
  return [id, symbol, contractType, quoteAsset, first, lastTraded, last];
}

/** A row of `versions`, in the order of its columns. */
export function versionCells(row: SqlVersion): (string | number)[] {
  const { version, dataThrough, publishedAt, sequence, rows, symbols, bytes } = row;
  return [version, dataThrough, publishedAt, sequence, rows, symbols, bytes];
}
