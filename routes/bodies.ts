/**
 * The JSON bodies of answers, as schemas: the API's description is made from them, and tests hold
 * every answer against them. The types are the library's own (lib/core/answer_types.ts).
 *
 * @module
 */

import { z } from "zod";
import type * as answers from "../lib/core/answer_types.ts";
import type { RowsAnswer, TopAnswer } from "../lib/core/availability_rows.ts";
import type { Day } from "../lib/core/day.ts";
import type { DiffAnswer } from "../lib/core/diff.ts";
import type { Cell, TableColumn } from "../lib/core/table.ts";
import type { PairlistAnswer } from "../lib/core/pairlist.ts";

const day = z.iso.date() as unknown as z.ZodType<Day>;
const version = z.string().meta({ description: "The version the answer comes from" });
const symbol = z.string().meta({ description: "Binance Vision directory name" });
const listing = z.string().meta({ description: "SYMBOL#n, the n-th life of the symbol" });
const rowState = z.enum(["traded", "archived", "missing"]);
const state = z.enum(["traded", "archived", "missing", "pending", "unlisted"]);
const count = z.int().nonnegative();
const dayRange = z.tuple([day, day]);
const days = z.array(dayRange) as unknown as z.ZodType<answers.ListingAnswer["gaps"]>;
const contract = {
  contractType: z.enum(["perpetual", "tradifi_perpetual", "delivery"]).nullable(),
  quoteAsset: z.string().nullable(),
};
const lifeDays = { first: day, lastTraded: day.nullable(), last: day.nullable() };

/** What a page that is not the last one says besides. */
const paging = {
  truncated: z.literal(true).exactOptional().meta({ description: "Rows were left out" }),
  next: z.string().exactOptional().meta({
    description: "Give it as `next` for the following rows",
  }),
};

/** The body of an answer to SQL. */
interface SqlBody {
  version: string;
  columns: TableColumn[];
  count: number;
  truncated: boolean;
  rows: Cell[][];
}

/** A body with the fields of paging. */
type Paged<Answer> = Answer & { truncated?: true; next?: string };

/** @see answers.SnapshotAnswer */
export const snapshotBody: z.ZodType<Paged<answers.SnapshotAnswer>> = z.strictObject({
  version,
  date: day,
  states: z.array(rowState),
  count,
  symbols: z.array(symbol),
  rows: z.array(z.strictObject({ symbol, state, listing, ...contract, ...lifeDays }))
    .exactOptional(),
  ...paging,
});

/** @see answers.TimelineAnswer */
export const timelineBody: z.ZodType<Paged<answers.TimelineAnswer>> = z.strictObject({
  version,
  symbol,
  listings: z.array(
    z.strictObject({ id: listing, ...lifeDays, ...contract, gaps: days, halts: days }),
  ),
  days: z.strictObject({ traded: count, archived: count, missing: count }),
  from: day.exactOptional(),
  to: day.exactOptional(),
  rows: z.array(z.strictObject({ date: day, state, listing: listing.nullable() })).exactOptional(),
  ...paging,
});

/** @see answers.RangeAnswer */
export const rangeBody: z.ZodType<Paged<answers.RangeAnswer>> = z.strictObject({
  version,
  from: day,
  to: day,
  states: z.array(rowState),
  count,
  symbols: z.array(symbol),
  ...paging,
});

/** @see answers.EventsAnswer */
export const eventsBody: z.ZodType<Paged<answers.EventsAnswer>> = z.strictObject({
  version,
  from: day,
  to: day,
  count,
  events: z.array(z.strictObject({
    date: day,
    symbol,
    listing,
    ...contract,
    relisting: z.boolean().exactOptional(),
    lastTraded: day.exactOptional(),
  })),
  ...paging,
});

/** @see answers.SummaryAnswer */
export const summaryBody: z.ZodType<Paged<answers.SummaryAnswer>> = z.strictObject({
  version,
  from: day,
  to: day,
  count,
  rows: z.array(z.strictObject({ date: day, traded: count, archived: count, missing: count })),
  ...paging,
});

/** @see answers.SymbolsAnswer */
export const symbolsBody: z.ZodType<Paged<answers.SymbolsAnswer>> = z.strictObject({
  version,
  count,
  symbols: z.array(symbol),
  rows: z.array(z.strictObject({ symbol, ...contract, listings: count, ...lifeDays }))
    .exactOptional(),
  ...paging,
});

const amount = z.number().nullable().exactOptional();

/** @see RowsAnswer */
export const rowsBody: z.ZodType<Paged<RowsAnswer>> = z.strictObject({
  version,
  symbol: symbol.exactOptional(),
  from: day,
  to: day,
  columns: z.array(z.string()),
  count,
  rows: z.array(z.strictObject({
    date: day,
    symbol,
    available: z.boolean().exactOptional(),
    state: z.string().exactOptional(),
    fileSizeBytes: amount,
    lastModified: z.string().nullable().exactOptional(),
    quoteVolumeUsdt: amount,
    tradeCount: amount,
    volumeBase: amount,
    takerBuyVolumeBase: amount,
    takerBuyQuoteVolumeUsdt: amount,
    openPrice: amount,
    highPrice: amount,
    lowPrice: amount,
    closePrice: amount,
  })),
  ...paging,
});

const rankChange = z.int().nullable();

/** @see TopAnswer */
export const topBody: z.ZodType<Paged<TopAnswer>> = z.strictObject({
  version,
  date: day,
  count,
  ranked: count,
  rows: z.array(z.strictObject({
    rank: count,
    symbol,
    quoteVolumeUsdt: z.number(),
    marketShare: z.number().nullable(),
    percentile: z.number(),
    rankChange1d: rankChange,
    rankChange7d: rankChange,
    rankChange14d: rankChange,
    rankChange30d: rankChange,
    daysAvailable30d: count,
  })),
  ...paging,
});

/** @see PairlistAnswer */
export const pairlistBody: z.ZodType<PairlistAnswer> = z.strictObject({
  pairs: z.array(z.string()),
  refresh_period: count.meta({ description: "Seconds" }),
});

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]) as unknown as z.ZodType<Cell>;

/** An answer to SQL: rows are arrays, in the order of the columns. */
export const sqlBody: z.ZodType<SqlBody> = z.strictObject({
  version,
  columns: z.array(z.strictObject({
    name: z.string(),
    type: z.enum(["DATE", "VARCHAR", "BOOLEAN", "BIGINT", "TIMESTAMP", "DOUBLE"]),
  })),
  count,
  truncated: z.boolean().meta({ description: "Something was left out" }),
  rows: z.array(z.array(cell)),
});

/** @see DiffAnswer */
export const diffBody: z.ZodType<Paged<DiffAnswer>> = z.strictObject({
  a: z.string(),
  b: z.string(),
  schema: z.tuple([count, count]).nullable(),
  numbers: z.boolean().meta({ description: "Whether sizes, volumes and prices were compared" }),
  listings: z.array(z.strictObject({
    listing,
    change: z.enum(["added", "removed", "changed"]),
    fields: z.record(z.string(), z.tuple([z.unknown(), z.unknown()])),
  })),
  count,
  classes: z.strictObject({ "new day": count, listing: count, revision: count }),
  rows: z.array(z.strictObject({
    date: day,
    symbol,
    change: z.enum(["added", "removed", "changed"]),
    class: z.enum(["new day", "listing", "revision"]),
    before: rowState.nullable(),
    after: rowState.nullable(),
    fields: z.record(z.string(), z.tuple([cell, cell])).exactOptional(),
  })),
  ...paging,
});
