/**
 * The listings of a version, read from a mirror and verified.
 *
 * @module
 */

import type { ListingsFile } from "../core/kept_listings.ts";
import { ListingIndex } from "../core/listing_index.ts";
import { parseListings } from "../core/listings_file.ts";
import { artifactNamed, type ManifestBody } from "../core/manifest.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import { openArtifact, verifiedText } from "./verified_artifact.ts";

/** Loads the listings that a manifest names. */
export async function loadListings(
  mirror: MirrorReader,
  body: ManifestBody,
): Promise<ListingIndex> {
  const text = await verifiedText(mirror, artifactNamed(body, "listings.json"));
  return new ListingIndex(parseListings(text));
}

/** A version's listings from the first mirror that has them, sound; `undefined` when none has any. */
export async function listingsOnAny(
  mirrors: readonly MirrorReader[],
  version: ManifestBody | undefined,
): Promise<ListingsFile | undefined> {
  const artifact = version?.artifacts.find(({ role }) => role === "listings");
  if (!artifact) return undefined;
  const failures: unknown[] = [];
  for (const mirror of mirrors) {
    try {
      const file = await openArtifact(mirror, artifact);
      if (file) return parseListings(await new Response(file).text());
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return undefined;
}
