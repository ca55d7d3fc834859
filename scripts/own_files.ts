/**
 * Packages as files of their own: Deno links them from its cache, and to tar a file has changed when another
 * program links it too.
 *
 * @module
 */

import { join } from "@std/path";

/** Replaces every file below a folder by a copy that nobody else has. */
export async function ownFiles(dir: string): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(dir)) {
    const path = join(dir, name);
    if (isDirectory) await ownFiles(path);
    if (!isFile || (await Deno.stat(path)).nlink === 1) continue;
    await Deno.copyFile(path, `${path}.own`);
    await Deno.rename(`${path}.own`, path);
  }
}
