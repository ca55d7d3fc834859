/**
 * The pieces that the check of a syntax tree is made of.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";

/** How deep a tree may be: DuckDB itself stops at 1,000 expressions. */
const MAX_DEPTH = 2_500;

/** What is visible where a node stands. */
export interface Place {
  /** Common table expressions, in lower case. */
  readonly ctes: ReadonlySet<string>;
  /** How many objects it stands in. */
  readonly depth: number;
}

/** An object of the tree. */
export type Node = Readonly<Record<string, unknown>>;
/** Throws for what it does not take. */
export type Check = (value: unknown, place: Place) => void;
/** What an object may hold. */
export type Members = Readonly<Record<string, Check>>;

/** Anything. */
export const any: Check = () => {};
/** Nothing: null, an empty text or an empty list. */
export const nothing: Check = (value) => {
  if (Array.isArray(value) ? value.length : value !== null && value !== "") throw unknown(value);
};
/** A boolean. */
export const flag: Check = (value) => {
  if (typeof value !== "boolean") throw unknown(value);
};
/** `false`. */
export const off: Check = (value) => {
  if (value !== false) throw unknown(value);
};
/** A number. */
export const number: Check = (value) => {
  if (typeof value !== "number") throw unknown(value);
};
/** A text. */
export const text: Check = (value) => {
  if (typeof value !== "string") throw unknown(value);
};
/** One of some texts. */
export const one = (...names: string[]): Check => (value) => {
  if (!names.includes(value as string)) throw unknown(value);
};
/** `null`, or what a check takes. */
export const some = (check: Check): Check => (value, place) => {
  if (value !== null) check(value, place);
};
/** A list of what a check takes. */
export const each = (check: Check): Check => (value, place) => {
  for (const item of array(value)) check(item, place);
};
/** An object with these members and no others; each may be missing. */
export const object = (members: Members): Check => (value, place) => {
  const node = record(value);
  const inner = { ...place, depth: place.depth + 1 };
  if (inner.depth > MAX_DEPTH) {
    throw new BfaError("limit", "Cannot run this SQL: it is nested too deeply");
  }
  for (const name in node) {
    const check = Object.hasOwn(members, name) ? members[name] : undefined;
    if (!check) throw rejected(`it uses ${shown(name)}, which is not allowed here`);
    check(node[name], inner);
  }
};

/** A node whose kind is named by one of its members. */
export const kinds =
  (what: string, by: string, table: () => Readonly<Record<string, Check>>): Check =>
  (value, place) => {
    const kind = record(value)[by];
    const check = typeof kind === "string" && Object.hasOwn(table(), kind) && table()[kind];
    if (!check) throw rejected(`${what} ${shown(String(kind))} is not allowed here`);
    check(value, place);
  };

/** A value as an object. */
export function record(value: unknown): Node {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unknown(value);
  return value as Node;
}

/** A value as a list. */
export function array(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unknown(value);
  return value;
}

/** The refusal of something that was never looked at. */
export function unknown(value: unknown): BfaError {
  const text = typeof value === "string" ? value : String(JSON.stringify(value) ?? value);
  return rejected(`it uses ${shown(text)}, which is not known here`);
}

/** The refusal of a statement. */
export function rejected(why: string): BfaError {
  return new BfaError("sql_rejected", `Cannot run this SQL: ${why}`);
}

/** A piece of the client's text, short enough for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
