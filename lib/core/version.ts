/**
 * Versions: `2026-11-20.1` is the data through that day, build 1.
 *
 * @module
 */

import { type Day, isDay } from "./day.ts";
import { BfaError } from "./errors.ts";

/** Build 0 is the embedded listings'; publishers count from 1. */
const SHAPE = /^(\d{4}-\d{2}-\d{2})\.(0|[1-9]\d{0,5})$/;

/** The parts of a version's name. */
export interface VersionParts {
  readonly dataThrough: Day;
  readonly build: number;
}

/** The parts of a version's name, or `undefined` when it is not one. */
export function versionParts(text: string): VersionParts | undefined {
  const match = typeof text === "string" ? SHAPE.exec(text) : null;
  if (!match || !isDay(match[1]!)) return undefined;
  return { dataThrough: match[1] as Day, build: Number(match[2]) };
}

/**
 * Reads the name of a version.
 *
 * @throws {BfaError} `usage` when the text is not one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseVersion } from "./version.ts";
 * assertEquals(parseVersion("2026-11-20.1").build, 1);
 * ```
 */
export function parseVersion(text: string): VersionParts {
  const parts = versionParts(text);
  if (parts) return parts;
  throw new BfaError(
    "usage",
    `Cannot read the version ${
      JSON.stringify(String(text).slice(0, 40))
    }: write it like 2026-11-20.1`,
  );
}

/** Whether a version is of an earlier day than another, or of an earlier build of the same day. */
export function isOlder(version: string, other: string): boolean {
  const [a, b] = [parseVersion(version), parseVersion(other)];
  return a.dataThrough === b.dataThrough ? a.build < b.build : a.dataThrough < b.dataThrough;
}

/** The name of the next build of a day's data, given the versions that exist. */
export function nextVersion(dataThrough: Day, existing: Iterable<string>): string {
  let build = 0;
  for (const version of existing) {
    const parts = versionParts(version);
    if (parts?.dataThrough === dataThrough) build = Math.max(build, parts.build);
  }
  return `${dataThrough}.${build + 1}`;
}
