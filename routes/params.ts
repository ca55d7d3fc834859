/**
 * Reading the parameters of a request: declared names only, each of its declared kind.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";

/** How often a query parameter may appear, and what it holds. */
export type ParamKind =
  /** At most once, a text. */
  | "text"
  /** Any number of times. */
  | "texts"
  /** At most once: `1`, `true`, `0` or `false`. */
  | "flag";

/** The query parameters that a route knows. */
export type ParamSpec = Readonly<Record<string, ParamKind>>;

/** The longest value that is read, in characters. */
const MAX_LENGTH = 200;

/** The parameters of one request, checked against a declaration. */
export class Params {
  readonly #path: Readonly<Record<string, string>>;
  readonly #query: ReadonlyMap<string, string[]>;

  /**
   * Reads and checks all parameters.
   *
   * @throws {BfaError} `usage` for an unknown, repeated, empty or over-long parameter.
   */
  constructor(path: Readonly<Record<string, string>>, search: URLSearchParams, spec: ParamSpec) {
    const query = new Map<string, string[]>();
    for (const [name, value] of search) {
      if (!Object.hasOwn(spec, name)) throw unknownParameter(name, spec);
      if (value === "") throw bad(name, "it is empty");
      if (value.length > MAX_LENGTH) throw bad(name, `it is longer than ${MAX_LENGTH} characters`);
      const values = query.get(name);
      if (!values) query.set(name, [value]);
      else if (spec[name] === "texts") values.push(value);
      else throw bad(name, "it is given more than once");
    }
    for (const [name, kind] of Object.entries(spec)) {
      const value = query.get(name)?.[0];
      if (kind === "flag" && value !== undefined && !/^(0|1|true|false)$/.test(value)) {
        throw bad(name, "write 1 or 0");
      }
    }
    for (const [name, value] of Object.entries(path)) {
      if (value.length > MAX_LENGTH) throw bad(name, `it is longer than ${MAX_LENGTH} characters`);
    }
    this.#path = path;
    this.#query = query;
  }

  /** A part of the path. */
  path(name: string): string {
    return this.#path[name] ?? "";
  }

  /** A text parameter. */
  text(name: string): string | undefined {
    return this.#query.get(name)?.[0];
  }

  /** All values of a repeatable parameter; `undefined` when there is none. */
  texts(name: string): string[] | undefined {
    return this.#query.get(name);
  }

  /** Whether a flag is set. */
  flag(name: string): boolean {
    return /^(1|true)$/.test(this.text(name) ?? "0");
  }

  /** The same text for the same question, whatever the order it was asked in. */
  canonical(): string {
    const query = [...this.#query].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, values]) => [name, ...new Set(values.map(plain).toSorted())]);
    return JSON.stringify([this.#path, query]);
  }
}

/** `true` and `1` ask the same. */
function plain(value: string): string {
  return value === "true" ? "1" : value === "false" ? "0" : value;
}

function unknownParameter(name: string, spec: ParamSpec): BfaError {
  const names = Object.keys(spec);
  const known = names.length ? `it takes ${names.join(", ")}` : "it takes none";
  const shown = JSON.stringify(name.slice(0, 40));
  return new BfaError("usage", `Cannot use the parameter ${shown} here: ${known}`);
}

function bad(name: string, why: string): BfaError {
  return new BfaError("usage", `Cannot read the parameter ${JSON.stringify(name)}: ${why}`);
}
