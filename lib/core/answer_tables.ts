/**
 * The columns of answers: what CSV, Parquet and the other tabular formats hold. The names are those
 * of the published tables.
 *
 * @module
 */

import type {
  ListingAnswer,
  ListingEvent,
  ListingRow,
  SummaryRow,
  SymbolRow,
  TimelineRow,
} from "./answer_types.ts";
import type { ContractType } from "./listing.ts";
import type { RowColumn } from "./table.ts";

/** What all rows about a listing tell of its contract. */
interface Contract {
  readonly contractType: ContractType | null;
  readonly quoteAsset: string | null;
}

const CONTRACT_COLUMNS: readonly RowColumn<Contract>[] = [
  { name: "contract_type", type: "VARCHAR", cell: (row) => row.contractType },
  { name: "quote_asset", type: "VARCHAR", cell: (row) => row.quoteAsset },
];

/** Symbols alone: a range. */
export const NAME_COLUMNS: readonly RowColumn<string>[] = [
  { name: "symbol", type: "VARCHAR", cell: (symbol) => symbol },
];

/** Symbols on a day. */
export const SNAPSHOT_COLUMNS: readonly RowColumn<ListingRow>[] = [
  { name: "symbol", type: "VARCHAR", cell: (row) => row.symbol },
  ...CONTRACT_COLUMNS,
  { name: "first", type: "DATE", cell: (row) => row.first },
  { name: "last_traded", type: "DATE", cell: (row) => row.lastTraded },
];

/** Symbols on a day, with what they were on it. */
export const SNAPSHOT_DETAIL_COLUMNS: readonly RowColumn<ListingRow>[] = [
  { name: "symbol", type: "VARCHAR", cell: (row) => row.symbol },
  { name: "state", type: "VARCHAR", cell: (row) => row.state },
  { name: "listing", type: "VARCHAR", cell: (row) => row.listing },
  ...SNAPSHOT_COLUMNS.slice(1),
  { name: "last", type: "DATE", cell: (row) => row.last },
];

/** The lives of a symbol. */
export const TIMELINE_COLUMNS: readonly RowColumn<ListingAnswer>[] = [
  { name: "listing", type: "VARCHAR", cell: (row) => row.id },
  ...CONTRACT_COLUMNS,
  { name: "first", type: "DATE", cell: (row) => row.first },
  { name: "last_traded", type: "DATE", cell: (row) => row.lastTraded },
  { name: "last", type: "DATE", cell: (row) => row.last },
  { name: "gaps", type: "VARCHAR", cell: (row) => ranges(row.gaps) },
];

/** The days of a symbol. */
export const TIMELINE_DETAIL_COLUMNS: readonly RowColumn<TimelineRow>[] = [
  { name: "date", type: "DATE", cell: (row) => row.date },
  { name: "state", type: "VARCHAR", cell: (row) => row.state },
  { name: "listing", type: "VARCHAR", cell: (row) => row.listing },
];

const EVENT_COLUMNS: readonly RowColumn<ListingEvent>[] = [
  { name: "date", type: "DATE", cell: (row) => row.date },
  { name: "symbol", type: "VARCHAR", cell: (row) => row.symbol },
  { name: "listing", type: "VARCHAR", cell: (row) => row.listing },
  ...CONTRACT_COLUMNS,
];

/** Listings that began to trade. */
export const NEW_LISTING_COLUMNS: readonly RowColumn<ListingEvent>[] = [
  ...EVENT_COLUMNS,
  { name: "relisting", type: "BOOLEAN", cell: (row) => row.relisting ?? null },
];

/** Listings that stopped trading. */
export const DELISTING_COLUMNS: readonly RowColumn<ListingEvent>[] = [
  ...EVENT_COLUMNS,
  { name: "last_traded", type: "DATE", cell: (row) => row.lastTraded ?? null },
];

/** Counts per state. */
export const SUMMARY_COLUMNS: readonly RowColumn<SummaryRow>[] = [
  { name: "date", type: "DATE", cell: (row) => row.date },
  { name: "traded", type: "BIGINT", cell: (row) => row.traded },
  { name: "archived", type: "BIGINT", cell: (row) => row.archived },
  { name: "missing", type: "BIGINT", cell: (row) => row.missing },
];

/** Every symbol that ever existed. */
export const SYMBOL_COLUMNS: readonly RowColumn<SymbolRow>[] = [
  { name: "symbol", type: "VARCHAR", cell: (row) => row.symbol },
  ...CONTRACT_COLUMNS,
  { name: "listings", type: "BIGINT", cell: (row) => row.listings },
  { name: "first", type: "DATE", cell: (row) => row.first },
  { name: "last_traded", type: "DATE", cell: (row) => row.lastTraded },
];

/** `2024-01-01/2024-01-03 2024-02-01/2024-02-01`: ISO 8601 intervals. */
function ranges(days: ListingAnswer["gaps"]): string {
  return days.map(([from, to]) => `${from}/${to}`).join(" ");
}
