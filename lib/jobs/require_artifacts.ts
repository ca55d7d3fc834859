/**
 * What a move of a channel relies on: the files of a version that was published before.
 *
 * @module
 */

import { NotFoundError } from "../core/errors.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { type AnyMirror, artifactPath, isReleaseMirror } from "../mirror/mirror.ts";
import { inParallel } from "./in_parallel.ts";

/** How many files are asked for at once. */
const AT_ONCE = 4;

/**
 * Refuses to describe on a mirror what it does not have. Releases look for themselves when they are prepared.
 *
 * @throws {NotFoundError} naming the first file that is missing.
 */
export async function requireArtifacts(
  mirrors: readonly AnyMirror[],
  { version, artifacts }: Pick<ManifestBody, "version" | "artifacts">,
): Promise<void> {
  for (const mirror of mirrors) {
    if (isReleaseMirror(mirror)) continue;
    await inParallel(artifacts, AT_ONCE, async (artifact) => {
      if (await mirror.size(artifactPath(artifact)) === artifact.bytes) return;
      throw new NotFoundError(
        `no whole ${artifact.name} of ${version} on ${mirror.name}: name the mirrors that have it (--mirror), or publish its build again`,
      );
    });
  }
}
