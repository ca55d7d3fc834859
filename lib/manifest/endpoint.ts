/**
 * An endpoint serves manifests: the service, any static mirror, GitHub Releases, or an OCI registry,
 * which is read like a static mirror. They differ only in their paths.
 *
 * @module
 */

import { asBfaError, BfaError, HttpError, NotFoundError } from "../core/errors.ts";
import { isGithubEndpoint, manifestTag } from "../core/github_names.ts";
import { MAX_MANIFEST_BYTES } from "../core/manifest.ts";
import type { HttpClient } from "../net/client.ts";

/** The paths of an endpoint, relative to its base. */
export interface Layout {
  readonly name: "service" | "static" | "github";
  manifest(channel: string): string;
  manifestBySequence(sequence: number): string;
  readonly versions: string;
  /** Where artifacts are: `<this><sha256>/<name>`; `null` where only their own url tells. */
  readonly artifacts: string | null;
}

/** How the service lays out its paths. */
export const SERVICE_LAYOUT: Layout = {
  name: "service",
  manifest: (channel) => channel === "latest" ? "v1/manifest" : `v1/manifest?channel=${channel}`,
  manifestBySequence: (sequence) => `v1/manifests/${sequence}`,
  versions: "v1/versions",
  artifacts: "v1/artifacts/",
};

/** How a plain folder of files lays out its paths; it serves channel `latest` alone. */
export const STATIC_LAYOUT: Layout = {
  name: "static",
  manifest: () => "manifest.json",
  manifestBySequence: (sequence) => `manifests/${sequence}.json`,
  versions: "versions.json",
  artifacts: "",
};

/** How the releases of a GitHub repository do; the endpoint is its latest one. */
export const GITHUB_LAYOUT: Layout = {
  name: "github",
  manifest: () => "manifest.json",
  manifestBySequence: (sequence) => `../../download/${manifestTag(sequence)}/${sequence}.json`,
  versions: "versions.json",
  artifacts: null,
};

/** A plain mirror's paths first: a service answers the first of them too, and says what it is. */
const LAYOUTS = [STATIC_LAYOUT, SERVICE_LAYOUT];

/**
 * Statuses of a path that is not there. S3 answers 403 to whoever may read files but not list them, which
 * is right for a public bucket.
 */
const NOT_THERE = [403, 404];

/** The largest list of versions that is read, in bytes: room for 100 years of daily ones. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/** What an endpoint answered about its newest manifest. */
export type ManifestReply =
  | { readonly changed: false; readonly maxAgeMs: number | undefined }
  | {
    readonly changed: true;
    readonly text: string;
    readonly etag: string | null;
    readonly layout: Layout;
    readonly maxAgeMs: number | undefined;
  };

/** One version in an endpoint's list. */
export interface ListedVersion {
  /** Its name. */
  version: string;
  /** The newest sequence that describes it. */
  sequence: number;
  /** The last day the data knows about. */
  dataThrough: string;
  /** When that manifest was signed. */
  publishedAt: string;
  /** Rows of `daily_availability`. */
  rows: number;
  /** Symbols that ever existed. */
  symbols: number;
  /** Size of all artifacts. */
  bytes: number;
  /** The last day of its files that hold all days, where they do not go as far as the rest. */
  wholeFilesThrough?: string;
}

/** An endpoint's versions. */
export interface VersionsReply {
  /** Newest first. */
  versions: ListedVersion[];
  /** Where the channels point. */
  channels: Record<string, { version: string; sequence: number }>;
}

/** The layout with a name, or `undefined`. */
export function layoutNamed(name: string | null): Layout | undefined {
  return [...LAYOUTS, GITHUB_LAYOUT].find((layout) => layout.name === name);
}

/** Asks an endpoint for the newest manifest of a channel: one request once its layout is known. */
export async function fetchManifest(
  http: HttpClient,
  endpoint: string,
  options: {
    channel: string;
    layout?: Layout | undefined;
    etag?: string | null;
    signal?: AbortSignal;
    tries?: number;
  },
): Promise<ManifestReply> {
  const { channel, etag, layout: known, ...limits } = options;
  let refused: HttpError | undefined;
  for (const layout of layoutsOf(endpoint, known)) {
    if (layout !== SERVICE_LAYOUT && channel !== "latest") continue;
    const url = endpoint + layout.manifest(channel);
    const headers: Record<string, string> = etag ? { "if-none-match": etag } : {};
    const response = await http.get(url, { ...limits, headers, accept: [304, ...NOT_THERE] });
    const maxAgeMs = readMaxAge(response.headers.get("cache-control"));
    if (response.status === 304) return { changed: false, maxAgeMs };
    if (NOT_THERE.includes(response.status)) {
      await response.body?.cancel();
      if (response.status === 403) refused ??= new HttpError(url, 403);
      continue;
    }
    const text = await limitedText(response, url);
    // A service that answers a plain mirror's path says so, and has its artifacts in its own place.
    const found = response.headers.has("x-dataset-version") ? SERVICE_LAYOUT : layout;
    const newTag = response.headers.get("etag");
    return { changed: true, text, etag: newTag, layout: found, maxAgeMs };
  }
  throw refused ?? new NotFoundError(`no manifest of channel ${channel} at ${endpoint}`);
}

/** Fetches a manifest by its sequence. */
export async function fetchManifestBySequence(
  http: HttpClient,
  endpoint: string,
  layout: Layout,
  sequence: number,
): Promise<string> {
  const url = endpoint + layout.manifestBySequence(sequence);
  return await limitedText(await http.get(url), url);
}

/** Lists an endpoint's versions, newest first, and says which layout it has. */
export async function fetchVersions(
  http: HttpClient,
  endpoint: string,
  known?: Layout,
): Promise<VersionsReply & { layout: Layout }> {
  const layouts = layoutsOf(endpoint, known);
  let refused: HttpError | undefined;
  for (const layout of layouts) {
    const url = endpoint + layout.versions;
    const response = await http.get(url, { accept: NOT_THERE });
    if (NOT_THERE.includes(response.status)) {
      await response.body?.cancel();
      if (response.status === 403) refused ??= new HttpError(url, 403);
      continue;
    }
    const body = readJson(await limitedText(response, url, MAX_LIST_BYTES));
    if (!Array.isArray(body?.versions)) {
      throw new BfaError("network", `Cannot read ${url}: it is not a list of versions`);
    }
    return { layout, versions: body.versions, channels: body.channels ?? {} };
  }
  throw refused ?? new HttpError(endpoint + layouts[0]!.versions, 404);
}

/** An endpoint may have changed its kind: what is known is asked first, not alone. */
function layoutsOf(endpoint: string, known: Layout | undefined): readonly Layout[] {
  if (isGithubEndpoint(endpoint)) return [GITHUB_LAYOUT];
  if (endpoint.startsWith("oci:")) return [STATIC_LAYOUT];
  return known ? [known, ...LAYOUTS.filter((layout) => layout !== known)] : LAYOUTS;
}

function readJson(text: string): Partial<VersionsReply> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads a body that must not be longer than it can be. */
async function limitedText(
  response: Response,
  url: string,
  limit = MAX_MANIFEST_BYTES,
): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > limit) {
        throw new BfaError(
          "integrity",
          `Cannot read ${url}: it is longer than ${limit} bytes`,
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw asBfaError(error, "network", `read ${url}`);
  }
  return await new Blob(chunks).text();
}

function readMaxAge(header: string | null): number | undefined {
  const match = /(?:^|[,\s])max-age=(\d{1,9})/.exec(header ?? "");
  return match ? Number(match[1]) * 1000 : undefined;
}
