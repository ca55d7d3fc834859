/**
 * One page of an S3 listing (ListObjects, version 1), read from its XML.
 *
 * @module
 */

import { SaxesParser } from "saxes";
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

/** The texts of a page's elements: of the page itself, and of each entry in its two lists. */
interface PageTexts {
  readonly page: Record<string, string>;
  readonly contents: Record<string, string>[];
  readonly prefixes: Record<string, string>[];
}

/**
 * Reads a page.
 *
 * @param prefix What was asked for: the page must echo it.
 * @param marker Where the page starts: the next one must be further on.
 * @throws {BfaError} `integrity` for anything that is no complete page of this listing.
 */
export function readBucketPage(xml: string, prefix: string, marker: string): BucketPage {
  const { page, contents, prefixes } = readTexts(xml);
  if (page.Prefix !== prefix) throw bad(`it is of ${JSON.stringify(page.Prefix)}`);
  const objects = contents.map(readObject);
  const directories = prefixes.map((entry) => entry.Prefix ?? "");
  const truncated = page.IsTruncated;
  if (truncated !== "true" && truncated !== "false") throw bad("it does not say whether it is all");
  if (truncated === "false") return { objects, prefixes: directories, next: undefined };
  // Only listings with a delimiter name the next marker; else it is the last key.
  const next = page.NextMarker || objects.at(-1)?.key || directories.at(-1) || "";
  if (next <= marker) throw bad("it does not go on: the next page would start where this one did");
  return { objects, prefixes: directories, next };
}

/** A streaming parser, because a tree of a thousand objects takes three times as long. */
function readTexts(xml: string): PageTexts {
  const texts: PageTexts = { page: {}, contents: [], prefixes: [] };
  const open: string[] = [];
  let entry: Record<string, string> | undefined;
  let text = "";
  const parser = new SaxesParser();
  parser.on("opentag", ({ name }) => {
    open.push(name);
    text = "";
    if (open.length !== 2) return;
    entry = name === "Contents" || name === "CommonPrefixes" ? {} : undefined;
    if (entry) (name === "Contents" ? texts.contents : texts.prefixes).push(entry);
  });
  parser.on("text", (more) => text += more);
  parser.on("closetag", ({ name }) => {
    if (open.length === 2 && !entry) texts.page[name] = text;
    if (open.length === 3 && entry) entry[name] = text;
    open.pop();
  });
  parser.on("error", (error) => {
    // S3 writes control characters in keys as `&#x0;`, which XML 1.0 does not know: they stay as
    // they are written, and make the key an odd one.
    if (!/character (?:entity|reference)|numeric/i.test(error.message)) throw error;
  });
  let root = "";
  parser.on("opentagstart", ({ name }) => root ||= name);
  try {
    parser.write(xml).close();
  } catch (cause) {
    throw bad("it is no listing, or it is cut", cause);
  }
  if (root !== "ListBucketResult") throw bad("it is no listing");
  return texts;
}

function readObject(entry: Record<string, string>): ListedObject {
  const { Key: key, Size: size = "", LastModified: modified = "", ETag: etag = "" } = entry;
  const time = Date.parse(modified);
  if (!key || !/^\d{1,15}$/.test(size) || Number.isNaN(time)) throw bad("an object is incomplete");
  return {
    key,
    size: Number(size),
    lastModified: new Date(time).toISOString(),
    etag: etag.replaceAll('"', ""),
  };
}

function bad(why: string, cause?: unknown): BfaError {
  return new BfaError("integrity", `Cannot read a page of the listing: ${why}`, { cause });
}
