/**
 * A mirror in a folder.
 *
 * @module
 */

import { join } from "@std/path";
import { writeAtomically } from "../files/atomic_file.ts";
import { BfaError } from "../core/errors.ts";
import type { ByteRange, Mirror, MirrorFile } from "./mirror.ts";

/** A mirror in a folder, which is made when something is first put there. */
export function directoryMirror(root: string): Mirror {
  const fileOf = (path: string) => {
    const safe = path.split("/").every((part) => /^[\w][\w.-]*$/.test(part));
    if (!safe) throw new BfaError("usage", `Cannot use the path ${JSON.stringify(path)}`);
    return join(root, path);
  };

  return {
    name: root,

    async size(path: string): Promise<number | undefined> {
      return await orMissing(async () => {
        const info = await Deno.stat(fileOf(path));
        return info.isFile ? info.size : undefined;
      });
    },

    async open(path: string, range?: ByteRange): Promise<MirrorFile | undefined> {
      return await orMissing(async () => {
        const file = await Deno.open(fileOf(path));
        try {
          const { size, isFile } = await file.stat();
          if (!isFile) throw new Deno.errors.NotFound();
          if (!range) return { size, body: file.readable };
          await file.seek(range.start, Deno.SeekMode.Start);
          return { size, body: file.readable.pipeThrough(firstBytes(range.end - range.start + 1)) };
        } catch (error) {
          file.close();
          throw error;
        }
      });
    },

    async put(path: string, body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
      await writeAtomically(fileOf(path), body);
    },
  };
}

/** Passes the first `count` bytes on and then ends the stream. */
function firstBytes(
  count: number,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let left = count;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk.length <= left ? chunk : chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
      if (left === 0) controller.terminate();
    },
  });
}

async function orMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}
