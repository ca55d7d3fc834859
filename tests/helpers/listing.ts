/** Listings made from a few words. @module */

import type { Day } from "../../lib/core/day.ts";
import type { Listing } from "../../lib/core/listing.ts";

/**
 * Makes a listing from its id and days.
 *
 * @param id `SYMBOL#n`.
 * @param first Day of the first file.
 * @param lastTraded Last traded day, or `null` while it trades.
 * @param last Day of the last file; the last traded day when left out.
 */
export function listing(
  id: string,
  first: string,
  lastTraded: string | null = null,
  last: string | null = lastTraded,
  more: Partial<Listing> = {},
): Listing {
  return {
    id,
    symbol: id.replace(/#\d+$/, ""),
    contractType: null,
    quoteAsset: null,
    first: first as Day,
    lastTraded: lastTraded as Day | null,
    last: last as Day | null,
    gaps: [],
    halts: [],
    ...more,
  };
}
