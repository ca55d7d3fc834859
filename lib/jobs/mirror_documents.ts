/**
 * What a mirror itself says it has: its manifests and its list of versions, read without any KV.
 *
 * @module
 */

import { asBfaError, BfaError, NotFoundError } from "../core/errors.ts";
import { MAX_MANIFEST_BYTES } from "../core/manifest.ts";
import { parseManifest } from "../core/parse_manifest.ts";
import type { VersionsReply } from "../manifest/endpoint.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { StoredManifest } from "../manifest/store.ts";
import { LATEST_PATH, manifestPath, type MirrorReader, VERSIONS_PATH } from "../mirror/mirror.ts";

/** A mirror with a name, which may be read only. */
export interface NamedReader extends MirrorReader {
  /** What to call it in messages. */
  readonly name: string;
}

/** The largest list of versions that is read, bytes. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/** The newest manifest of channel `latest`; `undefined` when there is none. */
export async function latestOn(mirror: NamedReader): Promise<StoredManifest | undefined> {
  return await manifestAt(mirror, LATEST_PATH);
}

/** The newest manifest, which a mirror in use has. */
export async function requireLatest(mirror: NamedReader): Promise<StoredManifest> {
  const stored = await latestOn(mirror);
  if (stored) return stored;
  throw new NotFoundError(`no manifest on ${mirror.name}: nothing was published there`);
}

/** The manifest with a sequence; `undefined` when there is none. */
export async function manifestOn(
  mirror: NamedReader,
  sequence: number,
): Promise<StoredManifest | undefined> {
  const stored = await manifestAt(mirror, manifestPath(sequence));
  if (!stored || stored.manifest.signed.sequence === sequence) return stored;
  throw new BfaError(
    "integrity",
    `Cannot use ${manifestPath(sequence)} on ${mirror.name}: it is another one`,
  );
}

/** The versions on a mirror, newest first; none when it has no list. */
export async function versionsOn(mirror: NamedReader): Promise<VersionsReply> {
  const text = await readText(mirror, VERSIONS_PATH, MAX_LIST_BYTES);
  if (text === undefined) return { versions: [], channels: {} };
  try {
    const { versions, channels = {} } = JSON.parse(text);
    if (Array.isArray(versions)) return { versions, channels };
  } catch {
    // said below
  }
  throw new BfaError("integrity", `Cannot use ${VERSIONS_PATH} on ${mirror.name}: it is no list`);
}

/** The manifest of a version, by the list of versions. */
export async function versionOn(mirror: NamedReader, version: string): Promise<StoredManifest> {
  const { versions } = await versionsOn(mirror);
  const entry = versions.find((listed) => listed.version === version);
  if (!entry) {
    const known = versions.slice(0, 3).map((v) => v.version);
    throw new NotFoundError(
      `no version ${version} on ${mirror.name}` +
        (known.length ? `; the newest are ${known.join(", ")}` : ""),
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

/** A manifest that at least one of the keys it names has signed: it is whole, whoever that is. */
async function manifestAt(mirror: NamedReader, path: string): Promise<StoredManifest | undefined> {
  const text = await readText(mirror, path, MAX_MANIFEST_BYTES);
  if (text === undefined) return undefined;
  const manifest = parseManifest(text);
  if ((await goodKeys(manifest)).length > 0) return { text, manifest };
  throw new BfaError(
    "integrity",
    `Cannot use ${path} on ${mirror.name}: its signature is not that of its contents`,
  );
}

async function readText(
  mirror: NamedReader,
  path: string,
  most: number,
): Promise<string | undefined> {
  const file = await mirror.open(path);
  if (!file) return undefined;
  if (file.size <= most) {
    try {
      return await new Response(file.body).text();
    } catch (error) {
      throw asBfaError(error, "network", `read ${path} on ${mirror.name}`);
    }
  }
  await file.body.cancel();
  throw new BfaError(
    "integrity",
    `Cannot use ${path} on ${mirror.name}: it has ${file.size} bytes`,
  );
}
