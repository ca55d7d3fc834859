/**
 * The values of a statement's parameters: an array for `?`, an object for `$name`.
 *
 * @module
 */

import type { DuckDBPreparedStatement } from "@duckdb/node-api";
import { BfaError } from "../core/errors.ts";
import type { SqlParams, SqlValue } from "../core/sql_params.ts";

/** Gives a prepared statement its values. */
export function bindParams(prepared: DuckDBPreparedStatement, params: SqlParams | undefined): void {
  const names = Array.from(
    { length: prepared.parameterCount },
    (_, i) => prepared.parameterName(i + 1),
  );
  const given = params === undefined
    ? {}
    : Array.isArray(params)
    ? Object.fromEntries(params.map((value, i) => [String(i + 1), value]))
    : params as Readonly<Record<string, SqlValue>>;
  const missing = names.find((name) => !Object.hasOwn(given, name));
  if (missing !== undefined) {
    throw bad(`there is no value for the parameter ${JSON.stringify(missing)}`);
  }
  const extra = Object.keys(given).find((name) => !names.includes(name));
  if (extra !== undefined) {
    throw bad(`it has no parameter ${JSON.stringify(extra.slice(0, 60))}`);
  }
  names.forEach((name, i) => {
    const value = given[name]!;
    if (!isValue(value)) {
      throw bad(
        `the parameter ${JSON.stringify(name)} must be a text, a number, a boolean or null`,
      );
    }
    bind(prepared, i + 1, value);
  });
}

/** Programs without types pass what they like, such as a `Date`. */
function isValue(value: unknown): value is SqlValue {
  return value === null || ["string", "number", "bigint", "boolean"].includes(typeof value);
}

function bind(prepared: DuckDBPreparedStatement, index: number, value: SqlValue): void {
  if (value === null) prepared.bindNull(index);
  else if (typeof value === "boolean") prepared.bindBoolean(index, value);
  else if (typeof value === "string") prepared.bindVarchar(index, value);
  else if (typeof value === "bigint") prepared.bindBigInt(index, value);
  else if (Number.isSafeInteger(value)) prepared.bindBigInt(index, BigInt(value));
  else prepared.bindDouble(index, value);
}

function bad(why: string): BfaError {
  return new BfaError("sql_rejected", `Cannot run this SQL: ${why}`);
}
