/**
 * A copy in a folder:
 *
 * ```text
 * <cache>/CACHEDIR.TAG
 * <cache>/v1/objects/<sha256>                     artifacts of all versions and endpoints
 * <cache>/v1/sources/<name>/current.json          the record: the only file that changes
 * <cache>/v1/sources/<name>/manifests/<n>.json    signed manifests
 * <cache>/v1/locks/  tmp/  damaged/  hits  misses
 * ```
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import {
  folderOf,
  storageError,
  syncFolder,
  writeAll,
  writeAtomically,
} from "../files/atomic_file.ts";
import { hashFile } from "../files/file_facts.ts";
import type { CopyRecord, CopyStore, PartialObject } from "./copy_store.ts";

/** The format of the folder. Other formats beside it are left alone. */
export const CACHE_FORMAT = 1;

const TAG = `Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of bfa; it can be deleted at any time.
# See https://bford.info/cachedir/
`;

/** How often a lock that is taken is tried again, ms. */
const LOCK_POLL_MS = 25;

/** Where the parts of a cache folder are. */
export function cachePaths(cacheDir: string) {
  const root = `${cacheDir}/v${CACHE_FORMAT}`;
  return {
    root,
    objects: `${root}/objects`,
    sources: `${root}/sources`,
    locks: `${root}/locks`,
    tmp: `${root}/tmp`,
    damaged: `${root}/damaged`,
    hits: `${root}/hits`,
    misses: `${root}/misses`,
  };
}

/** A copy in a folder, which is made when something is first kept. */
export function folderStore(cacheDir: string): CopyStore {
  const paths = cachePaths(cacheDir);
  const verified = new Set<string>();
  const recordFile = (source: string) => `${paths.sources}/${source}/current.json`;
  const manifestsOf = (source: string) => `${paths.sources}/${source}/manifests`;
  const objectFile = (artifact: Artifact) => `${paths.objects}/${artifact.sha256}`;

  /** Makes the folders once; a cache that cannot be made is told as such. */
  async function prepare(): Promise<void> {
    if (await isThere(`${cacheDir}/CACHEDIR.TAG`)) return;
    await writeAtomically(`${cacheDir}/CACHEDIR.TAG`, TAG);
  }

  async function isWhole(artifact: Artifact): Promise<boolean> {
    const info = await orMissing(Deno.stat(objectFile(artifact)));
    return info?.size === artifact.bytes;
  }

  return {
    place: cacheDir,
    durable: true,

    async record(source) {
      const text = await orMissing(Deno.readTextFile(recordFile(source)));
      return text === undefined ? undefined : readRecord(text);
    },

    async setRecord(source, record) {
      await prepare();
      await writeAtomically(recordFile(source), JSON.stringify(record, null, 2) + "\n");
    },

    manifest: (source, sequence) =>
      orMissing(Deno.readTextFile(`${manifestsOf(source)}/${sequence}.json`)),

    async setManifest(source, sequence, text) {
      await prepare();
      await writeAtomically(`${manifestsOf(source)}/${sequence}.json`, text);
    },

    async sequences(source) {
      const names = await orMissing(
        Array.fromAsync(Deno.readDir(manifestsOf(source)), (entry) => entry.name),
      );
      return (names ?? []).filter((name) => /^\d+\.json$/.test(name))
        .map((name) => parseInt(name)).sort((a, b) => a - b);
    },

    has: isWhole,

    async read(artifact) {
      const bytes = await orMissing(Deno.readFile(objectFile(artifact)));
      if (bytes === undefined) return undefined;
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      if (digest === artifact.sha256) return bytes;
      await putAside(cacheDir, artifact.sha256);
      return undefined;
    },

    async path(artifact) {
      const path = objectFile(artifact);
      if (verified.has(artifact.sha256) && await isWhole(artifact)) return path;
      const facts = await orMissing(hashFile(path));
      if (facts === undefined) return undefined;
      if (facts.sha256 !== artifact.sha256) {
        await putAside(cacheDir, artifact.sha256);
        return undefined;
      }
      verified.add(artifact.sha256);
      return path;
    },

    async begin(artifact) {
      await prepare();
      return await beginObject(
        artifact,
        `${paths.tmp}/${artifact.sha256}.part`,
        objectFile(artifact),
      );
    },

    withLock: (name, waitMs, work) => withFileLock(`${paths.locks}/${name}`, waitMs, work),

    count(kind) {
      // One byte per question: appends need no lock, and the file's size is the number. Written at
      // once, because the first write that waits costs milliseconds at every start.
      try {
        Deno.writeFileSync(paths[kind], new Uint8Array([46]), { append: true });
      } catch {
        // counting is a courtesy: no folder yet, or a disk that refuses, loses nothing
      }
    },
  };
}

