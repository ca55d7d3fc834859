/**
 * The records in a cache folder: which endpoints and channels it has copies of.
 *
 * @module
 */

import type { CopyRecord } from "./copy_store.ts";
import { cachePaths, folderStore, unreadable } from "./folder_store.ts";

/** A record, and the name it is kept under. */
export interface CachedRecord {
  readonly name: string;
  readonly record: CopyRecord;
}

/** The records in a cache, the one whose publisher was asked last first. */
export async function cachedRecords(cacheDir: string): Promise<CachedRecord[]> {
  const store = folderStore(cacheDir);
  const records: CachedRecord[] = [];
  for (const { name } of await entries(cachePaths(cacheDir).sources)) {
    const record = await store.record(name);
    if (record) records.push({ name, record });
  }
  const askedMs = ({ record }: CachedRecord) => Date.parse(record.checkedAt ?? "") || 0;
  return records.sort((a, b) => askedMs(b) - askedMs(a));
}

/** What is in a folder, by name; nothing when there is no such folder. */
export async function entries(folder: string): Promise<Deno.DirEntry[]> {
  const found = await Array.fromAsync(Deno.readDir(folder)).catch(ignoreMissing)
    .catch((error) => {
      throw unreadable(error, folder);
    });
  return (found ?? []).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Catches the absence of a file or folder, and nothing else. */
export function ignoreMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
    return undefined;
  }
  throw error;
}
