/**
 * Builds mirrors from what a user writes: a folder, or `github:OWNER/REPO`. Like `open.ts` an entry
 * point's helper: it builds adapters.
 *
 * @module
 */

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
  store: ManifestReader,
  world: MirrorWorld,
): Promise<AnyMirror> {
  if (!isGithubPlace(place)) return directoryMirror(place);
  const { githubMirror } = await import("../mirror/github.ts");
  return githubMirror({
    repo: parseGithubPlace(place),
    web: githubWeb(world),
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
  const api = world.env("BFA_GITHUB_API") ?? world.env("GITHUB_API_URL") ?? GITHUB_API;
  return githubReleases(githubApi({
    repo: parseGithubPlace(place),
    api: api.replace(/\/$/, ""),
    token: world.env("BFA_GITHUB_TOKEN") || world.env("GITHUB_TOKEN") || undefined,
    now: () => world.now(),
    onWait: (line) => world.onWait?.(line),
  }));
}

function githubWeb({ env }: MirrorWorld): string {
  return (env("BFA_GITHUB_URL") ?? env("GITHUB_SERVER_URL") ?? GITHUB_WEB).replace(/\/$/, "");
}
