/**
 * Upkeep of a cache folder: what is in it, whether it is sound, and making room.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { Manifest } from "../core/manifest.ts";
import { parseManifest } from "../core/parse_manifest.ts";
import { storageError } from "../files/atomic_file.ts";
import { hashFile } from "../files/file_facts.ts";
import { newRecord } from "./copy.ts";
import type { CopyRecord } from "./copy_store.ts";
import { cachedRecords, entries, ignoreMissing } from "./records.ts";
import { cachePaths, folderStore } from "./folder_store.ts";
import { putAside } from "./folder_writing.ts";

/** One endpoint's channel in a cache. */
export interface CachedSource {
  readonly name: string;
  readonly record: CopyRecord;
  /** Manifests that are kept, oldest first. */
  readonly manifests: readonly Manifest[];
  /** Whether there are others, in a later format: a newer bfa uses the same folder. */
  readonly hasNewer: boolean;
}

/** One object in a cache. */
export interface CachedObject {
  readonly sha256: string;
  readonly bytes: number;
  /** Which versions use it, as `version/name`; empty when none does. */
  readonly usedBy: readonly string[];
}

/** Everything in a cache. */
export interface CacheContents {
  readonly place: string;
  readonly sources: readonly CachedSource[];
  readonly objects: readonly CachedObject[];
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
}

/** What an upkeep run removed. */
export interface Removed {
  files: number;
  bytes: number;
}

/** Unfinished downloads younger than this may be in use, ms. */
const KEEP_PARTS_MS = 24 * 3_600_000;

/** How often a folder is removed that others write into. */
const FILLED_TRIES = 5;

/** The sources in a cache, the one that was asked last first. */
export async function cachedSources(cacheDir: string): Promise<CachedSource[]> {
  const store = folderStore(cacheDir);
  const records = await cachedRecords(cacheDir);
  return await Promise.all(records.map(async ({ name, record }) => {
    const manifests: Manifest[] = [];
    let hasNewer = false;
    for (const sequence of await store.sequences(name)) {
      const text = await store.manifest(name, sequence) ?? "";
      try {
        manifests.push(parseManifest(text));
      } catch (error) {
        hasNewer ||= error instanceof BfaError && error.code === "format_too_new";
      }
    }
    return { name, record, manifests, hasNewer };
  }));
}

/** Everything in a cache; sizes as on disk. */
export async function cacheContents(cacheDir: string): Promise<CacheContents> {
  const paths = cachePaths(cacheDir);
  const sources = await cachedSources(cacheDir);
  const users = new Map<string, string[]>();
  for (const { signed } of sources.flatMap((source) => source.manifests)) {
    for (const { sha256, name } of signed.artifacts) {
      const use = `${signed.version}/${name}`;
      const known = users.get(sha256) ?? [];
      if (!known.includes(use)) users.set(sha256, [...known, use]);
    }
  }
  const objects: CachedObject[] = [];
  for (const { name } of await entries(paths.objects)) {
    const bytes = await fileSize(`${paths.objects}/${name}`);
    objects.push({ sha256: name, bytes, usedBy: users.get(name) ?? [] });
  }
  return {
    place: cacheDir,
    sources,
    objects,
    bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
    hits: await fileSize(paths.hits),
    misses: await fileSize(paths.misses),
  };
}

/** Hashes every object; damaged ones are put aside, to be fetched again when they are needed. */
export async function verifyCache(cacheDir: string): Promise<{ sound: number; damaged: string[] }> {
  const { objects } = cachePaths(cacheDir);
  const damaged: string[] = [];
  let sound = 0;
  for (const { name } of await entries(objects)) {
    const facts = await hashFile(`${objects}/${name}`).catch(ignoreMissing);
    if (!facts) continue; // another process has just removed it
    if (facts.sha256 === name) {
      sound++;
      continue;
    }
    damaged.push(name);
    await putAside(cachePaths(cacheDir), name);
  }
  return { sound, damaged };
}

/**
 * Removes what no current version uses: older manifests and their objects, damaged objects, and
 * unfinished downloads of more than a day ago.
 *
 * @throws {BfaError} `format_too_new`, and nothing is removed, where a newer bfa keeps what this one cannot tell.
 */
