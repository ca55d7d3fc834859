/**
 * A small artifact from a mirror, read whole and verified.
 *
 * @module
 */

import { BfaError, IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { hashStream } from "../files/file_facts.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";

/**
 * The text of an artifact.
 *
 * @throws {BfaError} `unavailable` when the mirror does not have it.
 * @throws {IntegrityError} when it is not what the manifest promises; no more is read than that.
 */
export async function verifiedText(mirror: MirrorReader, artifact: Artifact): Promise<string> {
  const path = artifactPath(artifact);
  const file = await mirror.open(path);
  if (!file) throw new BfaError("unavailable", `Cannot load ${path}: the mirror does not have it`);
  const [kept, hashed] = bounded(file.body, artifact.bytes).tee();
  const [text, { sha256 }] = await Promise.all([new Response(kept).text(), hashStream(hashed)]);
  if (sha256 !== artifact.sha256) throw new IntegrityError(path, artifact.sha256, sha256);
  return text;
}

/** A stream as far as the byte after so many: that one shows that it is too long. */
function bounded(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  bytes: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = bytes + 1;
  return stream.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        if (part.length) controller.enqueue(part);
        if (left === 0) controller.terminate();
      },
    }),
  );
}
