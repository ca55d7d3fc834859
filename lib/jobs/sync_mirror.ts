/**
 * Sync: brings versions from one mirror to another, only what is missing there, and verifies all that
 * it brings. Nobody's KV or key is needed: the signed manifests come along.
 *
 * @module
 */

import { asBfaError, BfaError, IntegrityError, NotFoundError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { acceptManifest } from "../cache/accept_manifest.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { StoredManifest } from "../manifest/store.ts";
import {
  artifactPath,
  LATEST_PATH,
  manifestPath,
  type Mirror,
  type MirrorReader,
  textBody,
  VERSIONS_PATH,
} from "../mirror/mirror.ts";
import { latestOn, manifestOn, requireLatest, versionOn, versionsOn } from "./mirror_documents.ts";
import { putArtifact } from "./put_artifact.ts";

/** What to bring. */
export interface SyncOptions {
  /** Versions by name; the newest one when left out, all that the source lists for `all`. */
  readonly versions?: readonly string[] | "all" | undefined;
  /** Only manifests of these keys; without them those whom the target's newest manifest leads to. */
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
  readonly versions: readonly {
    readonly version: string;
    /** Artifacts that were there already. */
    readonly had: number;
    readonly copied: number;
    readonly bytes: number;
  }[];
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
  const newest = await requireLatest(from);
  const before = await orDamaged(latestOn(target));
  await refuseUntrusted(from, newest, before, options.trustedKeys ?? []);
  const versions = [];
  const chosen = await choose(from, newest, options.versions);
  for (const { manifest, text } of chosen) {
    const { version, artifacts, sequence } = manifest.signed;
    let [had, copied, bytes] = [0, 0, 0];
    for (const artifact of artifacts) {
      if (!await copyArtifact(sources, target, artifact)) {
        had++;
        continue;
      }
      options.onArtifact?.(version, artifact);
      copied++;
      bytes += artifact.bytes;
    }
    // In a registry, its tag is made when its artifacts are there.
    const known = copied > 0 && await target.size(manifestPath(sequence)) !== undefined;
    if (known) await target.put(manifestPath(sequence), textBody(text));
    versions.push({ version, had, copied, bytes });
  }
  const manifests = await copyManifests(from, target, newest);
  const { sequence, version } = newest.manifest.signed;
  const isWhole = versions.some((synced) => synced.version === version);
  const synced = new Set(versions.map((one) => one.version));
  await putVersions(from, target, synced, isWhole ? { sequence, version } : undefined);
  const moved = isWhole && newest.text !== before?.text;
  if (moved) await target.put(LATEST_PATH, textBody(newest.text));
  return { from: from.name, to: target.name, moved, manifests, versions };
}

async function choose(
  from: MirrorReader,
  newest: StoredManifest,
  versions: SyncOptions["versions"],
): Promise<StoredManifest[]> {
  if (versions === undefined) return [newest];
  const names = versions === "all"
    ? (await versionsOn(from)).versions.map(({ version }) => version)
    : versions;
  const chosen: StoredManifest[] = [];
  for (const name of names) {
    const isNewest = name === newest.manifest.signed.version;
    chosen.push(isNewest ? newest : await versionOn(from, name));
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

/** Copies an artifact from the first source that has the right bytes; `false` when it was there. */
async function copyArtifact(
  sources: readonly MirrorReader[],
  target: Mirror,
  artifact: Artifact,
): Promise<boolean> {
  const path = artifactPath(artifact);
  let failure: BfaError | undefined;
  for (const source of sources) {
    const open = async () => {
      const file = await source.open(path);
      if (!file) throw new NotFoundError(`no ${path} on ${source.name}`);
      return await verified(file.body, artifact, source.name);
    };
    try {
      return await putArtifact(target, artifact, open);
    } catch (error) {
      const why = asBfaError(error, "network", `copy ${path} from ${source.name}`);
      // Wrong bytes are worse news than none.
      if (!failure || why.code === "integrity") failure = why;
    }
  }
  throw failure!;
}

/** Passes bytes on, and fails instead of ending when they were not what the manifest promises. */
async function verified(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { sha256, name, bytes }: Artifact,
  source: string,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  let count = 0;
  return body.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        hash.update(chunk);
        count += chunk.length;
        if (count > bytes) {
          throw new IntegrityError(`${name} of ${source}`, sha256, "that of a longer file");
        }
        controller.enqueue(chunk);
      },
      flush() {
        const actual = hash.digest("hex");
        if (actual !== sha256) throw new IntegrityError(`${name} of ${source}`, sha256, actual);
      },
    }),
  );
}

/** What cannot be read is as if it were missing: it is written again. */
async function orDamaged(
  work: Promise<StoredManifest | undefined>,
): Promise<StoredManifest | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BfaError && error.code === "integrity") return undefined;
    throw error;
  }
}

/** Writes the manifests that the target lacks: a manifest that is there says that those before it are. */
async function copyManifests(
  from: MirrorReader,
  target: Mirror,
  newest: StoredManifest,
): Promise<number> {
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
  return missing.length;
}

/** Lists what the target had and what came; the newest manifest too, where the source has no list. */
async function putVersions(
  from: MirrorReader,
  target: Mirror,
  synced: ReadonlySet<string>,
  latest: { version: string; sequence: number } | undefined,
): Promise<void> {
  const theirs = await versionsOn(from);
  const ours = await versionsOn(target);
  const known = new Set([...synced, ...ours.versions.map(({ version }) => version)]);
  const came = theirs.versions.filter(({ version }) => known.has(version));
  const kept = ours.versions.filter(({ version }) => !came.some((one) => one.version === version));
  const versions = [...came, ...kept].sort((a, b) => b.sequence - a.sequence);
  const channels = latest ? { ...ours.channels, latest } : ours.channels;
  const list: VersionsReply & { count: number } = { count: versions.length, channels, versions };
  if (
    JSON.stringify(list.versions) === JSON.stringify(ours.versions) &&
    JSON.stringify(channels) === JSON.stringify(ours.channels)
  ) return;
  await target.put(VERSIONS_PATH, textBody(JSON.stringify(list, null, 2) + "\n"));
}
