/**
 * A temporary folder that outlives its process by little: one that was killed cannot clean up, so the next
 * one does.
 *
 * @module
 */

import { folderOf } from "./atomic_file.ts";

/** A folder of this process alone. */
export interface ScratchFolder {
  readonly path: string;
  /** Removes it. */
  remove(): Promise<void>;
}

/** A younger folder may not be locked yet, ms. */
const YOUNG_MS = 60_000;

/** Makes a folder in the system's place for temporary files, and removes those of dead processes. */
export async function scratchFolder(prefix: string): Promise<ScratchFolder> {
  const path = await Deno.makeTempDir({ prefix });
  const lock = await Deno.create(`${path}/lock`);
  await lock.lock(true); // the system lets go of it when the process ends, however it ends
  await sweep(folderOf(path), prefix).catch(() => {}); // what cannot be removed stays
  return {
    path,
    async remove() {
      lock.close();
      await Deno.remove(path, { recursive: true }).catch(() => {});
    },
  };
}

async function sweep(parent: string, prefix: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(parent)) {
    if (!isDirectory || !name.startsWith(prefix)) continue;
    const path = `${parent}/${name}`;
    const { mtime } = await Deno.stat(path);
    if (mtime && Date.now() - mtime.getTime() < YOUNG_MS) continue;
    if (await abandoned(path)) await Deno.remove(path, { recursive: true }).catch(() => {});
  }
}

/** Whether nobody holds a folder's lock. Deno before 2.6 cannot tell: nothing is swept there. */
async function abandoned(path: string): Promise<boolean> {
  try {
    using lock = await Deno.open(`${path}/lock`, { write: true });
    return typeof lock.tryLock === "function" && await lock.tryLock(true);
  } catch {
    return false; // not one of ours
  }
}
