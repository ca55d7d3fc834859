/**
 * The files of manifests on mirrors: written after the commit, and repaired by whoever comes next.
 *
 * @module
 */

import { currentManifest, type ManifestStore, type StoredManifest } from "../manifest/store.ts";
import {
  type AnyMirror,
  isReleaseMirror,
  LATEST_PATH,
  manifestPath,
  type Mirror,
  type MovingFiles,
  type ReleaseMirror,
  textBody,
  VERSIONS_PATH,
} from "../mirror/mirror.ts";
import { missingArtifacts } from "./require_artifacts.ts";
import { versionList } from "./version_list.ts";

/** Where manifests are, and where their files go. */
export interface ManifestPlaces {
  readonly store: ManifestStore;
  readonly mirrors: readonly AnyMirror[];
}

/** Writes the files of a manifest to every mirror; safe to repeat. */
export async function writeManifestFiles(
  { store, mirrors }: ManifestPlaces,
  stored: StoredManifest,
): Promise<void> {
  for (const mirror of mirrors) {
    if (isReleaseMirror(mirror)) continue;
    const { sequence } = stored.manifest.signed;
    // In this order: one that is there says that those before it are.
    await fillHoles(store, mirror, sequence - 1);
    await mirror.put(manifestPath(sequence), textBody(stored.text));
  }
  // The moving files show what KV holds, not what was committed here: another publisher may have
  // moved on. Whoever writes an older state sees that afterwards, and writes again.
  for (let written = 0; written !== await store.lastSequence();) {
    written = await store.lastSequence();
    const versions = JSON.stringify(await versionList(store), null, 2) + "\n";
    const newest = await currentManifest(store, "latest");
    const latest = newest?.text;
    for (const mirror of mirrors) {
      if (isReleaseMirror(mirror)) {
        await announce(store, mirror, written, { versions, latest });
        continue;
      }
      const isThere = newest && (latest === stored.text || await hasFiles(mirror, newest));
      await putMoving(mirror, { versions, latest: isThere ? latest : undefined });
    }
  }
}

function hasAddresses({ manifest }: StoredManifest): boolean {
  return manifest.signed.artifacts.some(({ url }) => url !== undefined);
}

/** Another version may be published to a mirror that was not there yet when `latest` was: readers of it would find no file. */
async function hasFiles(mirror: Mirror, { manifest }: StoredManifest): Promise<boolean> {
  return (await missingArtifacts(mirror, manifest.signed)).length === 0;
}

async function putMoving(mirror: Mirror, { versions, latest }: MovingFiles): Promise<void> {
  await mirror.put(VERSIONS_PATH, textBody(versions));
  if (latest !== undefined) await mirror.put(LATEST_PATH, textBody(latest));
}

async function announce(
  store: ManifestStore,
  mirror: ReleaseMirror,
  sequence: number,
  moving: MovingFiles,
): Promise<void> {
  const stored = await store.bySequence(sequence);
  const { mirrors = [] } = stored?.manifest.signed ?? {};
  // Clients could not fetch what it names.
  if (!stored || (mirrors.length === 0 && !hasAddresses(stored))) return;
  await fillHoles(store, mirror, sequence - 1);
  await mirror.announce({ signed: stored.manifest.signed, text: stored.text }, moving);
}

/** Writes the manifests before a sequence that a publisher committed but did not live to write. */
async function fillHoles(store: ManifestStore, mirror: AnyMirror, sequence: number): Promise<void> {
  const holes: StoredManifest[] = [];
  for (let hole = sequence; hole > 0; hole--) {
    if (await mirror.size(manifestPath(hole)) !== undefined) break;
    const stored = await store.bySequence(hole);
    // What was published before a release mirror was used is not there.
    if (isReleaseMirror(mirror) && stored && !hasAddresses(stored)) break;
    if (stored) holes.push(stored);
  }
  // Oldest first: a manifest that is there says that those before it are.
  for (const { manifest: { signed }, text } of holes.reverse()) {
    if (isReleaseMirror(mirror)) await mirror.announce({ signed, text });
    else await mirror.put(manifestPath(signed.sequence), textBody(text));
  }
}
