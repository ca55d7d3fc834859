/**
 * What a mirror's files are, and how long caches may keep them.
 *
 * @module
 */

import { LATEST_PATH, VERSIONS_PATH } from "./mirror.ts";

/** For what never changes. */
export const IMMUTABLE = "public, max-age=31536000, immutable";

/** For what changes with every publish: a rollback must reach everybody soon. */
export const MOVING = "public, max-age=60";

const BY_SUFFIX: Readonly<Record<string, string>> = {
  parquet: "application/vnd.apache.parquet",
  json: "application/json",
  gz: "application/gzip",
};

/** The media types that files may have, besides `application/octet-stream`. */
export const MEDIA_TYPES: readonly string[] = Object.values(BY_SUFFIX);

/** The media type of a file, by its name. */
export function mediaTypeOf(name: string): string {
  return BY_SUFFIX[name.split(".").at(-1)!] ?? "application/octet-stream";
}

/** Whether a file changes with every publish. */
export function isMoving(path: string): boolean {
  return path === LATEST_PATH || path === VERSIONS_PATH;
}

/** The headers that a file is to be served with. */
export function fileHeaders(path: string): { "content-type": string; "cache-control": string } {
  return {
    "content-type": mediaTypeOf(path),
    "cache-control": isMoving(path) ? MOVING : IMMUTABLE,
  };
}

/** The digest that a path names: of `<sha256>/<name>`. */
export function digestInPath(path: string): string | undefined {
  return /^([0-9a-f]{64})\/./.exec(path)?.[1];
}
