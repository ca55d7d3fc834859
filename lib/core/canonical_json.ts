/**
 * The canonical form of JSON (RFC 8785): the bytes that are signed.
 *
 * ECMAScript's `JSON.stringify` already writes strings and numbers as RFC 8785 §3.2.2 wants them;
 * what is left is the order of members: by UTF-16 code units, which is how `sort()` compares.
 *
 * @module
 */

/** A value that JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/**
 * Writes a value in its canonical form.
 *
 * @throws {TypeError} for a number that JSON cannot hold, or a string with a lone surrogate.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { canonicalJson } from "./canonical_json.ts";
 * assertEquals(canonicalJson({ b: [1e21, "é"], a: null }), '{"a":null,"b":[1e+21,"é"]}');
 * ```
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`Cannot write ${value} as JSON`);
  }
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value).sort()
    .map((name) => `${quote(name)}:${canonicalJson(value[name]!)}`);
  return `{${members.join(",")}}`;
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("Cannot write a lone surrogate as JSON");
  return JSON.stringify(text);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
