/**
 * Whether a mirror has the files of a version that was published before: what it lacks is not described there.
 *
 * @module
 */

import { NotFoundError } from "../core/errors.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";
import {
  type AnyMirror,
  artifactPath,
  isReleaseMirror,
  type MirrorReader,
} from "../mirror/mirror.ts";
import { inParallel } from "./in_parallel.ts";

/** How many files are asked for at once. */
const AT_ONCE = 4;

/**
 * Refuses a move of a channel to what a mirror does not have. Releases look for themselves when they are prepared.
 *
 * @throws {NotFoundError} naming a file that is missing.
 */
export async function requireArtifacts(
  mirrors: readonly AnyMirror[],
  signed: Pick<ManifestBody, "version" | "artifacts">,
): Promise<void> {
  for (const mirror of mirrors) {
    if (isReleaseMirror(mirror)) continue;
    const [missing] = await missingArtifacts(mirror, signed);
    if (!missing) continue;
    throw new NotFoundError(
      `no whole ${missing.name} of ${signed.version} on ${mirror.name}: name the mirrors that have it (--mirror), or publish its build again`,
    );
  }
}

/** The artifacts of a version that a mirror does not have in their whole length, in the manifest's order. */
export async function missingArtifacts(
  mirror: MirrorReader,
  { artifacts }: Pick<ManifestBody, "artifacts">,
): Promise<Artifact[]> {
  const missing = new Set<Artifact>();
  await inParallel(artifacts, AT_ONCE, async (artifact) => {
    if (await mirror.size(artifactPath(artifact)) !== artifact.bytes) missing.add(artifact);
  });
  return artifacts.filter((artifact) => missing.has(artifact));
}
