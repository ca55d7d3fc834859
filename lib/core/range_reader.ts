/**
 * The port to ranges of bytes of artifacts, wherever they are.
 *
 * @module
 */

import type { Artifact } from "./manifest.ts";

/** How to read a range. */
export interface RangeOptions {
  /** Ends the read, and with it the request. */
  readonly signal?: AbortSignal | undefined;
  /** Whether bytes are those that were promised: when not, the next place is asked. */
  readonly isSound?: (bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>;
}

/** Reads ranges of artifacts. */
export interface RangeReader {
  /**
   * The bytes from `start` up to, not including, `end`.
   *
   * @throws {BfaError} `integrity` when what came is not of this artifact; `network` or
   *   `unavailable` when nothing came.
   */
  read(
    artifact: Artifact,
    start: number,
    end: number,
    options?: RangeOptions,
  ): Promise<Uint8Array<ArrayBuffer>>;
}
