/**
 * Artifacts read from a mirror, verified on the way: what is wrong fails before its end.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BfaError, IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";
import type { Body } from "../net/body.ts";

/**
 * Opens an artifact. Its bytes are passed on as they come; at their end, or where they are too many, the
 * stream fails unless they are what the manifest promises.
 *
 * @returns `undefined` when the mirror does not have it.
 */
export async function openArtifact(
  mirror: MirrorReader,
  artifact: Artifact,
): Promise<Body | undefined> {
  const file = await mirror.open(artifactPath(artifact));
  if (!file) return undefined;
  const wrong = (actual: string) =>
    new IntegrityError(`${artifact.name} of ${mirror.name}`, artifact.sha256, actual);
  if (file.size !== artifact.bytes) {
    await file.body.cancel();
    throw wrong(`that of a file of ${file.size} bytes`);
  }
  const hash = createHash("sha256");
  let bytes = 0;
  return file.body.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        hash.update(chunk);
        bytes += chunk.length;
        if (bytes > artifact.bytes) throw wrong("that of a longer file");
        controller.enqueue(chunk);
      },
      flush() {
        const actual = hash.digest("hex");
        if (actual !== artifact.sha256) throw wrong(actual);
      },
    }),
  );
}

/**
 * The text of a small artifact.
 *
 * @throws {BfaError} `unavailable` when the mirror does not have it.
 */
export async function verifiedText(mirror: MirrorReader, artifact: Artifact): Promise<string> {
  const file = await openArtifact(mirror, artifact);
  if (file) return await new Response(file).text();
  const path = artifactPath(artifact);
  throw new BfaError("unavailable", `Cannot load ${path}: the mirror does not have it`);
}

/** Reads an artifact to its end; `false` when the mirror does not have it. */
export async function readBack(mirror: MirrorReader, artifact: Artifact): Promise<boolean> {
  const body = await openArtifact(mirror, artifact);
  if (!body) return false;
  await body.pipeTo(new WritableStream());
  return true;
}
