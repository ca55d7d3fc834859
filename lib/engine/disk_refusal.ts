/**
 * What DuckDB and SQLite say when the disk refuses, as a failure of ours. They hand down no code of the system, only
 * its words.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";

const FULL =
  /No space left on device|not enough space on the disk|Disk quota exceeded|disk is full/i;

const READ_ONLY = /Read-only file system|readonly database|unable to open database file/i;

/** May be about a file that is only read: the message names it. */
const DENIED = /"([^"]+)".*Permission denied/i;

/** The `storage` failure that an error is, or `undefined` when it is another; `path` is what was to be written. */
export function diskRefusal(error: unknown, path: string): BfaError | undefined {
  const said = error instanceof Error && !(error instanceof BfaError) ? error.message : "";
  const message = FULL.test(said)
    ? `Cannot write ${path}: the disk is full`
    : READ_ONLY.test(said)
    ? `Cannot write ${path}: this place is read-only`
    : DENIED.test(said)
    ? `Cannot open ${DENIED.exec(said)![1]}: permission denied`
    : undefined;
  return message === undefined ? undefined : new BfaError("storage", message, { cause: error });
}
