/**
 * The list of versions: the body of `/v1/versions`, and `versions.json` on every mirror.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { ManifestBody } from "../core/manifest.ts";
import { wholeFilesThrough } from "../core/reach.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import type { ManifestReader, StoredManifest } from "../manifest/store.ts";

/** All versions, newest sequence first, and where the channels point. */
export interface VersionList extends VersionsReply {
  count: number;
}

/** What listing needs of a store. */
type Listed = Pick<ManifestReader, "versions" | "channels" | "bySequences">;

/** One version. */
type VersionRow = VersionList["versions"][number];

/** Lists the versions of a store. */
export async function versionList(store: Listed): Promise<VersionList> {
  return await versionLister(store)();
}

/** Lists them again and again: a manifest never changes, so each is read once. */
export function versionLister(store: Listed): () => Promise<VersionList> {
  let known: ReadonlyMap<number, VersionRow> = new Map();
  return async () => {
    const [entries, channels] = await Promise.all([store.versions(), store.channels()]);
    const sequences = entries.map(({ sequence }) => sequence).reverse();
    const unknown = sequences.filter((sequence) => !known.has(sequence));
    const manifests = await store.bySequences(unknown);
    const read = new Map(unknown.map((sequence, i) => [sequence, manifests[i]]));
    const versions = sequences.map((sequence) =>
      known.get(sequence) ?? rowOf(sequence, read.get(sequence))
    );
    known = new Map(versions.map((row) => [row.sequence, row]));
    return { count: versions.length, channels, versions };
  };
}

function rowOf(sequence: number, stored: StoredManifest | undefined): VersionRow {
  if (!stored) {
    throw new BfaError("integrity", `Cannot list versions: manifest ${sequence} is gone`);
  }
  return versionRow(stored.manifest.signed);
}

/** A version as lists tell of it. */
export function versionRow(body: ManifestBody): VersionRow {
  const { version, sequence, dataThrough, publishedAt, rows, symbols, artifacts } = body;
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  const row = { version, sequence, dataThrough, publishedAt, rows, symbols, bytes };
  const whole = wholeFilesThrough({ artifacts });
  return whole === undefined ? row : { ...row, wholeFilesThrough: whole };
}
