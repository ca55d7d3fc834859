/**
 * Questions about rows: the numbers of a day or a symbol, and the ranking of a day.
 *
 * @module
 */

import { isTexts, mustBe } from "./checked.ts";
import type { Day } from "./day.ts";
import { BfaError } from "./errors.ts";
import { DAILY_AVAILABILITY, VOLUME_RANKINGS } from "./schema.ts";
import type { Cell, TableColumn } from "./table.ts";

/**
 * How the columns of `daily_availability` are read together. The first tier answers most questions:
 * whether it traded, how large its file was, how much was traded.
 */
export const AVAILABILITY_TIERS: readonly (readonly string[])[] = [
  [
    "date",
    "symbol",
    "available",
    "state",
    "file_size_bytes",
    "quote_volume_usdt",
    "trade_count",
  ],
  ["close_price", "open_price", "high_price", "low_price"],
];

/** The columns of `volume_rankings` are read together. */
export const RANKING_TIERS: readonly (readonly string[])[] = [VOLUME_RANKINGS.map((c) => c.name)];

/** Which rows, and which of their columns. */
export interface RowsRequest {
  /** First day. */
  readonly from: Day;
  /** Last day. */
  readonly to: Day;
  /** One symbol alone. */
  readonly symbol?: string | undefined;
  /** Which columns, in the order they are given back. */
  readonly columns: readonly TableColumn[];
}

/** What a row of `daily_availability` can tell; a question may leave columns out. */
export interface AvailabilityRow {
  /** UTC day. */
  date: Day;
  /** The Vision directory name. */
  symbol: string;
  /** Whether the 1m kline ZIP of the day exists. */
  available?: boolean;
  /** `traded`, `archived` or `missing`. */
  state?: string;
  /** Size of the 1m kline ZIP, bytes. */
  fileSizeBytes?: number | null;
  /** When the source last wrote that file, ISO 8601 UTC. */
  lastModified?: string | null;
  /** Traded volume, quote asset. */
  quoteVolumeUsdt?: number | null;
  /** Number of trades. */
  tradeCount?: number | null;
  /** Traded volume, base asset. */
  volumeBase?: number | null;
  /** Taker buys, base asset. */
  takerBuyVolumeBase?: number | null;
  /** Taker buys, quote asset. */
  takerBuyQuoteVolumeUsdt?: number | null;
  /** First price of the day. */
  openPrice?: number | null;
  /** Highest price of the day. */
  highPrice?: number | null;
  /** Lowest price of the day. */
  lowPrice?: number | null;
  /** Last price of the day. */
  closePrice?: number | null;
}

/** Rows of `daily_availability`. */
export interface RowsAnswer {
  /** The version the answer comes from. */
  version: string;
  /** The symbol, where one was asked for. */
  symbol?: string;
  /** First day. */
  from: Day;
  /** Last day. */
  to: Day;
  /** The table's columns that the rows have. */
  columns: string[];
  /** How many rows. */
  count: number;
  /** The rows, by day and then by symbol. */
  rows: AvailabilityRow[];
}

/** One symbol's place on a day. */
export interface TopRow {
  /** Dense rank by quote volume, from 1. */
  rank: number;
  /** The Vision directory name. */
  symbol: string;
  /** Traded volume, quote asset. */
  quoteVolumeUsdt: number;
  /** Share of the day's known volume, 0 to 1; `null` when nothing was traded at all. */
  marketShare: number | null;
  /** 1 for the largest volume, 0 for the smallest. */
  percentile: number;
  /** Rank less that of 1 day before; negative is up, `null` when there was none. */
  rankChange1d: number | null;
  /** The same over 7 days. */
  rankChange7d: number | null;
  /** The same over 14 days. */
  rankChange14d: number | null;
  /** The same over 30 days. */
  rankChange30d: number | null;
  /** Days with a file among the last 30, this one included. */
  daysAvailable30d: number;
}

/** The symbols with the largest volumes of a day. */
export interface TopAnswer {
  /** The version the answer comes from. */
  version: string;
  /** The day. */
  date: Day;
  /** How many rows. */
  count: number;
  /** How many symbols were ranked on that day. */
  ranked: number;
  /** The rows, largest volume first. */
  rows: TopRow[];
}

/**
 * The columns of a question: those of the first tier when none are named, `all`, or names. `date` and
 * `symbol` are always among them.
 */
export function readColumns(asked: "all" | readonly string[] | undefined): readonly TableColumn[] {
  if (asked === "all") return DAILY_AVAILABILITY;
  const names = asked === undefined ? AVAILABILITY_TIERS[0]! : asked;
  mustBe(isTexts(names), "these columns", `"all", or a list such as ["close_price"]`);
  const unknown = names.find((name) => !DAILY_AVAILABILITY.some((c) => c.name === name));
  if (unknown !== undefined) {
    throw new BfaError(
      "usage",
      `Cannot give the column ${JSON.stringify(unknown.slice(0, 40))}: choose among ${
        DAILY_AVAILABILITY.map((c) => c.name).join(", ")
      }, or all`,
    );
  }
  return DAILY_AVAILABILITY.filter(({ name }) =>
    name === "date" || name === "symbol" || names.includes(name)
  );
}

/** Rows as an answer. */
export function rowsAnswer(
  version: string,
  { from, to, symbol, columns }: RowsRequest,
  rows: readonly (readonly Cell[])[],
): RowsAnswer {
  return {
    version,
    ...(symbol === undefined ? {} : { symbol }),
    from,
    to,
    columns: columns.map(({ name }) => name),
    count: rows.length,
    rows: rows.map(namer(columns)) as unknown as AvailabilityRow[],
  };
}

/** The rankings of a day, best first, as an answer. */
export function topAnswer(
  version: string,
  date: Day,
  n: number,
  rows: readonly (readonly Cell[])[],
): TopAnswer {
  const top = rows.slice(0, n).map(namer(VOLUME_RANKINGS)).map((row) => {
    const { date: _, rank, symbol, ...rest } = row;
    return { rank, symbol, ...rest } as unknown as TopRow;
  });
  return { version, date, count: top.length, ranked: rows.length, rows: top };
}

/** Names the cells of rows. The names are made once: a month of all symbols has 300,000 cells. */
function namer(
  columns: readonly TableColumn[],
): (row: readonly Cell[]) => Record<string, Cell> {
  const fields = columns.map(({ name }) => fieldOf(name));
  return (row) => {
    const named: Record<string, Cell> = {};
    for (let i = 0; i < fields.length; i++) named[fields[i]!] = row[i]!;
    return named;
  };
}

/** What a column is called in JSON: `rank_change_1d` is `rankChange1d`. */
export function fieldOf(column: string): string {
  return column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
