/**
 * Letting others have their turn in the middle of long work.
 *
 * @module
 */

/** Work goes on for so long before others are let in, ms. */
const SLICE_MS = 4;

/** A request that comes meanwhile is read in one turn, answered in the next, and sent in one more. */
const TURNS = 3;

/** The real one: a breath that waits for a program's own clock, in its tests, would hold up all that come later. */
const { setTimeout } = globalThis;

let last = Promise.resolve();
let resting = 0;

/** Resolves after whatever waits already. Of several that take a breath, one goes on at a time. */
export async function breath(): Promise<void> {
  resting++;
  await (last = last.then(async () => {
    for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setTimeout(resolve));
  }));
  resting--;
}

/**
 * Long work in pieces: after some milliseconds of it others have their turn.
 *
 * @example
 * ```ts
 * import { Slices } from "./breath.ts";
 * const slices = new Slices();
 * for (const text of ["[1]", "[2]"]) await slices.do(() => JSON.parse(text));
 * ```
 */
export class Slices {
  #spentMs = 0;

  /** Waits for a turn if others are at long work, too: before work whose first piece is long already. */
  async begin(): Promise<void> {
    if (resting > 0) await breath();
  }

  /** Does a piece. What it waits for counts as work. */
  async do<T>(piece: () => T | Promise<T>): Promise<T> {
    const began = performance.now();
    const made = await piece();
    this.#spentMs += performance.now() - began;
    if (this.#spentMs >= SLICE_MS) {
      this.#spentMs = 0;
      await breath();
    }
    return made;
  }
}
