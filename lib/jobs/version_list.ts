/**
 * The list of versions: the body of `/v1/versions`, and `versions.json` on every mirror.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { ChannelPointer, ManifestReader } from "../manifest/store.ts";

/** One version, as its newest manifest describes it. */
export interface VersionSummary {
  version: string;
  sequence: number;
  dataThrough: string;
  publishedAt: string;
  rows: number;
  symbols: number;
  bytes: number;
}

/** All versions, newest sequence first, and where the channels point. */
export interface VersionList {
  count: number;
  channels: Record<string, ChannelPointer>;
  versions: VersionSummary[];
}

/** Lists the versions of a store. */
export async function versionList(store: ManifestReader): Promise<VersionList> {
  const [entries, channels] = await Promise.all([store.versions(), store.channels()]);
  const versions = await Promise.all(
    entries.reverse().map(async ({ sequence }) => {
      const stored = await store.bySequence(sequence);
      if (!stored) {
        throw new BfaError("integrity", `Cannot list versions: manifest ${sequence} is gone`);
      }
      const { version, dataThrough, publishedAt, rows, symbols, artifacts } =
        stored.manifest.signed;
      const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
      return { version, sequence, dataThrough, publishedAt, rows, symbols, bytes };
    }),
  );
  return { count: versions.length, channels, versions };
}
