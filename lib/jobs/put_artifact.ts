/**
 * Bringing an artifact to a mirror, verified where it landed.
 *
 * @module
 */

import { asBfaError, IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { hashStream } from "../files/file_facts.ts";
import { artifactPath, CutUploadError, type Mirror } from "../mirror/mirror.ts";

/** Opens the bytes of an artifact, from their start each time. */
export type OpenBytes = () => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

/** How often an upload that broke in its middle is begun. */
const UPLOAD_TRIES = 3;

/** The SHA-256 of a file: as the mirror's server computed it, or else of what is read back. */
async function digestOn(mirror: Mirror, path: string): Promise<string | undefined> {
  const stated = await mirror.digest?.(path);
  if (stated !== undefined) return stated ?? undefined;
  const file = await mirror.open(path);
  try {
    return file && (await hashStream(file.body)).sha256;
  } catch (error) {
    throw asBfaError(error, "network", `read ${path} back from ${mirror.name}`);
  }
}

/**
 * Puts an artifact on a mirror, unless it is there, and verifies it there.
 *
 * @returns `false` when it was there already.
 * @throws {IntegrityError} when other bytes landed.
 */
export async function putArtifact(
  mirror: Mirror,
  artifact: Artifact,
  open: OpenBytes,
): Promise<boolean> {
  const path = artifactPath(artifact);
  if (await digestOn(mirror, path) === artifact.sha256) return false;
  for (let attempt = 1;; attempt++) {
    const body = await open();
    try {
      await mirror.put(path, body);
      break;
    } catch (error) {
      if (!(error instanceof CutUploadError) || attempt === UPLOAD_TRIES) throw error;
    } finally {
      // A mirror that refused at once has not touched it.
      if (!body.locked) await body.cancel().catch(() => {});
    }
  }
  const landed = await digestOn(mirror, path);
  if (landed === artifact.sha256) return true;
  throw new IntegrityError(
    `${mirror.name}/${path}`,
    artifact.sha256,
    landed ?? "that of no file at all",
  );
}
