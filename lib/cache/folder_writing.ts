/**
 * Writing in a cache folder: objects on their way, the lock, the tag, and putting aside what is damaged.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import {
  folderOf,
  makeFolder,
  storageError,
  syncFolder,
  writeAll,
  writeAtomically,
} from "../files/atomic_file.ts";
import { hashFile } from "../files/file_facts.ts";
import type { PartialObject } from "./copy_store.ts";

const TAG = `Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of bfa; it can be deleted at any time.
# See https://bford.info/cachedir/
`;

/** How often a small file is written that is removed before it is in place. */
const CLEARED_TRIES = 3;

/** How often a lock that is taken is tried again, ms. */
const LOCK_POLL_MS = 25;

/** Marks the folder as a cache, once; one that cannot be made is told as such. */
export async function tagCache(cacheDir: string): Promise<void> {
  const path = `${cacheDir}/CACHEDIR.TAG`;
  try {
    await Deno.stat(path);
  } catch {
    await writeAtomically(path, TAG);
  }
}

/** Writes a small file whole or not at all; again, when the cache is cleared meanwhile. */
export async function writeInCache(cacheDir: string, path: string, text: string): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      await tagCache(cacheDir);
      return await writeAtomically(path, text);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || tries === CLEARED_TRIES) throw error;
    }
  }
}

/** Begins or resumes an object. */
export async function beginObject(
  artifact: Artifact,
  temporary: string,
  final: string,
): Promise<PartialObject> {
  const file = await orStorageError(temporary, async () => {
    await makeFolder(folderOf(temporary));
    await makeFolder(folderOf(final));
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

/** The operating system lets go of a lock when its process dies, however it dies. */
export async function withFileLock<T>(
  path: string,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  let file: Deno.FsFile | undefined;
  try {
    await Deno.mkdir(folderOf(path), { recursive: true });
    file = await Deno.open(path, { write: true, create: true });
    const end = performance.now() + waitMs;
    while (!await file.tryLock(true) && performance.now() < end) {
      await delay(LOCK_POLL_MS);
    }
  } catch {
    // a disk that cannot be locked, or written: go on without
  }
  try {
    return await work();
  } finally {
    file?.close();
  }
}

/** Moves a damaged object out of the way, where a person can look at it. */
export async function putAside(
  { objects, damaged }: { objects: string; damaged: string },
  sha256: string,
): Promise<void> {
  try {
    await Deno.mkdir(damaged, { recursive: true });
    await Deno.rename(`${objects}/${sha256}`, `${damaged}/${sha256}`);
  } catch (error) {
    const refused = storageError(error, objects);
    // On a read-only disk it stays where it is, and is refused again each time.
    if (refused === error && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function orStorageError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, path);
  }
}