/** Moves a damaged object out of the way, where a person can look at it. */
export async function putAside(cacheDir: string, sha256: string): Promise<void> {
  const { objects, damaged } = cachePaths(cacheDir);
  try {
    await Deno.mkdir(damaged, { recursive: true });
    await Deno.rename(`${objects}/${sha256}`, `${damaged}/${sha256}`);
  } catch (error) {
    const refused = storageError(error, objects);
    // On a read-only disk it stays where it is, and is refused again each time.
    if (refused === error && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function beginObject(
  artifact: Artifact,
  temporary: string,
  final: string,
): Promise<PartialObject> {
  const file = await orStorageError(temporary, async () => {
    await Deno.mkdir(folderOf(temporary), { recursive: true });
    await Deno.mkdir(folderOf(final), { recursive: true });
    return await Deno.open(temporary, { read: true, write: true, create: true });
  });
  let bytes = await file.seek(0, Deno.SeekMode.End);

  async function restart(): Promise<void> {
    await orStorageError(temporary, () => file.truncate(0));
    await file.seek(0, Deno.SeekMode.Start);
    bytes = 0;
  }
  if (bytes > artifact.bytes) await restart();

  return {
    get bytes() {
      return bytes;
    },
    restart,
    async append(chunk) {
      try {
        await writeAll(file, chunk);
        bytes += chunk.length;
      } catch (error) {
        await file.truncate(0).catch(() => {}); // a full disk gets its room back
        throw storageError(error, temporary);
      }
    },
    async commit() {
      await orStorageError(temporary, () => file.sync());
      const { sha256 } = await hashFile(temporary);
      if (sha256 !== artifact.sha256) {
        await restart();
        throw new IntegrityError(artifact.name, artifact.sha256, sha256);
      }
      await orStorageError(final, () => Deno.rename(temporary, final));
      await syncFolder(folderOf(final));
    },
    close: () => file.close(),
  };
}

async function orStorageError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, path);
  }
}

/** The operating system lets go of a lock when its process dies, however it dies. */
async function withFileLock<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  let file: Deno.FsFile | undefined;
  try {
    await Deno.mkdir(folderOf(path), { recursive: true });
    file = await Deno.open(path, { write: true, create: true });
    const end = performance.now() + waitMs;
    while (!await file.tryLock(true) && performance.now() < end) await delay(LOCK_POLL_MS);
  } catch {
    // a disk that cannot be locked, or written: go on without
  }
  try {
    return await work();
  } finally {
    file?.close();
  }
}

function readRecord(text: string): CopyRecord | undefined {
  try {
    const record = JSON.parse(text);
    const sound = typeof record.endpoint === "string" && Number.isSafeInteger(record.sequence) &&
      Number.isSafeInteger(record.highestSequence) && Array.isArray(record.pins) &&
      Array.isArray(record.keeps);
    return sound ? record : undefined;
  } catch {
    return undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  return await orMissing(Deno.stat(path)) !== undefined;
}

async function orMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.NotCapable
    ) {
      return undefined;
    }
    throw error;
  }
}
