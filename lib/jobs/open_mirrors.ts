/**
 * Builds mirrors from what a user writes: a folder, or `github:OWNER/REPO`. Like `open.ts` an entry
 * point's helper: it builds adapters.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { GITHUB_WEB, isGithubPlace, parseGithubPlace } from "../core/github_names.ts";
import type { ManifestReader } from "../manifest/store.ts";
import { directoryMirror } from "../mirror/directory.ts";
import type { AnyMirror } from "../mirror/mirror.ts";
import type { GithubReleases } from "../mirror/github_releases.ts";
import { httpClient } from "../net/client.ts";
import { artifactUrls } from "./artifact_urls.ts";

/** The outside world, as far as mirrors need it. */
export interface MirrorWorld {
  env(name: string): string | undefined;
  now(): Date;
  /** Told when a server asks to wait. */
  onWait?(line: string): void;
}

/**
 * Builds a mirror.
 *
 * @param store Knows where earlier versions' artifacts are.
 */
export async function openMirror(
  place: string,
  store: Pick<ManifestReader, "versions" | "bySequence">,
  world: MirrorWorld,
): Promise<AnyMirror> {
  if (!isGithubPlace(place)) return directoryMirror(place);
  const { githubMirror } = await import("../mirror/github.ts");
  return githubMirror({
    repo: parseGithubPlace(place),
    web: baseFrom(world, ["BFA_GITHUB_URL", "GITHUB_SERVER_URL"]) ?? GITHUB_WEB,
    releases: await openReleases(place, world),
    http: httpClient({ downloadHosts: world.env("BFA_DOWNLOAD_HOSTS")?.split(/[\s,]+/) ?? [] }),
    urlOf: artifactUrls(store),
    now: () => world.now(),
  });
}

/** The releases of `github:OWNER/REPO`, with the token from the environment. */
export async function openReleases(place: string, world: MirrorWorld): Promise<GithubReleases> {
  const { GITHUB_API, githubApi } = await import("../mirror/github_api.ts");
  const { githubReleases } = await import("../mirror/github_releases.ts");
  return githubReleases(githubApi({
    repo: parseGithubPlace(place),
    api: baseFrom(world, ["BFA_GITHUB_API", "GITHUB_API_URL"]) ?? GITHUB_API,
    token: world.env("BFA_GITHUB_TOKEN") || world.env("GITHUB_TOKEN") || undefined,
    now: () => world.now(),
    onWait: (line) => world.onWait?.(line),
  }));
}

/** The first of these variables that is set, as a base URL without a slash at the end. */
function baseFrom({ env }: MirrorWorld, names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = env(name);
    if (!text) continue;
    if (/^https?:\/\/[^/@\s]/.test(text) && URL.canParse(text)) return text.replace(/\/$/, "");
    throw new BfaError("usage", `Cannot use ${name}: it is no http(s):// address`);
  }
  return undefined;
}
