/**
 * What a mirror itself says it has: its manifests and its list of versions, read without any KV.
 *
 * @module
 */

import { BfaError, NotFoundError } from "../core/errors.ts";
import { MAX_MANIFEST_BYTES } from "../core/manifest.ts";
import { parseManifest } from "../core/parse_manifest.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { StoredManifest } from "../manifest/store.ts";
import {
  MAX_LIST_BYTES,
  parseVersionsReply,
  type VersionsReply,
} from "../manifest/versions_reply.ts";
import { LATEST_PATH, manifestPath, type MirrorReader, VERSIONS_PATH } from "../mirror/mirror.ts";
import { limitedText } from "../net/body.ts";

/** The list of a mirror that has none. */
export const NO_VERSIONS: VersionsReply = { versions: [], channels: {} };

/** The newest manifest of channel `latest`; `undefined` when there is none. */
export async function latestOn(mirror: MirrorReader): Promise<StoredManifest | undefined> {
  return await refuseUnsigned(mirror, await anyManifestAt(mirror, LATEST_PATH));
}

/** The newest manifest, which a mirror in use has. */
export async function requireLatest(mirror: MirrorReader): Promise<StoredManifest> {
  const stored = await latestOn(mirror);
  if (stored) return stored;
  throw new NotFoundError(`no manifest on ${mirror.name}: nothing was published there`);
}

/** The manifest with a sequence; `undefined` when there is none. */
export async function manifestOn(
  mirror: MirrorReader,
  sequence: number,
): Promise<StoredManifest | undefined> {
  return await refuseUnsigned(mirror, await anyManifestOn(mirror, sequence));
}

/** The same, whoever signed it, if anybody: the caller looks at that. */
export async function anyManifestOn(
  mirror: MirrorReader,
  sequence: number,
): Promise<StoredManifest | undefined> {
  const path = manifestPath(sequence);
  const stored = await anyManifestAt(mirror, path);
  if (!stored || stored.manifest.signed.sequence === sequence) return stored;
  throw new BfaError("integrity", `Cannot use ${path} on ${mirror.name}: it is another one`);
}

/** The manifest in a file, whoever signed it, if anybody. */
export async function anyManifestAt(
  mirror: MirrorReader,
  path: string,
): Promise<StoredManifest | undefined> {
  const text = await textAt(mirror, path, MAX_MANIFEST_BYTES);
  return text === undefined ? undefined : { text, manifest: parseManifest(text) };
}

/** The versions on a mirror, newest first; none when it has no list. */
export async function versionsOn(mirror: MirrorReader): Promise<VersionsReply> {
  const text = await textAt(mirror, VERSIONS_PATH, MAX_LIST_BYTES);
  const list = text === undefined ? NO_VERSIONS : parseVersionsReply(text);
  if (list) return list;
  throw new BfaError(
    "integrity",
    `Cannot use ${VERSIONS_PATH} on ${mirror.name}: it is not a list of versions`,
  );
}

/** The manifest of a version, by the mirror's list of versions. */
export async function versionOn(
  mirror: MirrorReader,
  version: string,
  { versions }: VersionsReply,
): Promise<StoredManifest> {
  const entry = versions.find((listed) => listed.version === version);
  if (!entry) {
    const known = versions.slice(0, 3).map((v) => v.version);
    throw new NotFoundError(
      `no version ${version} on ${mirror.name}` +
        (known.length ? `; the newest ${known.length > 1 ? "are" : "is"} ${known.join(", ")}` : ""),
      known,
    );
  }
  const stored = await manifestOn(mirror, entry.sequence);
  if (stored?.manifest.signed.version === version) return stored;
  throw new BfaError(
    "integrity",
    `Cannot use ${version} on ${mirror.name}: manifest ${entry.sequence} is ${
      stored ? "another version's" : "missing"
    }`,
  );
}

/** At least one of the keys that a manifest names has signed it: it is whole, whoever that is. */
async function refuseUnsigned(
  mirror: MirrorReader,
  stored: StoredManifest | undefined,
): Promise<StoredManifest | undefined> {
  if (!stored || (await goodKeys(stored.manifest)).length > 0) return stored;
  const { sequence } = stored.manifest.signed;
  throw new BfaError(
    "integrity",
    `Cannot use manifest ${sequence} on ${mirror.name}: its signature is not that of its contents`,
  );
}

/** The text of a file; `undefined` when there is none. */
async function textAt(
  mirror: MirrorReader,
  path: string,
  most: number,
): Promise<string | undefined> {
  const file = await mirror.open(path);
  return file && await limitedText(file.body, most, `${path} on ${mirror.name}`);
}
