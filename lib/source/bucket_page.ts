/**
 * One page of an S3 listing (ListObjects, version 1), read from its XML.
 *
 * @module
 */

import { XMLParser } from "fast-xml-parser";
import { BfaError } from "../core/errors.ts";

/** An object in a page. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly lastModified: string;
  /** Without quotes. */
  readonly etag: string;
}

/** A page of a listing. */
export interface BucketPage {
  readonly objects: readonly ListedObject[];
  /** Directories, when a delimiter was asked for. */
  readonly prefixes: readonly string[];
  /** Where the next page starts; `undefined` on the last one. */
  readonly next: string | undefined;
}

const LISTS = new Set(["ListBucketResult.Contents", "ListBucketResult.CommonPrefixes"]);

/** Values stay texts: a key such as `1e5` is no number. */
const parser = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: true,
  trimValues: false,
  htmlEntities: true, // S3 writes control characters as `&#x1f;`
  isArray: (_name, path) => LISTS.has(String(path)),
});

/**
 * Reads a page.
 *
 * @param prefix What was asked for: the page must echo it.
 * @param marker Where the page starts: the next one must be further on.
 * @throws {BfaError} `integrity` for anything that is no complete page of this listing.
 */
export function readBucketPage(xml: string, prefix: string, marker: string): BucketPage {
  // A parser forgives a document that ends in the middle; a listing that does must not count.
  if (!/<\/ListBucketResult>\s*$/.test(xml)) throw bad("it is no listing, or it is cut");
  let root: Record<string, unknown>;
  try {
    root = parser.parse(xml).ListBucketResult;
  } catch (cause) {
    throw bad("it is not XML", cause);
  }
  if (typeof root !== "object" || root === null) throw bad("it is no listing");
  if (text(root.Prefix) !== prefix) throw bad(`it is of ${JSON.stringify(root.Prefix)}`);

  const objects = (root.Contents as Record<string, unknown>[] | undefined ?? []).map(readObject);
  const prefixes = (root.CommonPrefixes as Record<string, unknown>[] | undefined ?? [])
    .map((entry) => text(entry.Prefix));
  const truncated = text(root.IsTruncated);
  if (truncated !== "true" && truncated !== "false") throw bad("it does not say whether it is all");
  if (truncated === "false") return { objects, prefixes, next: undefined };
  // Only listings with a delimiter name the next marker; else it is the last key.
  const next = text(root.NextMarker) || objects.at(-1)?.key || prefixes.at(-1) || "";
  if (next <= marker) throw bad("it does not go on: the next page would start where this one did");
  return { objects, prefixes, next };
}

function readObject(entry: Record<string, unknown>): ListedObject {
  const key = text(entry.Key);
  const size = text(entry.Size);
  const time = Date.parse(text(entry.LastModified));
  if (!key || !/^\d{1,15}$/.test(size) || Number.isNaN(time)) throw bad("an object is incomplete");
  return {
    key,
    size: Number(size),
    lastModified: new Date(time).toISOString(),
    etag: text(entry.ETag).replaceAll('"', ""),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function bad(why: string, cause?: unknown): BfaError {
  return new BfaError("integrity", `Cannot read a page of the listing: ${why}`, { cause });
}
