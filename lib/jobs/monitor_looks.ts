/**
 * Looks at the places that serve versions: what each has, whether it is all there, and what a service tells of itself.
 *
 * @module
 */

import { asBfaError, BfaError } from "../core/errors.ts";
import { parseMetrics, type Sample } from "../core/metrics_text.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import type { HttpClient } from "../net/client.ts";
import { checkMirror, type MirrorFault } from "./mirror_health.ts";
import { inParallel } from "./in_parallel.ts";
import { manifestOn, requireLatest, versionsOn } from "./mirror_documents.ts";

/** A place to look at. */
export interface Place {
  /** As it was written. */
  readonly name: string;
  readonly reader: MirrorReader;
  /** Its address, where it is read over HTTP: it may be a service. */
  readonly base?: string | undefined;
}

/** What a service counted, and when. */
export interface MetricsLook {
  readonly samples: readonly Sample[];
  /** Seconds since 1970, by its own clock. */
  readonly seconds: number;
}

/** What was found at a place. */
export interface PlaceLook {
  readonly name: string;
  /** Why nothing was. */
  readonly failure?: BfaError;
  readonly signed?: ManifestBody;
  /** What is wrong with the files of its newest version. */
  readonly faults?: readonly MirrorFault[];
  /** How many versions it lists. */
  readonly versions?: number;
  /** Whether it is a service. */
  readonly service?: boolean;
  /** What a service tells of itself, where it shows that. */
  readonly metrics?: MetricsLook | undefined;
}

/** How to look. */
export interface LookOptions {
  readonly http: HttpClient;
  readonly now: Date;
  /** Manifests must be signed by one of these; by the key they name, when left out. */
  readonly trustedKeys?: readonly string[] | undefined;
}

/** Versions whose manifests are compared, to tell how much a version adds: a week. */
const COMPARED = 8;

/** Looks at one place. What is wrong with it is told, never thrown. */
export async function lookAt(place: Place, options: LookOptions): Promise<PlaceLook> {
  const { name, reader, base } = place;
  const { now, http, trustedKeys = [] } = options;
  try {
    // Its own numbers first: the other questions would be among what it counts.
    const metrics = base === undefined ? undefined : await metricsAt(base, http);
    const service = base !== undefined && await isReady(base, http);
    const { manifest } = await requireLatest(reader);
    const { signed } = manifest;
    if (trustedKeys.length > 0 && (await goodKeys(manifest, trustedKeys)).length === 0) {
      throw new BfaError("untrusted", `Cannot trust ${name}: none of the trusted keys signed it`);
    }
    const { versions } = await versionsOn(reader);
    const { faults } = await checkMirror(reader, signed, { now, chance: Math.random() });
    return { name, signed, faults, versions: versions.length, service, metrics };
  } catch (error) {
    return { name, failure: asBfaError(error, "network", `read ${name}`) };
  }
}

/** Whether a service is there. A plain mirror has no such path, or answers it with something else. */
async function isReady(base: string, http: HttpClient): Promise<boolean> {
  const response = await http.get(`${base}readyz`, { accept: [401, 403, 404, 503] });
  const answer: { status?: unknown; code?: unknown } = await response.json().catch(() => ({}));
  if (response.status === 503 && answer.code === "unavailable") {
    throw new BfaError("unavailable", `Cannot call ${base} ready: it has no published version yet`);
  }
  return response.status === 200 && answer.status === "ready";
}

/** The metrics of a service; `undefined` where there are none. */
export async function metricsAt(base: string, http: HttpClient): Promise<MetricsLook | undefined> {
  const response = await http.get(`${base}metrics`, { accept: [401, 403, 404] });
  const text = await response.text();
  const samples = response.status === 200 ? parseMetrics(text) : [];
  if (!samples.some(({ name }) => name === "bfa_version_sequence")) return undefined;
  const date = Date.parse(response.headers.get("date") ?? "");
  return { samples, seconds: (Number.isNaN(date) ? Date.now() : date) / 1000 };
}

/** How many bytes a version of the last week adds to those before it; `undefined` where one stands alone. */
export async function bytesPerVersion(reader: MirrorReader): Promise<number | undefined> {
  const listed = (await versionsOn(reader)).versions.toSorted((a, b) => b.sequence - a.sequence)
    .slice(0, COMPARED);
  const files: Map<string, number>[] = [];
  await inParallel([...listed.entries()], 4, async ([at, { sequence }]) => {
    const stored = await manifestOn(reader, sequence);
    const artifacts = stored?.manifest.signed.artifacts ?? [];
    files[at] = new Map(artifacts.map(({ sha256, bytes }) => [sha256, bytes]));
  });
  const oldest = files.pop();
  if (!oldest || files.length === 0) return undefined;
  const known = new Set(oldest.keys());
  let added = 0;
  for (const version of files.reverse()) {
    for (const [digest, bytes] of version) {
      if (!known.has(digest)) added += bytes;
      known.add(digest);
    }
  }
  return Math.round(added / files.length);
}
