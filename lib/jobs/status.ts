/**
 * The condition of a dataset on this machine.
 *
 * @module
 */

import type { LoadedCopy } from "../cache/copy.ts";
import type { Source } from "../core/answers.ts";
import { wholeFilesThrough } from "../core/reach.ts";
import { type Freshness, freshnessAt, isOfFuture } from "../core/freshness.ts";
import type { DatasetOptions } from "./dataset.ts";

/** The condition of a dataset. Instants are ISO 8601, UTC. */
export interface Status {
  /** Where answers come from; `nothing` before the first question to an endpoint. */
  from: "copy" | "seed" | "nothing";
  /** Base URL of the publisher; `null` when there is none. */
  endpoint: string | null;
  /** The channel that is followed. */
  channel: string;
  /** The version that answers; `null` before the first question. */
  version: string | null;
  /** The manifest's sequence. */
  sequence: number | null;
  /** The last day the data knows about. */
  dataThrough: string | null;
  /** The last day of the files that hold all days: `dataThrough`, unless the publisher builds them less often. */
  wholeFilesThrough: string | null;
  /** The copy's condition; `pinned` and `seed` never go stale. */
  freshness: Freshness | "pinned" | "seed" | null;
  /** `late` when it answered after a newer version was due, and had none. */
  publisher: "on time" | "late" | "unknown";
  /** When it was signed. */
  publishedAt: string | null;
  /** A newer version is expected from here on. */
  refreshAfter: string | null;
  /** The copy is behind from here on. */
  staleAfter: string | null;
  /** The signature's end. */
  expiresAt: string | null;
  /** When the publisher last answered. */
  checkedAt: string | null;
  /** Where the copy is kept. */
  place: string;
  /** The keys that are trusted. */
  keys: readonly string[];
}

/** The condition of a copy, or of what answers while there is none. */
export function statusOf(
  { endpoint, channel, store, version, trustedKeys, now }: DatasetOptions,
  { copy, seed }: { copy: LoadedCopy | undefined; seed: Source | undefined },
): Status {
  const known: Status = {
    from: "nothing",
    version: null,
    sequence: null,
    dataThrough: null,
    wholeFilesThrough: null,
    freshness: null,
    publisher: "unknown",
    publishedAt: null,
    refreshAfter: null,
    staleAfter: null,
    expiresAt: null,
    checkedAt: null,
    endpoint: endpoint ?? null,
    channel,
    place: store.place,
    keys: trustedKeys.length ? trustedKeys : copy?.record.pins ?? [],
  };
  if (copy) return { ...known, ...copyStatus(copy, version !== undefined, now()) };
  if (!seed) return known;
  const { dataThrough } = seed.index;
  return { ...known, from: "seed", version: seed.version, dataThrough, freshness: "seed" };
}

/** What a copy adds to that. */
function copyStatus(copy: LoadedCopy, pinned: boolean, now: Date): Partial<Status> {
  const { record, manifest: { signed } } = copy;
  return {
    ...signed.freshness,
    from: "copy",
    version: signed.version,
    sequence: signed.sequence,
    dataThrough: signed.dataThrough,
    wholeFilesThrough: wholeFilesThrough(signed) ?? signed.dataThrough,
    publishedAt: signed.publishedAt,
    freshness: pinned ? "pinned" : freshnessAt(signed.freshness, now),
    publisher: publisherOf(copy, now),
    checkedAt: record.checkedAt,
  };
}

function publisherOf({ record, manifest }: LoadedCopy, now: Date): Status["publisher"] {
  const { freshness } = manifest.signed;
  if (isOfFuture(manifest.signed, now)) return "unknown";
  if (freshnessAt(freshness, now) === "fresh") return "on time";
  const checked = Date.parse(record.checkedAt ?? "");
  return checked >= Date.parse(freshness.staleAfter) ? "late" : "unknown";
}
