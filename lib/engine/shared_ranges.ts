/**
 * Ranges that several questions want at the same time are read once.
 *
 * @module
 */

import type { RangeReader } from "../core/range_reader.ts";
import { untilAborted } from "../core/until_aborted.ts";

/** A read that is under way, and how many wait for it. */
interface Reading {
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>;
  readonly given: AbortController;
  waiting: number;
}

/** The reads that are under way, for every reader that asks through it. */
export class SharedRanges {
  readonly #reading = new Map<string, Reading>();

  /** The same reader, which joins a read of the same range; that ends when all who wait for it have given up. */
  through(ranges: RangeReader): RangeReader {
    return {
      read: async (artifact, start, end, { signal, isSound } = {}) => {
        signal?.throwIfAborted();
        const key = `${artifact.sha256}:${start}-${end}`;
        const reading = this.#reading.get(key) ?? this.#begin(key, (signal) => {
          return ranges.read(artifact, start, end, { signal, ...(isSound ? { isSound } : {}) });
        });
        reading.waiting++;
        try {
          return await untilAborted(signal, () => reading.bytes);
        } finally {
          if (--reading.waiting === 0) this.#end(key, reading, signal?.reason);
        }
      },
    };
  }

  #begin(
    key: string,
    read: (signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>,
  ): Reading {
    const given = new AbortController();
    const reading: Reading = { bytes: read(given.signal), given, waiting: 0 };
    this.#reading.set(key, reading);
    return reading;
  }

  #end(key: string, reading: Reading, reason: unknown): void {
    if (this.#reading.get(key) === reading) this.#reading.delete(key);
    reading.given.abort(reason); // nothing is left to end where the bytes are there
  }
}
