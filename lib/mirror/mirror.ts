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

import { BfaError } from "../core/errors.ts";
import type { Artifact, ManifestBody } from "../core/manifest.ts";

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
  /** What to call it in messages. */
  readonly name: string;
  /** The length of a file in bytes. */
  size(path: string): Promise<number | undefined>;
  /** Opens a file, or a range of it. */
  open(path: string, range?: ByteRange): Promise<MirrorFile | undefined>;
}

/** An upload broke in its middle; begun again it may succeed. */
export class CutUploadError extends BfaError {}

/** Reads and writes files. */
export interface Mirror extends MirrorReader {
  /** Puts a whole file at a path, replacing what is there; readers see the old or the new one. */
  put(path: string, body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void>;
  /**
   * The SHA-256 of a file that the server itself computed: saves reading the file back. `null` when
   * there is no such file; `undefined` when the server does not tell.
   */
  digest?(path: string): Promise<string | null | undefined>;
}

/**
 * Shows files in whole releases: drafts, which nobody sees, until they are complete. Artifacts have
 * addresses of their own there, which manifests name.
 */
export interface ReleaseMirror extends MirrorReader {
  /**
   * Brings an artifact to where it can be shown with a version, and verifies it there; one that an
   * earlier release shows stays where it is.
   *
   * @returns Its address, once the version is announced.
   */
  upload(
    version: string,
    artifact: Artifact,
    read: () => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<string>;
  /**
   * Makes room for a manifest, before it is committed: whoever may not write, or names what is not
   * there any more, learns it before anything has moved.
   */
  prepare(signed: ManifestBody): Promise<void>;
  /**
   * Shows a committed manifest, and before it the artifacts of its version. Safe to repeat.
   *
   * @param moving When it is the newest of all: what readers find as `manifest.json` and
   *   `versions.json` from then on, both at once.
   */
  announce(committed: Committed, moving?: MovingFiles): Promise<void>;
}

/** A signed manifest that a store has. */
export interface Committed {
  readonly signed: ManifestBody;
  /** The document, byte for byte. */
  readonly text: string;
}

/** The files that change with every publish. */
export interface MovingFiles {
  readonly versions: string;
  /** `undefined` until something is published to channel `latest`. */
  readonly latest: string | undefined;
}

/** Any place that a publisher writes to. */
export type AnyMirror = Mirror | ReleaseMirror;

/** Whether a mirror shows releases, rather than files as they are put. */
export function isReleaseMirror(mirror: AnyMirror): mirror is ReleaseMirror {
  return "announce" in mirror;
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
