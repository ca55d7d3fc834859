/**
 * The embedded listings: every answer that needs no numbers works from these with no network at all.
 *
 * @module
 */

import type { Source } from "../core/answers.ts";
import type { ContractFacts } from "../core/derive_listings.ts";
import { ListingIndex } from "../core/listing_index.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import { readListings } from "../core/listings_file.ts";

/** Reads the embedded listings. */
export async function seedListings(): Promise<ListingsFile> {
  const { default: seed } = await import("../../data/seed.json", { with: { type: "json" } });
  return readListings(seed);
}

/** The embedded listings, ready to be asked. Build 0 is the seed's: no publisher ever uses it. */
export async function seedSource(): Promise<Source> {
  const listings = await seedListings();
  return { version: `${listings.dataThrough}.0`, index: new ListingIndex(listings) };
}

/** What the embedded listings know of contracts that no file name tells. */
export async function seedFacts(): Promise<Map<string, ContractFacts>> {
  const { listings } = await seedListings();
  return new Map(listings.map(({ symbol, contractType, quoteAsset }) => [
    symbol,
    { contractType, quoteAsset },
  ]));
}
