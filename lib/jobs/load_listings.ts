/**
 * The listings of a version, read from a mirror and verified.
 *
 * @module
 */

import { BfaError, IntegrityError } from "../core/errors.ts";
import { ListingIndex } from "../core/listing_index.ts";
import { parseListings } from "../core/listings_file.ts";
import { artifactNamed, type ManifestBody } from "../core/manifest.ts";
import { hashStream } from "../files/file_facts.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";

/** Loads the listings that a manifest names. */
export async function loadListings(
  mirror: MirrorReader,
  body: ManifestBody,
): Promise<ListingIndex> {
  const artifact = artifactNamed(body, "listings.json");
  const path = artifactPath(artifact);
  const file = await mirror.open(path);
  if (!file) throw new BfaError("unavailable", `Cannot load ${path}: the mirror does not have it`);
  const [kept, hashed] = file.body.tee();
  const [text, { sha256 }] = await Promise.all([new Response(kept).text(), hashStream(hashed)]);
  if (sha256 !== artifact.sha256) throw new IntegrityError(path, artifact.sha256, sha256);
  return new ListingIndex(parseListings(text));
}
