/**
 * Copying an artifact from one mirror to another.
 *
 * @module
 */

import { asBfaError, BfaError, NotFoundError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { artifactPath, type Mirror, type MirrorReader } from "../mirror/mirror.ts";
import { putArtifact } from "./put_artifact.ts";
import { openArtifact } from "./verified_artifact.ts";

/**
 * Copies an artifact from the first source that has the right bytes, unless it is there.
 *
 * @returns `false` when it was there already.
 */
export async function copyArtifact(
  sources: readonly MirrorReader[],
  target: Mirror,
  artifact: Artifact,
): Promise<boolean> {
  const path = artifactPath(artifact);
  let failure: BfaError | undefined;
  for (const source of sources) {
    const open = async () => {
      const body = await openArtifact(source, artifact);
      if (body) return body;
      throw new NotFoundError(`no ${path} on ${source.name}`);
    };
    try {
      return await putArtifact(target, artifact, open);
    } catch (error) {
      const why = asBfaError(error, "network", `copy ${path} from ${source.name}`);
      // Wrong bytes are worse news than none.
      if (!failure || why.code === "integrity") failure = why;
    }
  }
  throw failure ?? new BfaError("usage", `Cannot copy ${path}: there is nowhere to read it from`);
}
