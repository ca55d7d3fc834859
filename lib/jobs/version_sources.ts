/**
 * Any published version to answer from, not only the newest: loaded when it is asked for.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import type { Source } from "../core/answers.ts";
import { moveAsOf } from "../core/as_of.ts";
import type { Day } from "../core/day.ts";
import { BfaError, NotFoundError } from "../core/errors.ts";
import type { Manifest } from "../core/manifest.ts";
import { parseVersion } from "../core/version.ts";
import { currentManifest, type ManifestReader, type StoredManifest } from "../manifest/store.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import { loadListings } from "./load_listings.ts";

/** A version that can be asked. */
export interface AskedVersion {
  /** Its listings, ready to be asked. */
  readonly source: Source;
  /** Its signed manifest. */
  readonly stored: {
    /** As it was published. */
    readonly manifest: Manifest;
  };
}

/** Versions by name, and by the day they were current. */
export interface VersionSources {
  /** @throws {NotFoundError} when there is no such version. */
  at(version: string): Promise<AskedVersion>;
  /** What a channel named at the end of a day (UTC). */
  asOf(day: Day, channel: string): Promise<AskedVersion>;
}

/** How many versions stay in memory: their listings take about 1 MB each. */
const KEPT = 16;

/** Versions of a store, with their listings from a mirror. */
export function versionSources(
  options: { readonly reader: ManifestReader; readonly mirror: MirrorReader },
): VersionSources {
  const { reader, mirror } = options;
  const kept = new LRUCache<string, Promise<AskedVersion>>({ max: KEPT });

  async function load(version: string): Promise<AskedVersion> {
    const sequence = await reader.sequenceOf(version);
    const stored = sequence === undefined ? undefined : await reader.bySequence(sequence);
    if (!stored) throw new NotFoundError(`no version ${version}; \`/v1/versions\` lists them`);
    return await served(stored);
  }

  async function served(stored: StoredManifest): Promise<AskedVersion> {
    const { signed } = stored.manifest;
    const index = await loadListings(mirror, signed);
    return { stored, source: { version: signed.version, index } };
  }

  function at(version: string): Promise<AskedVersion> {
    let loading = kept.get(version);
    if (!loading) {
      loading = load(version);
      kept.set(version, loading);
      loading.catch(() => kept.delete(version)); // the next one tries again
    }
    return loading;
  }

  return {
    async at(version) {
      parseVersion(version);
      return await at(version);
    },
    async asOf(day, channel) {
      const newest = await currentManifest(reader, channel);
      if (!newest) throw new NotFoundError("no version was published in this channel yet");
      const move = await moveAsOf(day, newest.manifest.signed, async (sequence) => {
        const stored = await reader.bySequence(sequence);
        if (stored) return stored.manifest.signed;
        throw new BfaError("integrity", `Cannot read manifest ${sequence}: it is gone`);
      });
      return await at(move.version);
    },
  };
}
