/**
 * The port through which jobs and routes reach the publisher's manifests.
 *
 * @module
 */

import type { Manifest } from "../core/manifest.ts";

/** A signed manifest as it is stored: `text` is what is served and kept, byte for byte. */
export interface StoredManifest {
  readonly manifest: Manifest;
  readonly text: string;
}

/** Where a channel points. */
export interface ChannelPointer {
  readonly sequence: number;
  readonly version: string;
}

/** A channel's pointer, with the token that a commit checks it by; both `null` before the first. */
export interface ChannelHead {
  readonly pointer: ChannelPointer | null;
  readonly versionstamp: string | null;
}

/** What moved a channel. */
export type LogAction = "publish" | "promote" | "rollback" | "renew";

/** Who moved what, when, why. */
export interface LogEntry {
  /** Unique: tells a publisher whether the commit that stands there is its own. */
  readonly id: string;
  readonly sequence: number;
  readonly action: LogAction;
  readonly channel: string;
  readonly version: string;
  readonly previous: string | null;
  readonly at: string;
  readonly by: string;
  readonly reason: string | null;
}

/** One version, by the newest manifest that describes it. */
export interface VersionEntry {
  readonly version: string;
  readonly sequence: number;
}

/** A move of a channel to a new manifest. */
export interface Commit {
  readonly stored: StoredManifest;
  /** The head the manifest was made from: the commit fails when the channel has moved since. */
  readonly head: ChannelHead;
  readonly log: LogEntry;
}

/** What readers need. Missing is `undefined`; everything else throws. */
export interface ManifestReader {
  /** Where a channel points now. */
  head(channel: string): Promise<ChannelHead>;
  /** The manifest with a sequence. */
  bySequence(sequence: number): Promise<StoredManifest | undefined>;
  /** The manifests with some sequences, in their order. */
  bySequences(sequences: readonly number[]): Promise<(StoredManifest | undefined)[]>;
  /** The newest sequence that describes a version. */
  sequenceOf(version: string): Promise<number | undefined>;
  /** All versions, oldest first. */
  versions(): Promise<VersionEntry[]>;
  /** All channels, by name. */
  channels(): Promise<Record<string, ChannelPointer>>;
  /** A channel's pointer, now and after every change, until the signal aborts. */
  watch(channel: string, signal: AbortSignal): AsyncIterable<ChannelPointer | null>;
}

/** What publishers need on top. */
export interface ManifestStore extends ManifestReader {
  /** The highest sequence in use; 0 when there is none. */
  lastSequence(): Promise<number>;
  /** Moves a channel in one atomic step; `false` when someone else was faster. */
  commit(commit: Commit): Promise<boolean>;
  /** The newest log entries, newest first. */
  log(limit: number): Promise<LogEntry[]>;
  /** Lets go of the connection. */
  close(): void;
}

/** The manifest a channel points to, or `undefined` when nothing was published there. */
export async function currentManifest(
  store: ManifestReader,
  channel: string,
): Promise<StoredManifest | undefined> {
  const { pointer } = await store.head(channel);
  return pointer ? await store.bySequence(pointer.sequence) : undefined;
}
