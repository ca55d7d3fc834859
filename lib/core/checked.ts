/**
 * Checks of what programs pass: without types they pass what they like, and a number may be none.
 *
 * @module
 */

import { BfaError } from "./errors.ts";

/** The longest that a timer waits, ms: one that is told more fires at once. */
export const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Whether a timer can wait so long, ms. */
export function isWait(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= LONGEST_WAIT_MS;
}

/** Whether a value is a list of texts. */
export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/**
 * Refuses a value that is not what it must be.
 *
 * @throws {BfaError} `usage`, with what it must be.
 */
export function mustBe(isRight: boolean, name: string, kind: string): void {
  if (!isRight) throw new BfaError("usage", `Cannot use ${name}: give ${kind}`);
}
