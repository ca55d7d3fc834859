/** A mirror in memory, and stores of manifests to go with it. @module */

import type { Mirror } from "../../lib/mirror/mirror.ts";

/** A mirror whose files tests may look at and spoil. */
export interface MemoryMirror extends Mirror {
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

/** A mirror in memory. */
export function memoryMirror(name = "memory"): MemoryMirror {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    name,
    files,
    size: (path) => Promise.resolve(files.get(path)?.length),
    open(path, range) {
      const file = files.get(path);
      if (!file) return Promise.resolve(undefined);
      const bytes = range ? file.slice(range.start, range.end + 1) : file;
      return Promise.resolve({ size: file.length, body: new Blob([bytes]).stream() });
    },
    async put(path, body) {
      files.set(path, await new Response(body).bytes());
    },
  };
}
