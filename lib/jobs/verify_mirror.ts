/**
 * Verify: reads back what a mirror promises, every byte, and says what is wrong.
 *
 * @module
 */

import { asBfaError, BfaError, NotFoundError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { StoredManifest } from "../manifest/store.ts";
import {
  artifactPath,
  LATEST_PATH,
  manifestPath,
  type MirrorReader,
  VERSIONS_PATH,
} from "../mirror/mirror.ts";
import { inParallel } from "./in_parallel.ts";
import type { MirrorFault } from "./mirror_health.ts";
import {
  manifestOn,
  NO_VERSIONS,
  requireLatest,
  versionOn,
  versionsOn,
} from "./mirror_documents.ts";
import { readBack } from "./verified_artifact.ts";

/** What to read. */
export interface VerifyOptions {
  /** Versions by name; the newest one when left out, all that are listed for `all`. */
  readonly versions?: readonly string[] | "all" | undefined;
  /** Manifests must be signed by one of these; by the key they name, when left out. */
  readonly trustedKeys?: readonly string[] | undefined;
}

/** What was found. */
export interface VerifyReport {
  readonly mirror: string;
  readonly versions: readonly string[];
  /** Artifacts that were read, each once, and their bytes. */
  readonly artifacts: number;
  readonly bytes: number;
  /** Empty when all is well; `name` is a path on the mirror. */
  readonly faults: readonly MirrorFault[];
}

/** How many artifacts are read at once. */
const AT_ONCE = 4;

/**
 * Verifies a mirror. What is wrong with its files is reported, never thrown; that it cannot be reached,
 * or has nothing, is thrown.
 */
export async function verifyMirror(
  mirror: MirrorReader,
  { versions, trustedKeys = [] }: VerifyOptions = {},
): Promise<VerifyReport> {
  const faults: MirrorFault[] = [];
  const attempt = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      const { code, message } = asBfaError(error, "network", `read ${name}`);
      faults.push({ name, code, message });
      return undefined;
    }
  };

  const newest = await requireLatest(mirror);
  const list = await attempt(VERSIONS_PATH, () => versionsOn(mirror)) ?? NO_VERSIONS;
  const names = versions === "all"
    ? list.versions.map(({ version }) => version)
    : versions ?? [newest.manifest.signed.version];
  await attempt(LATEST_PATH, () => checkLatest(mirror, newest));

  const found = new Map<string, StoredManifest>();
  for (const name of new Set(names)) {
    const isNewest = name === newest.manifest.signed.version;
    const stored = isNewest
      ? newest
      : await attempt(`version ${name}`, () => versionOn(mirror, name, list));
    if (stored) found.set(name, stored);
  }
  for (const { manifest } of found.values()) {
    const { sequence } = manifest.signed;
    if (trustedKeys.length === 0 || (await goodKeys(manifest, trustedKeys)).length > 0) continue;
    const message = `Cannot trust manifest ${sequence}: none of the trusted keys signed it`;
    faults.push({ name: manifestPath(sequence), code: "untrusted", message });
  }

  const artifacts = new Map<string, Artifact>();
  for (const { manifest } of found.values()) {
    for (const artifact of manifest.signed.artifacts) {
      artifacts.set(artifactPath(artifact), artifact);
    }
  }
  let bytes = 0;
  await inParallel([...artifacts], AT_ONCE, async ([path, artifact]) => {
    await attempt(path, async () => {
      if (!await readBack(mirror, artifact)) {
        throw new NotFoundError(`no ${artifact.name} on ${mirror.name}`);
      }
      bytes += artifact.bytes;
    });
  });
  faults.sort((a, b) => a.name < b.name ? -1 : 1);
  return {
    mirror: mirror.name,
    versions: [...found.keys()],
    artifacts: artifacts.size,
    bytes,
    faults,
  };
}

/** The pointer must be one of the history, byte for byte. */
async function checkLatest(mirror: MirrorReader, newest: StoredManifest): Promise<void> {
  const { sequence } = newest.manifest.signed;
  const own = await manifestOn(mirror, sequence);
  if (own?.text === newest.text) return;
  throw new BfaError(
    "integrity",
    `Cannot use ${LATEST_PATH}: ${manifestPath(sequence)} ${
      own ? "differs from it" : "is missing"
    }`,
  );
}
