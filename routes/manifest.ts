/**
 * The manifest over HTTP: the newest one, any one by its sequence, the versions, and the events.
 *
 * @module
 */

import { readChannel } from "../lib/core/manifest.ts";
import { NotFoundError } from "../lib/core/errors.ts";
import { freshnessAt } from "../lib/core/freshness.ts";
import type { ManifestBody } from "../lib/core/manifest.ts";
import type { VersionList } from "../lib/jobs/version_list.ts";
import {
  currentManifest,
  type ManifestReader,
  type StoredManifest,
} from "../lib/manifest/store.ts";
import { cdnHeaders, LATEST_TAG } from "./cdn.ts";
import { document } from "./document.ts";
import { IMMUTABLE } from "./headers.ts";

/** How long a shared cache may keep the newest manifest: a rollback must reach clients soon. */
const SHARED_SECONDS = 60;

/** `GET /v1/manifest?channel=latest` */
export function manifestAnswer(
  request: Request,
  stored: StoredManifest | undefined,
  now: Date,
): Response {
  if (!stored) throw new NotFoundError("no version was published in this channel yet");
  const { signed } = stored.manifest;
  const control = cacheControl(signed, now);
  const headers = { ...cdnHeaders(control, [LATEST_TAG]), "x-dataset-version": signed.version };
  return document(request, stored.text, control, headers, Date.parse(signed.publishedAt));
}

/** The newest manifest of any channel. */
export async function channelManifest(
  reader: ManifestReader,
  channel: string,
): Promise<StoredManifest | undefined> {
  return await currentManifest(reader, readChannel(channel));
}

/** `GET /v1/manifests/{sequence}`: a signed manifest never changes. */
export async function manifestBySequence(
  request: Request,
  reader: ManifestReader,
  sequence: string,
): Promise<Response> {
  const number = /^[1-9]\d{0,14}$/.test(sequence) ? Number(sequence) : undefined;
  const stored = number === undefined ? undefined : await reader.bySequence(number);
  if (!stored) throw new NotFoundError(`no manifest ${JSON.stringify(sequence.slice(0, 20))}`);
  return document(request, stored.text, IMMUTABLE, {
    ...cdnHeaders(IMMUTABLE, [`bfa-${stored.manifest.signed.version}`]),
    "x-dataset-version": stored.manifest.signed.version,
  });
}

/** `GET /v1/versions` */
export async function versionsAnswer(
  request: Request,
  list: () => Promise<VersionList>,
  version: string,
): Promise<Response> {
  const text = JSON.stringify(await list(), null, 2) + "\n";
  const control = `public, max-age=${SHARED_SECONDS}`;
  const headers = { ...cdnHeaders(control, [LATEST_TAG]), "x-dataset-version": version };
  return document(request, text, control, headers);
}

/** Fresh: until the next version is expected. After that: soon again, and never without asking. */
function cacheControl({ freshness }: ManifestBody, now: Date): string {
  const untilDue = Math.floor((Date.parse(freshness.refreshAfter) - now.getTime()) / 1000);
  switch (freshnessAt(freshness, now)) {
    case "fresh":
      return `public, max-age=${untilDue}, s-maxage=${Math.min(untilDue, SHARED_SECONDS)}`;
    case "due":
      return `public, max-age=${SHARED_SECONDS}`;
    case "stale":
      return "public, max-age=15";
    case "expired":
      return "no-cache";
  }
}
