/**
 * The port to a place that serves artifacts. A mirror holds files under paths:
 *
 * | path | what | changes |
 * | --- | --- | --- |
 * | `<sha256>/<name>` | an artifact | never |
 * | `manifests/<sequence>.json` | a signed manifest | never |
 * | `versions.json` | all versions | with every publish |
 * | `manifest.json` | the newest manifest of channel `latest` | with every publish |
 *
 * @module
 */

import type { Artifact } from "../core/manifest.ts";

/** A range of bytes, both ends inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** An open file on a mirror. */
export interface MirrorFile {
  /** Length of the whole file, bytes. */
  readonly size: number;
  /** The bytes asked for. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Reads files. Missing is `undefined`; everything else throws. */
export interface MirrorReader {
  /** The length of a file in bytes. */
  size(path: string): Promise<number | undefined>;
  /** Opens a file, or a range of it. */
  open(path: string, range?: ByteRange): Promise<MirrorFile | undefined>;
}

/** Reads and writes files. */
export interface Mirror extends MirrorReader {
  /** What to call it in messages. */
  readonly name: string;
  /** Puts a whole file at a path, replacing what is there; readers see the old or the new one. */
  put(path: string, body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void>;
}

/** Where an artifact is on every mirror. */
export function artifactPath(artifact: Pick<Artifact, "sha256" | "name">): string {
  return `${artifact.sha256}/${artifact.name}`;
}

/** Where a manifest is on every mirror. */
export function manifestPath(sequence: number): string {
  return `manifests/${sequence}.json`;
}

/** The path of the moving pointer: the newest manifest of channel `latest`. */
export const LATEST_PATH = "manifest.json";

/** The path of the list of versions. */
export const VERSIONS_PATH = "versions.json";

/** A text as the body of a file. */
export function textBody(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([text]).stream();
}
