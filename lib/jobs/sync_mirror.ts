/**
 * Sync: brings versions from one mirror to another, only what is missing there, and verifies all that
 * it brings. Nobody's KV or key is needed: the signed manifests come along.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { acceptManifest } from "../cache/accept_manifest.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { StoredManifest } from "../manifest/store.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import {
  LATEST_PATH,
  manifestPath,
  type Mirror,
  type MirrorReader,
  textBody,
  VERSIONS_PATH,
} from "../mirror/mirror.ts";
import { copyArtifact } from "./copy_artifact.ts";
import {
  latestOn,
  manifestOn,
  NO_VERSIONS,
  requireLatest,
  versionOn,
  versionsOn,
} from "./mirror_documents.ts";

/** What to bring. */
export interface SyncOptions {
  /** Versions by name; the newest one when left out, all that the source lists for `all`. */
  readonly versions?: readonly string[] | "all" | undefined;
  /** Only versions that these keys signed; without them those whom the target's newest manifest leads to. */
  readonly trustedKeys?: readonly string[] | undefined;
  /** Told of every artifact that was brought. */
  readonly onArtifact?: (version: string, artifact: Artifact) => void;
}

/** What a sync did. */
export interface SyncReport {
  readonly from: string;
  readonly to: string;
  /** Whether the target's newest manifest is another one now. */
  readonly moved: boolean;
  /** Manifests that were written. */
  readonly manifests: number;
  readonly versions: readonly SyncedVersion[];
}

interface SyncedVersion {
  readonly version: string;
  /** Artifacts that were there already. */
  readonly had: number;
  readonly copied: number;
  readonly bytes: number;
}

/**
 * Brings versions to a mirror. What is copied is read from the first source that has the right bytes.
 *
 * Artifacts first, then manifests, then the list, then the pointer: at every moment the target is whole.
 *
 * @param sources The first one says what there is; the others help out with artifacts.
 */
export async function syncMirror(
  sources: readonly MirrorReader[],
  target: Mirror,
  options: SyncOptions = {},
): Promise<SyncReport> {
  const from = sources[0]!;
  const { trustedKeys = [] } = options;
  const newest = await requireLatest(from);
  const before = await orDamaged(latestOn(target));
  await refuseUntrusted(from, newest, before, trustedKeys);
  const chosen = await choose(from, newest, options);
  const versions: SyncedVersion[] = [];
  for (const stored of chosen) versions.push(await copyVersion(sources, target, stored, options));
  const written = await copyManifests(from, target, newest);
  for (const [i, stored] of chosen.entries()) {
    const { sequence } = stored.manifest.signed;
    if (written.has(sequence)) continue;
    const there = await orDamaged(manifestOn(target, sequence));
    // In a registry, the tag of a version is made with its manifest, once its artifacts are there.
    if (there?.text === stored.text && versions[i]!.copied === 0) continue;
    await target.put(manifestPath(sequence), textBody(stored.text));
    if (there?.text !== stored.text) written.add(sequence);
  }
  const { sequence, version } = newest.manifest.signed;
  const isWhole = versions.some((synced) => synced.version === version);
  const synced = new Set(versions.map((one) => one.version));
  await putVersions(from, target, synced, isWhole ? { sequence, version } : undefined);
  const moved = isWhole && newest.text !== before?.text;
  if (moved) await target.put(LATEST_PATH, textBody(newest.text));
  return { from: from.name, to: target.name, moved, manifests: written.size, versions };
}

async function choose(
  from: MirrorReader,
  newest: StoredManifest,
  { versions, trustedKeys: configured = [] }: SyncOptions,
): Promise<StoredManifest[]> {
  if (versions === undefined) return [newest];
  const list = await versionsOn(from);
  const names = versions === "all" ? list.versions.map(({ version }) => version) : versions;
  const chosen: StoredManifest[] = [];
  for (const name of names) {
    const isNewest = name === newest.manifest.signed.version;
    const stored = isNewest ? newest : await versionOn(from, name, list);
    await acceptManifest(stored.manifest, { configured, pinned: [], highestSequence: 0 });
    chosen.push(stored);
  }
  return chosen;
}

