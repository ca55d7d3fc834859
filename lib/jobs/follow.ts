/**
 * Follow: keeps the listings of a channel's newest version in memory, for a service. The last good
 * version stays until the next one is there whole and verified.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { Source } from "../core/answers.ts";
import { asBfaError, BfaError } from "../core/errors.ts";
import { inTime } from "../core/in_time.ts";
import { artifactNamed, type ManifestBody } from "../core/manifest.ts";
import type { ManifestReader, StoredManifest } from "../manifest/store.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import { loadListings } from "./load_listings.ts";

/** A version that is being served. */
export interface Served {
  readonly stored: StoredManifest;
  readonly source: Source;
}

/** Where to follow which channel. */
export interface FollowOptions {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
  readonly channel: string;
  /** Told of what goes wrong; the last good version is kept. */
  readonly onProblem: (error: BfaError) => void;
  /** How long the first load may keep a service from its work, ms. */
  readonly firstLoadMs?: number;
}

/** The newest version of a channel, as it changes. */
export interface Followed {
  /** What is served now; `undefined` until a first version is there. */
  current(): Served | undefined;
  /** Calls a listener after every change; returns how to stop that. */
  onChange(listener: (served: Served) => void): () => void;
  /** Stops following. */
  close(): Promise<void>;
}

/** How long to wait after a failed load, at first and at most, ms. */
const RETRY_MS = { first: 500, most: 15_000 };

const FIRST_LOAD_MS = 2_000;

/** Loads a channel's newest version and follows it. Resolves when the first try has ended, or is late. */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { reader, mirror, channel, onProblem, firstLoadMs = FIRST_LOAD_MS } = options;
  const stopped = new AbortController();
  const listeners = new Set<(served: Served) => void>();
  let served: Served | undefined;

  async function load(sequence: number, moved?: AbortSignal): Promise<void> {
    const stored = await reader.bySequence(sequence);
    if (!stored) throw new BfaError("integrity", `Cannot load manifest ${sequence}: it is gone`);
    const { signed } = stored.manifest;
    const known = served && sameListings(served.stored.manifest.signed, signed);
    const index = known ? served!.source.index : await loadListings(mirror, signed);
    if (moved?.aborted) return; // a newer one may be served already
    served = { stored, source: { version: signed.version, index } };
    for (const listener of listeners) listener(served);
  }

  /** Loads until it works, or until the channel has moved on. */
  async function loadWithRetries(sequence: number, moved: AbortSignal): Promise<void> {
    for (let waitMs = RETRY_MS.first; !moved.aborted; waitMs *= 2) {
      try {
        return await load(sequence, moved);
      } catch (error) {
        onProblem(asBfaError(error, "unavailable", `load manifest ${sequence}`));
        await delay(Math.min(waitMs, RETRY_MS.most), { signal: moved }).catch(() => {});
      }
    }
  }

  /** Follows the channel until it is closed. */
  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        return await followMoves();
      } catch (error) {
        onProblem(asBfaError(error, "unavailable", `follow channel ${channel}`));
        await delay(RETRY_MS.first, { signal: stopped.signal }).catch(() => {});
      }
    }
  }

  async function followMoves(): Promise<void> {
    let moved = new AbortController();
    let loading: Promise<void> | undefined;
    try {
      for await (const pointer of reader.watch(channel, stopped.signal)) {
        moved.abort();
        moved = new AbortController();
        const sequence = pointer?.sequence ?? 0;
        // A KV that was lost, and is filled from its mirrors again, shows all that ever was.
        if (sequence > (served?.stored.manifest.signed.sequence ?? 0)) {
          loading = loadWithRetries(sequence, moved.signal);
        }
      }
    } finally {
      moved.abort();
      await loading;
    }
  }

  try {
    const { pointer } = await reader.head(channel);
    const late = new AbortController();
    if (pointer) {
      await inTime(load(pointer.sequence, late.signal), firstLoadMs, () => {
        late.abort(); // what comes later is void
        throw new BfaError(
          "unavailable",
          `Cannot load the version in ${firstLoadMs} ms; trying on`,
        );
      });
    }
  } catch (error) {
    onProblem(asBfaError(error, "unavailable", `load channel ${channel}`));
  }
  const running = run();

  return {
    current: () => served,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      stopped.abort();
      await running;
    },
  };
}

function sameListings(a: ManifestBody, b: ManifestBody): boolean {
  const digest = (body: ManifestBody) => artifactNamed(body, "listings.json").sha256;
  return digest(a) === digest(b);
}
