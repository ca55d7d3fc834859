/**
 * The list of versions: the body of `/v1/versions`, and `versions.json` on every mirror.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { wholeFilesThrough } from "../core/reach.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import type { ManifestReader } from "../manifest/store.ts";

/** All versions, newest sequence first, and where the channels point. */
export interface VersionList extends VersionsReply {
  count: number;
}

/** Lists the versions of a store. */
export async function versionList(
  store: Pick<ManifestReader, "versions" | "channels" | "bySequences">,
): Promise<VersionList> {
  const [entries, channels] = await Promise.all([store.versions(), store.channels()]);
  const sequences = entries.map(({ sequence }) => sequence).reverse();
  const manifests = await store.bySequences(sequences);
  const versions = sequences.map((sequence, i) => {
    const stored = manifests[i];
    if (!stored) {
      throw new BfaError("integrity", `Cannot list versions: manifest ${sequence} is gone`);
    }
    const { version, dataThrough, publishedAt, rows, symbols, artifacts } = stored.manifest.signed;
    const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
    const whole = wholeFilesThrough({ artifacts });
    return {
      ...{ version, sequence, dataThrough, publishedAt, rows, symbols, bytes },
      ...(whole === undefined ? {} : { wholeFilesThrough: whole }),
    };
  });
  return { count: versions.length, channels, versions };
}
