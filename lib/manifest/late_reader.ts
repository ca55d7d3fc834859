/**
 * A store of manifests that may not be there yet: a service starts without it, and has it when it comes.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { ManifestReader, ManifestStore } from "./store.ts";

/** How often a watch tries to open the store, ms. */
const TRY_MS = 1_000;

/** Reads a store that is opened when it is first needed, and again when that failed. */
export interface LateReader extends ManifestReader {
  /** Opens the store, if it is not open. */
  open(): Promise<ManifestStore>;
  /** Closes the store, if it is open. */
  close(): void;
}

/** Makes the reader. Every method throws what `open` throws while the store does not open. */
export function lateReader(open: () => Promise<ManifestStore>, tryMs = TRY_MS): LateReader {
  let opening: Promise<ManifestStore> | undefined;
  let opened: ManifestStore | undefined;

  function store(): Promise<ManifestStore> {
    opening ??= open().then((store) => opened = store).catch((error) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  return {
    open: store,
    close: () => opened?.close(),
    head: async (channel) => await (await store()).head(channel),
    bySequence: async (sequence) => await (await store()).bySequence(sequence),
    bySequences: async (sequences) => await (await store()).bySequences(sequences),
    sequenceOf: async (version) => await (await store()).sequenceOf(version),
    versions: async () => await (await store()).versions(),
    channels: async () => await (await store()).channels(),
    async *watch(channel, signal) {
      while (!signal.aborted) {
        const there = await store().catch(() => undefined);
        if (there) return yield* there.watch(channel, signal);
        await delay(tryMs, { signal }).catch(() => {});
      }
    },
  };
}
