/**
 * Headers that many answers share, and the reading of conditional requests.
 *
 * @module
 */

import { acceptsEncodings } from "@std/http/negotiation";

/** Any page may read every answer: the data is public. */
export const CORS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "ETag, X-Dataset-Version, Content-Range, Accept-Ranges, Retry-After",
};

/** A text as a response whose length HEAD tells too. */
export function textResponse(
  text: string,
  init: { status?: number; headers: HeadersInit },
): Response {
  const body = new TextEncoder().encode(text);
  const headers = new Headers(init.headers);
  headers.set("content-length", String(body.length));
  return new Response(body, { ...init, headers });
}

/**
 * Whether an `If-None-Match` header names one of the tags (RFC 9110 §13.1.2: weak comparison).
 *
 * @param header The header's value, or `null`.
 * @param tags Strong tags with their quotes.
 */
export function noneMatch(header: string | null, tags: readonly string[]): boolean {
  if (header === null) return false;
  if (header === tags[0]) return true; // what nearly every client sends
  if (header.trim() === "*") return true;
  for (const part of header.split(",")) {
    const tag = part.trim().replace(/^W\//, "");
    if (tags.includes(tag)) return true;
  }
  return false;
}

/** Whether a client accepts gzip. */
export function acceptsGzip(request: Request): boolean {
  const header = request.headers.get("accept-encoding");
  if (!header || header === "identity") return false;
  // Nearly every client names it without conditions; the others are read to the letter.
  if (/(?:^|,) *gzip *(?:,|$)/i.test(header)) return true;
  return acceptsEncodings(request, "gzip", "identity") === "gzip";
}
