/**
 * Shares: how much of something each client may have under way at once.
 *
 * @module
 */

/**
 * Counts what each client has under way.
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { Shares } from "./shares.ts";
 * const streams = new Shares(1);
 * const giveBack = streams.take("203.0.113.5");
 * assert(giveBack);
 * assertEquals(streams.take("203.0.113.5"), undefined);
 * giveBack();
 * assert(streams.take("203.0.113.5"));
 * ```
 */
export class Shares {
  /** How many each client has; those who have none are not in it. */
  readonly #held = new Map<string, number>();

  /** At most so many for one client. */
  constructor(readonly most: number) {}

  /**
   * Takes one more for a client. Who is not told apart from others has no share, and no limit.
   *
   * @returns How to give it back, which counts once; `undefined` when the client has its share already.
   */
  take(client: string | undefined): (() => void) | undefined {
    if (client === undefined) return () => {};
    const held = this.held(client);
    if (held >= this.most) return undefined;
    this.#held.set(client, held + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const left = this.held(client) - 1;
      if (left > 0) this.#held.set(client, left);
      else this.#held.delete(client);
    };
  }

  /** How many a client has. */
  held(client: string): number {
    return this.#held.get(client) ?? 0;
  }

  /** How many clients have any. */
  get clients(): number {
    return this.#held.size;
  }
}
