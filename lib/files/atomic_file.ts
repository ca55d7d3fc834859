/**
 * Files that appear whole or not at all: temporary file, fsync, rename, fsync of the folder.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";

/**
 * Writes a whole file so that a reader sees the old bytes or the new ones, even after a crash.
 *
 * @param options `mode`: permissions of a new file, where the platform has them; `check`: throws when the written
 *   bytes, in a temporary file, must not take the place.
 */
export async function writeAtomically(
  path: string,
  body: ReadableStream<Uint8Array<ArrayBuffer>> | string,
  options: { mode?: number; check?: (temporary: string) => Promise<void> } = {},
): Promise<void> {
  const { check, ...mode } = options;
  await takePlace(path, async (temporary) => {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true, ...mode });
      const chunks = typeof body === "string" ? [new TextEncoder().encode(body)] : body;
      for await (const chunk of chunks) await writeAll(file, chunk);
      await file.sync();
    }
    await check?.(temporary);
  });
}

/**
 * The same for a file that something else writes, such as a database.
 *
 * @param make Writes the whole file at the path it is given.
 */
export async function makeAtomically(
  path: string,
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  await takePlace(path, async (temporary) => {
    await make(temporary);
    using file = await Deno.open(temporary, { read: true, write: true });
    await file.sync();
  });
}

/** Makes a file beside another, and then puts it in its place. */
async function takePlace(
  path: string,
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  const folder = folderOf(path);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await makeFolder(folder);
    await make(temporary);
    await Deno.rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw storageError(error, path);
  }
}

/** The folder a file is in. */
export function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return end < 0 ? "." : path.slice(0, Math.max(end, 1));
}

/** Makes a folder and those above it. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    // Where nothing can be made, as in /proc, behind a dangling link or in a folder that was removed.
    if (error instanceof Deno.errors.NotFound) {
      throw new BfaError("storage", `Cannot write ${path}: no folder can be made there`, {
        cause: error,
      });
    }
    throw storageError(error, path);
  }
}

/** Writes a chunk whole: one `write` may take only part of it. */
export async function writeAll(file: Deno.FsFile, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
}

/**
 * Tells whether a file can grow, or another be made beside it: a database's own words for a disk that refuses do not.
 *
 * @throws {BfaError} `storage` when the disk is full or read-only.
 */
export async function checkWritable(path: string): Promise<void> {
  const beside = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeFile(beside, new Uint8Array(65_536));
  } catch (error) {
    const refused = storageError(error, path);
    if (refused instanceof BfaError) throw refused;
  } finally {
    await Deno.remove(beside).catch(() => {});
  }
}

/** Makes a rename last: the folder's entry reaches the disk. Not every platform can. */
export async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch {
    // some file systems refuse to sync a folder: the rename is then as durable as they make it
  }
}

/** Tells the ways a disk can refuse from other failures. */
export function storageError(error: unknown, path: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new BfaError("storage", `Cannot write ${path}: the disk is full`, { cause: error });
  }
  if (
    code === "ENOTDIR" || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.AlreadyExists
  ) {
    return new BfaError("storage", `Cannot write ${path}: a file is where a folder should be`, {
      cause: error,
    });
  }
  if (
    code === "EROFS" || code === "EACCES" || code === "EPERM" ||
    error instanceof Deno.errors.PermissionDenied
  ) {
    return new BfaError("storage", `Cannot write ${path}: this place is read-only`, {
      cause: error,
    });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new BfaError("storage", `Cannot write ${path}: Deno has no permission to`, {
      cause: error,
    });
  }
  // A disk or a network folder that fails: EIO, ESTALE, EMFILE. What is not there is for its caller to say.
  if (error instanceof Error && typeof code === "string" && /^E(?!NOENT$)[A-Z]+$/.test(code)) {
    const [said = code] = error.message.split(" (os error");
    return new BfaError("storage", `Cannot write ${path}: ${said}`, { cause: error });
  }
  return error;
}
