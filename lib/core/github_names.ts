/**
 * How versions and manifests are named on GitHub Releases (docs/decisions/012-github-releases.md):
 *
 * | what | release (tag) | asset |
 * | --- | --- | --- |
 * | an artifact | the version that first had it | `<sha256>-<name>`, `/` as `_-`, `_` as `__` |
 * | a manifest by its sequence | `manifest-<sequence>` | `<sequence>.json` |
 * | the newest manifest, the list of versions | the repository's latest release | `manifest.json`, `versions.json` |
 *
 * @module
 */

import { BfaError } from "./errors.ts";
import type { Artifact } from "./manifest.ts";

/** Where GitHub serves downloads, unless it is one's own GitHub. */
export const GITHUB_WEB = "https://github.com";

/** A repository. */
export interface GithubRepo {
  readonly owner: string;
  readonly name: string;
}

const PLACE = /^github:([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([\w.-]{1,100})$/;

/** Whether a text names a place on GitHub, well or not. */
export function isGithubPlace(text: string): boolean {
  return text.startsWith("github:");
}

/**
 * Reads `github:OWNER/REPO`.
 *
 * @throws {BfaError} `usage` when it is not of that form.
 */
export function parseGithubPlace(text: string): GithubRepo {
  const match = PLACE.exec(text);
  if (match && !/^\.{1,2}$/.test(match[2]!)) return { owner: match[1]!, name: match[2]! };
  throw new BfaError(
    "usage",
    `Cannot use ${JSON.stringify(text.slice(0, 150))}: write github:OWNER/REPO`,
  );
}

/** The address that clients use as endpoint: files of the repository's latest release. */
export function githubEndpoint({ owner, name }: GithubRepo, web: string = GITHUB_WEB): string {
  return `${web}/${owner}/${name}/releases/latest/download/`;
}

/** Whether an endpoint is laid out as GitHub Releases are. */
export function isGithubEndpoint(endpoint: string): boolean {
  return endpoint.endsWith("/releases/latest/download/");
}

/** The address of an asset of a published release. */
export function githubAssetUrl(
  { owner, name }: GithubRepo,
  tag: string,
  asset: string,
  web: string = GITHUB_WEB,
): string {
  return `${web}/${owner}/${name}/releases/download/${tag}/${asset}`;
}

/** The release that shows a manifest. */
export function manifestTag(sequence: number): string {
  return `manifest-${sequence}`;
}

/**
 * What an artifact is called as an asset. GitHub keeps letters, digits, `.`, `_` and `-` of a name and
 * replaces others by a dot, so a slash needs another spelling.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { assetName } from "./github_names.ts";
 * const sha256 = "0".repeat(64);
 * assertEquals(assetName({ sha256, name: "parts/2024.parquet" }), `${sha256}-parts_-2024.parquet`);
 * ```
 */
export function assetName({ sha256, name }: Pick<Artifact, "sha256" | "name">): string {
  return `${sha256}-${name.replaceAll("_", "__").replaceAll("/", "_-")}`;
}