export async function pruneCache(cacheDir: string, now: Date): Promise<Removed> {
  const paths = cachePaths(cacheDir);
  const removed: Removed = { files: 0, bytes: 0 };
  return await folderStore(cacheDir).withLock("prune", 10_000, async () => {
    const used = new Set<string>();
    const cached = await cachedSources(cacheDir);
    if (cached.some(({ hasNewer }) => hasNewer)) {
      throw new BfaError(
        "format_too_new",
        `Cannot prune ${cacheDir}: a newer bfa keeps files there that this one does not know; prune with that one`,
      );
    }
    for (const { name, record, manifests } of cached) {
      for (const { signed } of manifests) {
        // A higher one is being installed: its record is written next.
        if (signed.sequence >= record.sequence) {
          for (const { sha256 } of signed.artifacts) used.add(sha256);
        } else {
          await remove(`${paths.sources}/${name}/manifests/${signed.sequence}.json`, removed);
        }
      }
    }
    for (const { name } of await entries(paths.objects)) {
      const path = `${paths.objects}/${name}`;
      if (!used.has(name) && await olderThan(path, KEEP_PARTS_MS, now)) await remove(path, removed);
    }
    const sources = (await entries(paths.sources)).map(({ name }) => `${paths.sources}/${name}`);
    const manifests = sources.map((source) => `${source}/manifests`);
    for (const folder of [paths.tmp, paths.damaged, ...sources, ...manifests]) {
      const kept = [paths.tmp, paths.damaged].includes(folder) ? "" : ".tmp";
      for (const { name } of (await entries(folder)).filter((e) => e.name.endsWith(kept))) {
        const path = `${folder}/${name}`;
        if (await olderThan(path, KEEP_PARTS_MS, now)) await remove(path, removed);
      }
    }
    return removed;
  });
}

/**
 * Removes everything of this format but whom each endpoint is trusted by, and the highest sequence
 * seen: emptying a cache must not make room for an old or foreign manifest, wherever it is stopped. Caches of
 * other formats are left alone.
 */
export async function clearCache(cacheDir: string): Promise<Removed> {
  const { bytes, objects } = await cacheContents(cacheDir);
  const paths = cachePaths(cacheDir);
  const store = folderStore(cacheDir);
  const records = await cachedRecords(cacheDir);
  const known = new Set(records.map(({ name }) => name));
  const forget = async () => {
    for (const { name, record: { endpoint, channel, pins, highestSequence } } of records) {
      await store.setRecord(name, { ...newRecord(endpoint, channel), pins, highestSequence });
    }
  };
  // Before anything goes, where there is room for that: records that point to nothing are read again all the same.
  const forgotten = await forget().then(() => true, () => false);
  const gone = (await entries(paths.root)).map(({ name }) => `${paths.root}/${name}`)
    .filter((path) => path !== paths.sources);
  for (const { name } of await entries(paths.sources)) {
    const source = `${paths.sources}/${name}`;
    if (!known.has(name)) gone.push(source);
    else {
      const rest = (await entries(source)).filter((entry) => entry.name !== "current.json");
      gone.push(...rest.map((entry) => `${source}/${entry.name}`));
    }
  }
  for (const path of gone) {
    await removeWhole(path);
  }
  if (!forgotten) await forget();
  return { files: objects.length, bytes };
}

/** Removes a folder, although another process may still write into it. */
async function removeWhole(path: string): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return await Deno.remove(path, { recursive: true }).catch(ignoreMissing);
    } catch (error) {
      const isFilled = (error as { code?: string }).code === "ENOTEMPTY";
      if (!isFilled || tries === FILLED_TRIES) throw storageError(error, path);
    }
  }
}

async function remove(path: string, removed: Removed): Promise<void> {
  const bytes = await fileSize(path);
  await Deno.remove(path).catch(ignoreMissing);
  removed.files++;
  removed.bytes += bytes;
}

async function olderThan(path: string, ms: number, now: Date): Promise<boolean> {
  const info = await Deno.stat(path).catch(ignoreMissing);
  return !!info?.mtime && now.getTime() - info.mtime.getTime() > ms;
}

async function fileSize(path: string): Promise<number> {
  return (await Deno.stat(path).catch(ignoreMissing))?.size ?? 0;
}
