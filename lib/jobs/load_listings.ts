/**
 * The listings of a version, read from a mirror and verified.
 *
 * @module
 */

import { ListingIndex } from "../core/listing_index.ts";
import { parseListings } from "../core/listings_file.ts";
import { artifactNamed, type ManifestBody } from "../core/manifest.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import { verifiedText } from "./verified_text.ts";

/** Loads the listings that a manifest names. */
export async function loadListings(
  mirror: MirrorReader,
  body: ManifestBody,
): Promise<ListingIndex> {
  const text = await verifiedText(mirror, artifactNamed(body, "listings.json"));
  return new ListingIndex(parseListings(text));
}
