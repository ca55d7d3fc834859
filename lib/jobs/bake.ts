/**
 * Bake: one version of a mirror in a folder that is laid out as a mirror, for a program to be shipped with.
 *
 * @module
 */

import { BfaError, NotFoundError } from "../core/errors.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { currentManifest, type StoredManifest } from "../manifest/store.ts";
import { directoryMirror } from "../mirror/directory.ts";
import { LATEST_PATH, manifestPath, textBody, VERSIONS_PATH } from "../mirror/mirror.ts";
import type { VersionPlace } from "./baked.ts";
import { copyArtifact } from "./copy_artifact.ts";
import { versionList } from "./version_list.ts";

/**
 * Brings a version into a folder, verified. What is there already is kept.
 *
 * @param version The newest of channel `latest`, when left out.
 * @returns What its manifest says.
 */
export async function bake(
  { reader, mirror }: VersionPlace,
  dir: string,
  version?: string,
): Promise<ManifestBody> {
  const sequence = version === undefined ? undefined : await reader.sequenceOf(version);
  const stored = version === undefined
    ? await currentManifest(reader, "latest")
    : sequence && await reader.bySequence(sequence);
  if (!stored) {
    throw new NotFoundError(version ? `no version ${version} there` : "no version there");
  }
  if (stored.manifest.signed.channel !== "latest") {
    const { channel, version } = stored.manifest.signed;
    throw new BfaError("usage", `Cannot bake ${version}: it is in channel ${channel}; promote it`);
  }
  const to = directoryMirror(dir);
  const { signed } = stored.manifest;
  for (const artifact of signed.artifacts) await copyArtifact([mirror], to, artifact);
  await to.put(manifestPath(signed.sequence), textBody(stored.text));
  await to.put(VERSIONS_PATH, textBody(await listOf(stored)));
  await to.put(LATEST_PATH, textBody(stored.text));
  return signed;
}

/** A list of this version alone: the others are not there. */
async function listOf(stored: StoredManifest): Promise<string> {
  const { sequence, version, channel } = stored.manifest.signed;
  const list = await versionList({
    versions: () => Promise.resolve([{ version, sequence }]),
    channels: () => Promise.resolve({ [channel]: { version, sequence } }),
    bySequences: () => Promise.resolve([stored]),
  });
  return JSON.stringify(list, null, 2) + "\n";
}
