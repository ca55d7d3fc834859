/**
 * An endpoint serves manifests: the service, any static mirror, GitHub Releases, or an OCI registry,
 * which is read like a static mirror. They differ only in their paths.
 *
 * @module
 */

import { BfaError, HttpError, NotFoundError } from "../core/errors.ts";
import { isGithubEndpoint, manifestTag } from "../core/github_names.ts";
import { MAX_MANIFEST_BYTES } from "../core/manifest.ts";
import { limitedText } from "../net/body.ts";
import type { HttpClient } from "../net/client.ts";
import { IS_WEB_PAGE, isWebPageText } from "../net/odd_answers.ts";
import { MAX_LIST_BYTES, parseVersionsReply, type VersionsReply } from "./versions_reply.ts";

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
    const text = await limitedText(response.body, MAX_MANIFEST_BYTES, url);
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
  const { body } = await http.get(url);
  return await limitedText(body, MAX_MANIFEST_BYTES, url);
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
    const text = await limitedText(response.body, MAX_LIST_BYTES, url);
    const list = parseVersionsReply(text);
    if (list) return { layout, ...list };
    const why = isWebPageText(text) ? IS_WEB_PAGE : "it is not a list of versions";
    throw new BfaError("network", `Cannot read ${url}: ${why}`);
  }
  throw refused ?? new HttpError(endpoint + layouts[0]!.versions, 404);
}

/** An endpoint may have changed its kind: what is known is asked first, not alone. */
function layoutsOf(endpoint: string, known: Layout | undefined): readonly Layout[] {
  if (isGithubEndpoint(endpoint)) return [GITHUB_LAYOUT];
  if (endpoint.startsWith("oci:")) return [STATIC_LAYOUT];
  return known ? [known, ...LAYOUTS.filter((layout) => layout !== known)] : LAYOUTS;
}

function readMaxAge(header: string | null): number | undefined {
  const match = /(?:^|[,\s])max-age=(\d{1,9})/.exec(header ?? "");
  return match ? Number(match[1]) * 1000 : undefined;
}
