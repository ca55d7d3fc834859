/**
 * How near the limits of a service are.
 *
 * @module
 */

/** How much of a limit is taken now. */
export interface LimitUse {
  /** Its name, as the metrics have it. */
  readonly limit: string;
  readonly used: number;
  readonly max: number;
}

/** Collects what each part of a service tells of its limits. */
export class Limits {
  readonly #parts: (() => readonly LimitUse[])[] = [];

  /** Adds a part. */
  add(part: () => readonly LimitUse[]): void {
    this.#parts.push(part);
  }

  /** Asks all parts. */
  now(): LimitUse[] {
    return this.#parts.flatMap((part) => part());
  }
}
