/**
 * Mirror health: whether a mirror serves what the current version promises. Every artifact is asked for
 * its length, and one of them, another each time, is read and hashed.
 *
 * @module
 */

import { asBfaError, BfaError, type ErrorCode } from "../core/errors.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";
import { inParallel } from "./in_parallel.ts";
import { readBack } from "./verified_artifact.ts";

/** What is wrong with one artifact. */
export interface MirrorFault {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a check found. */
export interface MirrorHealth {
  readonly version: string;
  readonly checkedAt: string;
  /** How many artifacts were asked for. */
  readonly artifacts: number;
  /** The one that was read whole; none when all are too large. */
  readonly hashed: string | undefined;
  /** Empty when all is well. */
  readonly faults: readonly MirrorFault[];
}

/** How to check. */
export interface MirrorHealthOptions {
  readonly now: Date;
  /** A number from 0 to below 1, which chooses what is read whole. */
  readonly chance: number;
  /** What is larger is never read whole, bytes. */
  readonly hashedBytes?: number;
}

/** How many artifacts are asked for at once. */
const AT_ONCE = 4;

const HASHED_BYTES = 8 * 1024 * 1024;

/** Checks a mirror. Faults are reported, never thrown. */
export async function checkMirror(
  mirror: MirrorReader,
  { version, artifacts }: Pick<ManifestBody, "version" | "artifacts">,
  { now, chance, hashedBytes = HASHED_BYTES }: MirrorHealthOptions,
): Promise<MirrorHealth> {
  const small = artifacts.filter(({ bytes }) => bytes <= hashedBytes);
  const hashed = small[Math.floor(chance * small.length)];
  const faults: MirrorFault[] = [];
  await inParallel(artifacts, AT_ONCE, async (artifact) => {
    try {
      await checkLength(mirror, artifact);
      if (artifact === hashed) await checkDigest(mirror, artifact);
    } catch (error) {
      const { code, message } = asBfaError(error, "network", `check ${artifact.name}`);
      faults.push({ name: artifact.name, code, message });
    }
  });
  return {
    version,
    checkedAt: now.toISOString(),
    artifacts: artifacts.length,
    hashed: hashed?.name,
    faults: faults.sort((a, b) => a.name < b.name ? -1 : 1),
  };
}

async function checkLength(mirror: MirrorReader, artifact: Artifact): Promise<void> {
  const path = artifactPath(artifact);
  const size = await mirror.size(path);
  if (size === undefined) throw missing(artifact);
  if (size !== artifact.bytes) {
    throw new BfaError(
      "integrity",
      `Cannot use ${path}: the mirror has ${size} bytes, the manifest says ${artifact.bytes}`,
    );
  }
}

async function checkDigest(mirror: MirrorReader, artifact: Artifact): Promise<void> {
  if (!await readBack(mirror, artifact)) throw missing(artifact);
}

function missing(artifact: Artifact): BfaError {
  return new BfaError("not_found", `Cannot find ${artifactPath(artifact)} on the mirror`);
}