/** The newest manifest must be one that a client of the target would accept. */
async function refuseUntrusted(
  from: MirrorReader,
  newest: StoredManifest,
  before: StoredManifest | undefined,
  configured: readonly string[],
): Promise<void> {
  const highestSequence = before?.manifest.signed.sequence ?? 0;
  const { sequence } = newest.manifest.signed;
  if (sequence < highestSequence) {
    throw new BfaError(
      "rollback",
      `Cannot sync from ${from.name}: it is at manifest ${sequence}, the target at ${highestSequence} already`,
    );
  }
  let pinned: readonly string[] = before ? await goodKeys(before.manifest) : [];
  if (before && before.manifest.signed.nextKeys?.length) pinned = before.manifest.signed.nextKeys;
  for (let next = highestSequence + 1; before && next < sequence; next++) {
    // A change of keys is announced by the manifests between.
    const between = await manifestOn(from, next);
    if (!between) continue;
    const trust = { configured, pinned, highestSequence };
    ({ pins: pinned } = await acceptManifest(between.manifest, trust));
  }
  await acceptManifest(newest.manifest, { configured, pinned, highestSequence });
}

async function copyVersion(
  sources: readonly MirrorReader[],
  target: Mirror,
  { manifest }: StoredManifest,
  { onArtifact }: SyncOptions,
): Promise<SyncedVersion> {
  const { version, artifacts } = manifest.signed;
  let [copied, bytes] = [0, 0];
  for (const artifact of artifacts) {
    if (!await copyArtifact(sources, target, artifact)) continue;
    onArtifact?.(version, artifact);
    copied++;
    bytes += artifact.bytes;
  }
  return { version, had: artifacts.length - copied, copied, bytes };
}

/** What cannot be read is as if it were missing: it is written again. */
async function orDamaged<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BfaError && error.code === "integrity") return undefined;
    throw error;
  }
}

/**
 * Writes the manifests that the target lacks: a manifest that is there says that those before it are.
 *
 * @returns Their sequences.
 */
async function copyManifests(
  from: MirrorReader,
  target: Mirror,
  newest: StoredManifest,
): Promise<Set<number>> {
  const missing: StoredManifest[] = [];
  for (let sequence = newest.manifest.signed.sequence; sequence > 0; sequence--) {
    const isNewest = sequence === newest.manifest.signed.sequence;
    const there = isNewest
      ? (await orDamaged(manifestOn(target, sequence)))?.text === newest.text
      : await target.size(manifestPath(sequence)) !== undefined;
    if (there) break;
    const stored = await manifestOn(from, sequence);
    if (stored) missing.push(stored);
  }
  for (const { manifest, text } of missing.reverse()) {
    await target.put(manifestPath(manifest.signed.sequence), textBody(text));
  }
  return new Set(missing.map(({ manifest }) => manifest.signed.sequence));
}

/** Lists what the target had and what came; the newest manifest too, where the source has no list. */
async function putVersions(
  from: MirrorReader,
  target: Mirror,
  synced: ReadonlySet<string>,
  latest: { version: string; sequence: number } | undefined,
): Promise<void> {
  const theirs = await versionsOn(from);
  const read = await orDamaged(versionsOn(target));
  const ours = read ?? NO_VERSIONS;
  const known = new Set([...synced, ...ours.versions.map(({ version }) => version)]);
  const came = theirs.versions.filter(({ version }) => known.has(version));
  const kept = ours.versions.filter(({ version }) => !came.some((one) => one.version === version));
  const versions = [...came, ...kept].sort((a, b) => b.sequence - a.sequence);
  const channels = latest ? { ...ours.channels, latest } : ours.channels;
  const list: VersionsReply & { count: number } = { count: versions.length, channels, versions };
  if (
    read && JSON.stringify(list.versions) === JSON.stringify(ours.versions) &&
    JSON.stringify(channels) === JSON.stringify(ours.channels)
  ) return;
  await target.put(VERSIONS_PATH, textBody(JSON.stringify(list, null, 2) + "\n"));
}
