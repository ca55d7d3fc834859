/**
 * Where an endpoint is, as users write it. Apart from asking it: a fresh copy is not asked for.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";

/**
 * Addresses that `URL` would leave as they are, but for the slash at their end: its first use costs half a
 * millisecond, at every start of the command line.
 */
const PLAIN =
  /^https?:\/\/(?:[a-z][a-z0-9]*(?:[.-][a-z][a-z0-9]*)*|127\.0\.0\.1)(?::(?:[1-5]\d{4}|[1-9]\d{3}))?\/?$/;

/** Reads a base URL, `github:OWNER/REPO` or `oci://HOST/REPOSITORY`: the result always ends with a slash. */
export async function parseEndpoint(text: string): Promise<string> {
  if (text.startsWith("github:")) {
    const { githubEndpoint, parseGithubPlace } = await import("../core/github_names.ts");
    return githubEndpoint(parseGithubPlace(text));
  }
  if (PLAIN.test(text)) return text.endsWith("/") ? text : `${text}/`;
  if (text.startsWith("oci:")) return parseRegistry(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.search || url.hash) {
    throw new BfaError(
      "usage",
      `Cannot use the endpoint ${
        JSON.stringify(text.slice(0, 100))
      }: give an http(s):// address, github:OWNER/REPO or oci://HOST/REPOSITORY`,
    );
  }
  if (url.username || url.password) {
    throw new BfaError("usage", "Cannot use an endpoint with a password in its address");
  }
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

/** What is no good is refused before anything is asked; who reads it checks the rest. */
function parseRegistry(text: string): string {
  if (/^oci:\/\/[A-Za-z0-9.:[\]-]+(\/[a-z0-9._-]+)+\/?$/.test(text)) {
    return text.replace(/\/?$/, "/");
  }
  throw new BfaError(
    "usage",
    `Cannot use the endpoint ${JSON.stringify(text.slice(0, 100))}: write oci://HOST/REPOSITORY`,
  );
}
