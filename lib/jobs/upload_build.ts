/**
 * Upload: a build's artifacts on all mirrors, verified where they landed.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { type AnyMirror, isReleaseMirror } from "../mirror/mirror.ts";
import type { Build } from "./build_folder.ts";
import { putArtifact } from "./put_artifact.ts";

/**
 * Puts all artifacts on all mirrors.
 *
 * @param dir The folder that the build made.
 * @returns The artifacts, with their addresses where they have some of their own.
 */
export async function uploadBuild(
  mirrors: readonly AnyMirror[],
  build: Build,
  dir: string,
): Promise<Artifact[]> {
  const urls = new Map<Artifact, string>();
  for (const mirror of mirrors) {
    for (const artifact of build.artifacts) {
      if (!isReleaseMirror(mirror)) {
        const open = async () => (await openBuilt(join(dir, artifact.name))).readable;
        await putArtifact(mirror, artifact, open);
        continue;
      }
      const read = async () =>
        await new Response((await openBuilt(join(dir, artifact.name))).readable).bytes();
      const url = await mirror.upload(build.version, artifact, read);
      if (!urls.has(artifact)) urls.set(artifact, url);
    }
  }
  return build.artifacts.map((artifact) => {
    const url = urls.get(artifact);
    return url === undefined ? artifact : { ...artifact, url };
  });
}

async function openBuilt(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BfaError("integrity", `Cannot publish: the build has lost ${path}; build again`, {
      cause: error,
    });
  }
}
