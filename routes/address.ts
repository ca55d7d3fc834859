/**
 * Where clients reach the service: what its absolute links begin with.
 *
 * Only its operator knows that. Without the setting the request's own Host header has to do, which any
 * client may make up: an answer that repeats it is for that client alone, and no shared cache keeps it.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";

/** An address, and how answers that name it may be kept. */
export interface Address {
  /** Without a slash at the end. */
  readonly url: string;
  /** Headers of an answer that names it and may be kept for some seconds. */
  headers(seconds: number): Record<string, string>;
}

/** The address to write into the answer of a request. */
export function addressOf(request: Request, publicUrl: string | undefined): Address {
  if (publicUrl !== undefined) {
    const control = (seconds: number) => ({ "cache-control": `public, max-age=${seconds}` });
    return { url: publicUrl, headers: control };
  }
  const control = (seconds: number) => ({
    "cache-control": `private, max-age=${seconds}`,
    // For caches that keep private answers all the same.
    "vary": "Host",
  });
  return { url: new URL(request.url).origin, headers: control };
}

/**
 * Reads the setting, such as `https://bfa.example.org` or `https://example.org/bfa`.
 *
 * @throws {BfaError} `usage` for anything else.
 */
export function readPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash &&
    !url.username && !url.password;
  if (plain) return (url.origin + url.pathname).replace(/\/+$/, "");
  throw new BfaError(
    "usage",
    `Cannot read the public URL ${
      JSON.stringify(text.slice(0, 80))
    }: write https://HOST or https://HOST/PATH`,
  );
}
