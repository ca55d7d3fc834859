/**
 * The list of versions as a service or a mirror gives it.
 *
 * @module
 */

import { versionParts } from "../core/version.ts";
import type { ChannelPointer, VersionEntry } from "./store.ts";

/** One version in an endpoint's list. */
export interface ListedVersion {
  /** Its name. */
  version: string;
  /** The newest sequence that describes it. */
  sequence: number;
  /** The last day the data knows about. */
  dataThrough: string;
  /** When that manifest was signed. */
  publishedAt: string;
  /** Rows of `daily_availability`. */
  rows: number;
  /** Symbols that ever existed. */
  symbols: number;
  /** Size of all artifacts. */
  bytes: number;
  /** The last day of its files that hold all days, where they do not go as far as the rest. */
  wholeFilesThrough?: string;
}

/** An endpoint's versions. */
export interface VersionsReply {
  /** Newest first. */
  versions: ListedVersion[];
  /** Where the channels point. */
  channels: Record<string, { version: string; sequence: number }>;
}

/** The largest list that is read, bytes: room for 100 years of daily versions. */
export const MAX_LIST_BYTES = 8 * 1024 * 1024;

/**
 * Reads a list. Nobody signs it: what it names becomes a part of addresses, so it must be a name and a number.
 *
 * @returns `undefined` when the text is no list.
 */
export function parseVersionsReply(text: string): VersionsReply | undefined {
  try {
    const { versions, channels = {} } = JSON.parse(text);
    const pointers: unknown[] = Object.values(channels);
    if (Array.isArray(versions) && [...versions, ...pointers].every(isEntry)) {
      return { versions, channels };
    }
  } catch {
    // not JSON, or null
  }
  return undefined;
}

function isEntry(entry: VersionEntry | ChannelPointer | null): boolean {
  return typeof entry?.version === "string" && versionParts(entry.version) !== undefined &&
    Number.isSafeInteger(entry.sequence) && entry.sequence > 0;
}
