/**
 * Manifests from a mirror's own files: a service needs no KV to follow a publisher. What the files say counts
 * only when a trusted key signed it.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { LRUCache } from "lru-cache";
import { asBfaError, BfaError } from "../core/errors.ts";
import { accept, checkSigned, trustedKeys } from "../core/trust.ts";
import { goodKeys } from "../manifest/signature.ts";
import type { ChannelPointer, ManifestReader, StoredManifest } from "../manifest/store.ts";
import { LATEST_PATH, manifestPath, type MirrorReader } from "../mirror/mirror.ts";
import { inParallel } from "./in_parallel.ts";
import { anyManifestAt, anyManifestOn, versionsOn } from "./mirror_documents.ts";

/** How to read a mirror's manifests. */
export interface MirrorManifestsOptions {
  /** Keys whose manifests count, whatever manifests say of their publisher's next keys. */
  readonly trustedKeys?: readonly string[] | undefined;
  /** Where none of those are given: the publisher's keys as far as known; else those of the first manifest seen. */
  readonly pinnedKeys?: readonly string[];
  /** How often a watched channel is read, ms. */
  readonly pollMs?: number;
  /** Told when a watched channel cannot be read; each problem once. */
  readonly onProblem?: (error: BfaError) => void;
}

/** A publisher publishes once a day. */
const POLL_MS = 60_000;

/** Manifests that are kept in memory, of 8 KB each. */
const KEPT = 1_024;

/** How many manifests are fetched at the same time. */
const AT_ONCE = 8;

/** Reads manifests from a mirror. */
export function mirrorManifests(
  mirror: MirrorReader,
  options: MirrorManifestsOptions = {},
): ManifestReader {
  const { trustedKeys: configured = [], pollMs = POLL_MS, onProblem = () => {} } = options;
  const kept = new LRUCache<number, StoredManifest>({ max: KEPT });
  const newest = new Map<string, StoredManifest>();
  let pinned = options.pinnedKeys ?? [];
  /** Keys that were ever pinned: what they signed before they were changed is good. */
  const retired = new Set<string>();

  /** A channel's newest manifest must not go back; it says which keys come next. */
  async function acceptNewest({ manifest }: StoredManifest, highestSequence: number) {
    const trust = { configured, pinned, highestSequence };
    const { pins } = accept(manifest.signed, await goodKeys(manifest, trustedKeys(trust)), trust);
    for (const key of pinned) retired.add(key);
    pinned = pins;
  }

  async function acceptOld({ manifest }: StoredManifest) {
    const trust = { configured, pinned: [...pinned, ...retired], highestSequence: 0 };
    checkSigned(manifest.signed, await goodKeys(manifest, trustedKeys(trust)), trust);
  }

  async function newestOf(channel: string): Promise<StoredManifest | undefined> {
    const known = newest.get(channel);
    const path = channel === "latest" ? LATEST_PATH : await pathOf(channel);
    const stored = path && await anyManifestAt(mirror, path);
    if (!stored || stored.text === known?.text) return known;
    await acceptNewest(stored, known?.manifest.signed.sequence ?? 0);
    if (stored.manifest.signed.channel !== channel) {
      throw new BfaError("integrity", `Cannot use ${path}: it is not of channel ${channel}`);
    }
    newest.set(channel, stored);
    kept.set(stored.manifest.signed.sequence, stored);
    return stored;
  }

  async function pathOf(channel: string): Promise<string | undefined> {
    const pointer = (await versionsOn(mirror)).channels[channel];
    return pointer && manifestPath(pointer.sequence);
  }

  async function bySequence(sequence: number): Promise<StoredManifest | undefined> {
    const known = kept.get(sequence);
    if (known) return known;
    const stored = await anyManifestOn(mirror, sequence);
    if (!stored) return undefined;
    await acceptOld(stored);
    kept.set(sequence, stored);
    return stored;
  }

  return {
    bySequence,
    head: async (channel) => ({
      pointer: pointerTo(await newestOf(channel)),
      versionstamp: null,
    }),
    bySequences: async (sequences) => {
      const found = new Map<number, StoredManifest | undefined>();
      await inParallel(sequences, AT_ONCE, async (sequence) => {
        found.set(sequence, await bySequence(sequence));
      });
      return sequences.map((sequence) => found.get(sequence));
    },
    async sequenceOf(version) {
      return (await versionsOn(mirror)).versions.find((listed) => listed.version === version)
        ?.sequence;
    },
    async versions() {
      const entries = (await versionsOn(mirror)).versions.map(({ version, sequence }) => ({
        version,
        sequence,
      }));
      const distrusted = new Set<number>();
      await inParallel(entries, AT_ONCE, async ({ sequence }) => {
        try {
          await bySequence(sequence);
        } catch (error) {
          // Others are listed all the same: a publisher may have changed its key before this service began.
          if (!(error instanceof BfaError && error.code === "untrusted")) throw error;
          distrusted.add(sequence);
        }
      });
      return entries.filter(({ sequence }) => !distrusted.has(sequence))
        .sort((a, b) => a.sequence - b.sequence);
    },
    channels: async () => (await versionsOn(mirror)).channels,
    async *watch(channel, signal) {
      let seen: number | undefined;
      let problem: string | undefined;
      while (!signal.aborted) {
        try {
          const pointer = pointerTo(await newestOf(channel));
          problem = undefined;
          if ((pointer?.sequence ?? 0) !== seen) {
            seen = pointer?.sequence ?? 0;
            yield pointer;
          }
        } catch (cause) {
          const error = asBfaError(cause, "unavailable", `read channel ${channel}`);
          if (error.message !== problem) onProblem(error);
          problem = error.message;
        }
        await delay(pollMs, { signal }).catch(() => {});
      }
    },
  };
}

function pointerTo(stored: StoredManifest | undefined): ChannelPointer | null {
  if (!stored) return null;
  const { sequence, version } = stored.manifest.signed;
  return { sequence, version };
}
