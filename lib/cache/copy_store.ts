/**
 * The port to the place where a copy is kept: in a folder, or in memory where there is none.
 *
 * @module
 */

import type { ErrorCode } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";

/** What a copy remembers of the publisher it came from: the only thing about a copy that changes. */
export interface CopyRecord {
  /** Base URL of the service or mirror. */
  readonly endpoint: string;
  readonly channel: string;
  /** How the endpoint lays out its files; see `lib/manifest/endpoint.ts`. */
  readonly layout: string | null;
  /** The manifest in use; 0 before the first. */
  readonly sequence: number;
  /** The highest sequence ever accepted: a lower one later is a rollback attack. */
  readonly highestSequence: number;
  /** ETag of the newest manifest, for conditional requests. */
  readonly etag: string | null;
  /** Keys pinned at first contact. */
  readonly pins: readonly string[];
  /** When the publisher last answered, ISO 8601. */
  readonly checkedAt: string | null;
  /** Before this instant, asking again is of no use. */
  readonly nextCheckAt: string | null;
  /** Artifacts that a refresh keeps up to date. */
  readonly keeps: readonly string[];
  /** The last try, when it failed: there was no answer, or none that can be used. */
  readonly failed?: FailedTry;
}

/** A try to refresh that failed. */
export interface FailedTry {
  /** When, ISO 8601. */
  readonly at: string;
  /** How many failed since the last that did not. */
  readonly count: number;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** Bytes on their way into a copy. */
export interface PartialObject {
  /** Bytes that an earlier try left. */
  readonly bytes: number;
  /** Adds bytes. */
  append(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Starts over. */
  restart(): Promise<void>;
  /** Verifies length and digest, then makes the object visible; a wrong one is thrown away. */
  commit(): Promise<void>;
  /** Keeps what is there for a later try. */
  close(): void;
}

/** Keeps one dataset's objects, and per endpoint and channel a record and its manifests. */
export interface CopyStore {
  /** What to call it in messages. */
  readonly place: string;
  /** Whether it outlives the process. */
  readonly durable: boolean;
  /** The record of an endpoint and channel. */
  record(source: string): Promise<CopyRecord | undefined>;
  setRecord(source: string, record: CopyRecord): Promise<void>;
  /** The text of a manifest. */
  manifest(source: string, sequence: number): Promise<string | undefined>;
  setManifest(source: string, sequence: number, text: string): Promise<void>;
  /** The sequences of the manifests that are kept, ascending. */
  sequences(source: string): Promise<number[]>;
  /** Whether an object is there, with the right length. */
  has(artifact: Artifact): Promise<boolean>;
  /** An object's bytes, verified; a damaged one is put aside and missing. */
  read(artifact: Artifact): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Moves an object that cannot be used out of the way. */
  putAside(artifact: Artifact): Promise<void>;
  /** Where an object's file is, verified; `undefined` when missing or not in a file. */
  path(artifact: Artifact): Promise<string | undefined>;
  /** Begins or resumes an object. */
  begin(artifact: Artifact): Promise<PartialObject>;
  /** Runs work under a lock, or without it when it cannot be had in time: a lock only saves work. */
  withLock<T>(name: string, waitMs: number, work: () => Promise<T>): Promise<T>;
  /** Counts a question that needed no network (`hits`) or did (`misses`). */
  count(kind: "hits" | "misses"): void;
}
