/**
 * Turns: work that takes much of the process, a few at a time, and not all of them one client's.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { Shares } from "../lib/core/shares.ts";

/** How many turns there are. */
export interface TurnLimits {
  /** What cannot be done when there is none: "compare versions". */
  readonly action: string;
  /** How many may work at once; of these, half may be one client's. */
  readonly atOnce: number;
  /** How many may wait for that. */
  readonly waiting: number;
  /** How many of all these may be one client's. */
  readonly ofClient: number;
}

/** Who wants a turn. */
export interface TurnAsked {
  /** Tells clients apart, where they are known. */
  readonly client?: string | undefined;
  /** Aborts when nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Gives turns, in the order they were asked for. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #asked: Shares;
  readonly #working: Shares;
  readonly #waiting = new Set<{ client: string | undefined; give: (done: () => void) => void }>();
  #atWork = 0;

  /** Nobody has a turn yet. */
  constructor(limits: TurnLimits) {
    this.#limits = limits;
    this.#asked = new Shares(limits.ofClient);
    this.#working = new Shares(Math.ceil(limits.atOnce / 2));
  }

  /** How many work or wait, and how many can. */
  get use(): { used: number; max: number } {
    const { atOnce, waiting } = this.#limits;
    return { used: this.#atWork + this.#waiting.size, max: atOnce + waiting };
  }

  /**
   * Does work when its turn has come.
   *
   * @throws {BfaError} `busy` when too many wait, `too_many` when too many are this client's.
   */
  async run<T>(asked: TurnAsked, work: () => Promise<T>): Promise<T> {
    asked.signal?.throwIfAborted();
    const giveBack = this.#asked.take(asked.client);
    if (!giveBack) throw this.#refusal("too_many", `${this.#asked.most} of yours are under way`);
    try {
      const done = this.#take(asked.client) ?? await this.#wait(asked);
      try {
        return await work();
      } finally {
        done();
      }
    } finally {
      giveBack();
    }
  }

  /** A turn at once, if there is one; returns how to end it. */
  #take(client: string | undefined): (() => void) | undefined {
    if (this.#atWork >= this.#limits.atOnce) return undefined;
    const giveBack = this.#working.take(client);
    if (!giveBack) return undefined;
    this.#atWork++;
    return () => {
      this.#atWork--;
      giveBack();
      this.#giveOn();
    };
  }

  async #wait({ client, signal }: TurnAsked): Promise<() => void> {
    if (this.#waiting.size >= this.#limits.waiting) {
      throw this.#refusal("busy", "too many wait for it already");
    }
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const waiter = { client, give: resolve };
    const leave = () => {
      this.#waiting.delete(waiter); // or its turn would come, and be nobody's
      reject(signal!.reason);
    };
    this.#waiting.add(waiter);
    signal?.addEventListener("abort", leave);
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  /** Gives what is free to those who wait; a client that works as much as it may is passed over. */
  #giveOn(): void {
    for (const waiter of this.#waiting) {
      const done = this.#take(waiter.client);
      if (!done) continue;
      this.#waiting.delete(waiter);
      waiter.give(done);
    }
  }

  #refusal(code: "busy" | "too_many", why: string): BfaError {
    return new BfaError(code, `Cannot ${this.#limits.action} now: ${why}`);
  }
}
