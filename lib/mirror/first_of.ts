/**
 * Several mirrors as one.
 *
 * @module
 */

import type { MirrorReader } from "./mirror.ts";

/** Reads each file from the first mirror that has it; one that fails is passed over. */
export function firstOf(mirrors: readonly MirrorReader[]): MirrorReader {
  async function first<T>(ask: (mirror: MirrorReader) => Promise<T | undefined>) {
    const failures: unknown[] = [];
    for (const mirror of mirrors) {
      try {
        const found = await ask(mirror);
        if (found !== undefined) return found;
      } catch (error) {
        failures.push(error);
      }
    }
    // Nobody can say that it is missing while somebody did not answer.
    if (failures.length > 0) throw failures[0];
    return undefined;
  }

  return {
    name: mirrors.map(({ name }) => name).join(" or "),
    size: (path) => first((mirror) => mirror.size(path)),
    open: (path, range) => first((mirror) => mirror.open(path, range)),
  };
}
