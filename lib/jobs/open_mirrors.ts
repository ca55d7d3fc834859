/**
 * Builds mirrors from what a user writes: a folder, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`,
 * `github:OWNER/REPO`, and for reading alone `http(s)://…`. Like `open.ts` an entry point's helper: it
 * builds adapters.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { GITHUB_WEB, isGithubPlace, parseGithubPlace } from "../core/github_names.ts";
import type { ManifestReader, StoredManifest, VersionEntry } from "../manifest/store.ts";
import { directoryMirror } from "../mirror/directory.ts";
import type { AnyMirror, Mirror, MirrorReader, ReleaseMirror } from "../mirror/mirror.ts";
import type { GithubReleases } from "../mirror/github_releases.ts";
import { type Fetch, type HttpClient, httpClient } from "../net/client.ts";
import type { RetryPolicy } from "../net/retry.ts";
import { sender } from "../net/sender.ts";
import { artifactUrls } from "./artifact_urls.ts";
import { manifestOn, versionsOn } from "./mirror_documents.ts";
import { type LoginWorld, registryLogin } from "./registry_login.ts";

/** The outside world, as far as mirrors need it. */
export interface MirrorWorld extends LoginWorld {
  now(): Date;
  /** Told when a server asks to wait. */
  onWait?(line: string): void;
  /** Used instead of the platform's `fetch`. */
  readonly fetch?: Fetch;
  /** How often to try, where somebody waits for the answer. */
  readonly retry?: RetryPolicy;
}

/** Says where artifacts are, on mirrors that have no paths. */
type ManifestsByVersion = Pick<ManifestReader, "versions" | "bySequence">;

/** What {@linkcode openMirror} takes, in a few words. */
export const PLACES = "a folder, s3://BUCKET/PREFIX, oci://HOST/REPOSITORY or github:OWNER/REPO";

/** Whether a place is read over plain HTTP, and so cannot be written. */
export function isHttpPlace(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/**
 * Builds a mirror that is written and read.
 *
 * @param store Knows where earlier versions' artifacts are.
 */
export async function openMirror(
  place: string,
  store: ManifestsByVersion,
  world: MirrorWorld,
): Promise<AnyMirror> {
  if (isGithubPlace(place)) return await openGithub(place, store, world);
  return await openFileMirror(place, world);
}

/** Builds a mirror that is only read, from any place: also the service, and plain HTTP. */
export async function openReader(place: string, world: MirrorWorld): Promise<MirrorReader> {
  if (isHttpPlace(place)) {
    const { endpointReader } = await import("./endpoint_reader.ts");
    const { parseEndpoint } = await import("../manifest/endpoint_address.ts");
    return endpointReader(await parseEndpoint(place), downloads(world));
  }
  if (!isGithubPlace(place)) return await openFileMirror(place, world);
  // Where artifacts are, its own manifests say.
  const { reader } = await githubReading(place, {
    versions: async (): Promise<VersionEntry[]> => (await versionsOn(reader)).versions.toReversed(),
    bySequence: (sequence): Promise<StoredManifest | undefined> => manifestOn(reader, sequence),
  }, world);
  return reader;
}

/** Builds a mirror that holds files by their path: any but releases. */
export async function openFileMirror(place: string, world: MirrorWorld): Promise<Mirror> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//.exec(place)?.[1];
  if (scheme === "s3") return await openS3(place, world);
  if (scheme === "oci") return await openOci(place, world);
  if (scheme === undefined && !isGithubPlace(place)) return directoryMirror(place);
  const places = isGithubPlace(place) ? PLACES.replace(/ or .*/, "") : PLACES;
  throw new BfaError("usage", `Cannot use ${place.slice(0, 150)}: give ${places}`);
}

async function openS3(place: string, world: MirrorWorld): Promise<Mirror> {
  const { readS3Place } = await import("../mirror/s3_place.ts");
  const { s3Api } = await import("../mirror/s3_api.ts");
  const { s3Mirror } = await import("../mirror/s3.ts");
  const at = readS3Place(place, (name) => world.env(name));
  const api = s3Api(at, senderTo(`s3://${at.bucket}`, world), () => world.now());
  return s3Mirror(api, at.prefix);
}

async function openOci(place: string, world: MirrorWorld): Promise<Mirror> {
  const { parseOciPlace } = await import("../mirror/oci_place.ts");
  const { ociApi } = await import("../mirror/oci_api.ts");
  const { ociMirror } = await import("../mirror/oci.ts");
  const at = parseOciPlace(place);
  const login = await registryLogin(at.host, world);
  const now = () => world.now();
  return ociMirror(ociApi({ place: at, sender: senderTo(place, world), login, now }));
}

function senderTo(place: string, world: MirrorWorld) {
  const { fetch, retry } = world;
  return sender({
    place,
    fetch,
    retry,
    now: () => world.now(),
    onWait: (line) => world.onWait?.(line),
  });
}

async function openGithub(
  place: string,
  store: ManifestsByVersion,
  world: MirrorWorld,
): Promise<ReleaseMirror> {
  const { githubMirror } = await import("../mirror/github.ts");
  const read = await githubReading(place, store, world);
  const releases = await openReleases(place, world);
  return githubMirror({ ...read, releases, now: () => world.now() });
}

/** What reading a repository's releases takes: no token. */
async function githubReading(place: string, store: ManifestsByVersion, world: MirrorWorld) {
  const { githubReader } = await import("../mirror/github_reader.ts");
  const options = {
    repo: parseGithubPlace(place),
    web: baseFrom(world, ["BFA_GITHUB_URL", "GITHUB_SERVER_URL"]) ?? GITHUB_WEB,
    urlOf: artifactUrls(store),
  };
  return { ...options, reader: githubReader({ ...options, http: downloads(world) }) };
}

/** Plain HTTP, which may be redirected to hosts that the user knows. */
function downloads({ env, fetch, retry }: MirrorWorld): HttpClient {
  const downloadHosts = env("BFA_DOWNLOAD_HOSTS")?.split(/[\s,]+/) ?? [];
  return httpClient({ fetch, downloadHosts, ...(retry ? { retry } : {}) });
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
