/**
 * Headers that many answers share, and the reading of conditional requests.
 *
 * @module
 */

/** Any page may read every answer: the data is public. */
export const CORS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "ETag, X-Dataset-Version, Content-Range, Accept-Ranges, Retry-After",
};

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

/** Whether a request accepts gzip. */
export function acceptsGzip(header: string | null): boolean {
  if (header === null) return false;
  const match = /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([\d.]+))?\s*(?:,|$)/i.exec(header);
  return match !== null && match[1] !== "0" && Number(match[1] ?? 1) > 0;
}
