/**
 * Parameters of SQL: what may stand for `?` and `$name`.
 *
 * @module
 */

import { BfaError } from "./errors.ts";

/** One value: whole numbers are `BIGINT`, others `DOUBLE`; days and instants are texts. */
export type SqlValue = string | number | bigint | boolean | null;

/** An array for `?`, an object for `$name`. */
export type SqlParams = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/** More parameters than a statement of 16 KiB sensibly has. */
const MAX_PARAMS = 500;

/**
 * Checks what came as parameters.
 *
 * @throws {BfaError} `usage` for anything but texts, numbers, booleans and nulls.
 */
export function readSqlParams(value: unknown): SqlParams {
  if (typeof value !== "object" || value === null) {
    throw bad("give an array for `?`, or an object for `$name`");
  }
  const values = Object.values(value);
  if (values.length > MAX_PARAMS) throw bad(`there are more than ${MAX_PARAMS}`);
  for (const item of values) {
    const plain = item === null || ["string", "boolean", "bigint"].includes(typeof item) ||
      Number.isFinite(item);
    if (!plain) throw bad("a value must be a text, a number, a boolean or null");
    if (typeof item === "string" && (item.includes("\0") || !item.isWellFormed())) {
      throw bad("a text holds a NUL, or is not well-formed Unicode");
    }
  }
  return value as SqlParams;
}

function bad(why: string): BfaError {
  return new BfaError("usage", `Cannot read the parameters of the SQL: ${why}`);
}
