/**
 * Headers that many answers share.
 *
 * @module
 */

import { acceptsEncodings } from "@std/http/negotiation";
import { cdnHeaders, LATEST_TAG } from "./cdn.ts";

/** Any page may read every answer: the data is public. */
export const CORS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "Accept-Ranges, Content-Range, ETag, Link, RateLimit, RateLimit-Policy, Retry-After, X-Dataset-Version, X-Request-Id, X-Truncated",
};

/** A browser must take an answer for nothing but the data it says it is. */
export const SECURITY: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/**
 * What a page may do: nothing from elsewhere, and no script or style but its files.
 *
 * @param more What else its scripts may be, and where its workers may come from.
 */
export function pagePolicy(more: { script?: string; worker?: string } = {}): string {
  return [
    "default-src 'none'",
    ["script-src 'self'", more.script].filter(Boolean).join(" "),
    ...(more.worker ? [`worker-src ${more.worker}`] : []),
    "style-src 'self'",
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** How long answers of the newest version may be kept: a rollback must reach everybody soon. */
const LATEST = "public, max-age=60, stale-if-error=86400";

/** For what never changes. */
export const IMMUTABLE = "public, max-age=31536000, immutable";

/** The headers of an answer, without tag and length. */
export function answerHeaders(answer: {
  readonly version: string;
  readonly mediaType: string;
  /** The format was chosen by `Accept`. */
  readonly negotiated: boolean;
  readonly immutable: boolean;
  /** Deno Deploy's own cache is in front, and is told what it may keep. */
  readonly cdn: boolean;
  readonly next?: string | undefined;
}): Headers {
  const { version, mediaType, negotiated, immutable, cdn, next } = answer;
  const cache = immutable ? IMMUTABLE : LATEST;
  return new Headers({
    ...CORS,
    ...SECURITY,
    "content-type": mediaType,
    "cache-control": cache,
    ...(cdn ? cdnHeaders(cache, [...(immutable ? [] : [LATEST_TAG]), `bfa-${version}`]) : {}),
    "vary": negotiated ? "Accept, Accept-Encoding" : "Accept-Encoding",
    "x-dataset-version": version,
    ...(next === undefined ? {} : { link: next }),
  });
}

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

/** Longer than any client's list of encodings; reading it would cost more than it saves. */
const ENCODINGS_LENGTH = 1_000;

/** Whether a client accepts gzip. */
export function acceptsGzip(request: Request): boolean {
  const header = request.headers.get("accept-encoding");
  if (!header || header === "identity" || header.length > ENCODINGS_LENGTH) return false;
  // Nearly every client names it without conditions; the others are read to the letter.
  if (/(?:^|,) *gzip *(?:,|$)/i.test(header)) return true;
  return acceptsEncodings(request, "gzip", "identity") === "gzip";
}

/** The path and query of a request's URL, without parsing it. */
export function pathAndQuery({ url }: Request): string {
  return url.slice(url.indexOf("/", "https://".length));
}
