/**
 * Documents: texts that are no answers to questions, such as the manifest, feeds and descriptions.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { preconditionFailed, unmet } from "./conditions.ts";
import { acceptsGzip, CORS, SECURITY } from "./headers.ts";

/** Below this size, compressing costs more than it saves. */
const GZIP_FROM_CHARACTERS = 860;

/** What was compressed last, by digest: a service has few documents. */
const zipped = new LRUCache<string, Uint8Array<ArrayBuffer>>({ max: 32 });

/**
 * A text, JSON unless `more` says otherwise, with a tag of its own digest; compressed for those who take that.
 *
 * @param publishedAt When it took the place of another one, ms, where that is known.
 */
export function document(
  request: Request,
  text: string,
  cacheControl: string,
  more: Record<string, string> = {},
  publishedAt?: number,
): Response {
  const digest = createHash("sha256").update(text).digest("base64url").slice(0, 22);
  const tags = [`"${digest}"`, `"${digest}-gzip"`];
  const zips = text.length >= GZIP_FROM_CHARACTERS;
  const gzip = zips && acceptsGzip(request);
  const headers = new Headers({
    ...CORS,
    ...SECURITY,
    "cache-control": cacheControl,
    "etag": tags[gzip ? 1 : 0]!,
    ...more,
  });
  if (zips) headers.append("vary", "Accept-Encoding");
  const condition = unmet(request.headers, { tags, publishedAt });
  if (condition === "failed") return preconditionFailed();
  if (condition) return new Response(null, { status: 304, headers });
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  const body = gzip ? compressed(digest, text) : new TextEncoder().encode(text);
  if (gzip) headers.set("content-encoding", "gzip");
  headers.set("content-length", String(body.length)); // HEAD, without a body, would tell 0
  return new Response(body, { headers });
}

function compressed(digest: string, text: string): Uint8Array<ArrayBuffer> {
  let bytes = zipped.get(digest);
  if (!bytes) zipped.set(digest, bytes = new Uint8Array(gzipSync(text)));
  return bytes;
}
