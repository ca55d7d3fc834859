/**
 * What `open()` is given, checked: what is not understood must not be taken for nothing.
 *
 * @module
 */

import { isTexts, isWait, LONGEST_WAIT_MS, mustBe } from "../core/checked.ts";
import type { OpenOptions } from "./open.ts";

const TEXT: Kind = ["a text", (value) => typeof value === "string"];
const TEXTS: Kind = ["a list of texts", isTexts];
const FUNCTION: Kind = ["a function", (value) => typeof value === "function"];

/** What each option must be, in words and as a check. */
const KINDS: Readonly<Record<keyof OpenOptions, Kind>> = {
  endpoint: TEXT,
  channel: TEXT,
  version: TEXT,
  offline: ["true or false", (value) => typeof value === "boolean"],
  acceptExpired: ["true or false", (value) => typeof value === "boolean"],
  cacheDir: ["a text, or null", (value) => value === null || typeof value === "string"],
  copy: [`"none", or leave it out`, (value) => value === "none"],
  maxAge: ["milliseconds, from 0 on", (value) => typeof value === "number" && value >= 0],
  budget: [`milliseconds, from 0 to ${LONGEST_WAIT_MS}`, isWait],
  trustedKeys: TEXTS,
  downloadHosts: TEXTS,
  registryLogin: FUNCTION,
  fetch: FUNCTION,
  onNotice: FUNCTION,
  onProgress: FUNCTION,
  now: FUNCTION,
};

type Kind = readonly [words: string, isRight: (value: unknown) => boolean];

/**
 * Refuses options that cannot be used.
 *
 * @throws {BfaError} `usage`, with what the option must be.
 */
export function checkOptions(options: OpenOptions): void {
  const isObject = typeof options === "object" && options !== null && !Array.isArray(options);
  mustBe(isObject, "the options", "an object, such as { offline: true }");
  for (const [name, [words, isRight]] of Object.entries(KINDS)) {
    const value = options[name as keyof OpenOptions];
    mustBe(value === undefined || isRight(value), `the option "${name}"`, words);
  }
}
