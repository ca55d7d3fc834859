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

import { BfaError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import type { CopyRecord, CopyStore } from "./copy_store.ts";

/** The format of the folder. Other formats beside it are left alone. */
const CACHE_FORMAT = 1;

/** Files up to this size are read at once: handing them to another thread takes longer than they do. */
const SMALL_BYTES = 256 * 1024;

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

  async function isWhole(artifact: Artifact): Promise<boolean> {
    const path = objectFile(artifact);
    const info = await orMissing(path, Deno.stat(path));
    return info?.size === artifact.bytes;
  }

  return {
    place: cacheDir,
    durable: true,

    record(source) {
      const path = recordFile(source);
      const text = unlessMissing(path, () => Deno.readTextFileSync(path));
      return Promise.resolve(text === undefined ? undefined : readRecord(text));
    },

    async setRecord(source, record) {
      const { writeInCache } = await writing();
      await writeInCache(cacheDir, recordFile(source), JSON.stringify(record, null, 2) + "\n");
    },

    manifest(source, sequence) {
      const path = `${manifestsOf(source)}/${sequence}.json`;
      return Promise.resolve(unlessMissing(path, () => Deno.readTextFileSync(path)));
    },

    async setManifest(source, sequence, text) {
      const { writeInCache } = await writing();
      await writeInCache(cacheDir, `${manifestsOf(source)}/${sequence}.json`, text);
    },

    async sequences(source) {
      const path = manifestsOf(source);
      const names = await orMissing(
        path,
        Array.fromAsync(Deno.readDir(path), (entry) => entry.name),
      );
      return (names ?? []).filter((name) => /^\d+\.json$/.test(name))
        .map((name) => parseInt(name)).sort((a, b) => a - b);
    },

    has: isWhole,

    async read(artifact) {
      const path = objectFile(artifact);
      const bytes = artifact.bytes <= SMALL_BYTES
        ? unlessMissing(path, () => Deno.readFileSync(path))
        : await orMissing(path, Deno.readFile(path));
      if (bytes === undefined) return undefined;
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      if (digest === artifact.sha256) return bytes;
      await this.putAside(artifact);
      return undefined;
    },

    async putAside({ sha256 }) {
      const { putAside } = await writing();
      await putAside(paths, sha256);
    },

    async path(artifact) {
      const path = objectFile(artifact);
      if (verified.has(artifact.sha256) && await isWhole(artifact)) return path;
      const { hashFile } = await import("../files/file_facts.ts");
      const facts = await orMissing(path, hashFile(path));
      if (facts === undefined) return undefined;
      if (facts.sha256 !== artifact.sha256) {
        await this.putAside(artifact);
        return undefined;
      }
      verified.add(artifact.sha256);
      return path;
    },

    async begin(artifact) {
      const { beginObject, tagCache } = await writing();
      await tagCache(cacheDir);
      return await beginObject(
        artifact,
        `${paths.tmp}/${artifact.sha256}.part`,
        objectFile(artifact),
      );
    },

    async withLock(name, waitMs, work) {
      const { withFileLock } = await writing();
      return await withFileLock(`${paths.locks}/${name}`, waitMs, work);
    },

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

/** What writes is loaded when something is written: a fresh copy only reads. */
function writing() {
  return import("./folder_writing.ts");
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

async function orMissing<T>(path: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(error, path);
  }
}

function unlessMissing<T>(path: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(error, path);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.NotCapable;
}

/** What the operating system does not read: a folder of another user, as `sudo` leaves it, or a disk that fails. */
export function unreadable(error: unknown, path: string): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!(error instanceof Error) || !/^E[A-Z]+$/.test(code)) return error;
  const isRefused = code === "EACCES" || code === "EPERM";
  const [said = code] = error.message.split(" (os error");
  return new BfaError(
    "storage",
    `Cannot read ${path}: ${
      isRefused ? "it belongs to another user; give it to this one" : `${said}; repair the disk`
    }, or set BFA_CACHE_DIR, or cacheDir, to another folder`,
    { cause: error },
  );
}
