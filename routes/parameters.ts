/**
 * The parameters of requests: what each may hold, and reading them by their declaration.
 *
 * @module
 */

import { z } from "zod";
import { BfaError } from "../lib/core/errors.ts";

/** The longest value that is read, in characters. */
const MAX_LENGTH = 200;

/** What a route takes: an object of parameters; others are refused. */
export type Parameters = z.ZodObject<z.ZodRawShape, z.core.$strict>;

/** A text of a form that the answer checks; `pattern` tells readers of the description. */
function text(description: string, pattern: string, example: string) {
  return z.string().meta({ description, pattern, example });
}

/** Pieces that routes declare their parameters with. */
export const day = (description = "UTC day, or `latest`") =>
  text(description, "^(latest|\\d{4}-\\d{2}-\\d{2})$", "2024-01-15");

/** A symbol. */
export const symbol = text("A symbol, in any case", "^[^/]{1,200}$", "BTCUSDT");

/** A version's name. */
export const version = text(
  "A version, as `/v1/versions` lists them",
  "^\\d{4}-\\d{2}-\\d{2}\\.\\d{1,6}$",
  "2026-08-08.1",
);

/** A yes or no. */
export const flag = (description: string) =>
  z.enum(["1", "true", "0", "false"]).transform((value) => value === "1" || value === "true")
    .optional().meta({ description });

/** States, repeatable. */
export const states = z.array(z.enum(["traded", "archived", "missing"]))
  .transform((given) => [...new Set(given)].sort()).optional()
  .meta({ description: "States to include; `traded` when left out" });

/** Both ends of a range, inclusive. */
export const range = {
  from: day("First UTC day, or `latest`; alone, it is the only one").optional(),
  to: day("Last UTC day, or `latest`; alone, it is the only one").optional(),
};

/** A range that is open at the end that is left out. */
export const openRange = {
  from: day("First UTC day, or `latest`; the first of all when left out").optional(),
  to: day("Last UTC day, or `latest`; the last of all when left out").optional(),
};

/** How many, as digits. */
export const count = (most: number, description: string) =>
  z.string().regex(/^[1-9]\d{0,6}$/, { error: `write a number from 1 to ${most}` })
    .transform(Number)
    .refine((number) => number <= most, { error: `write a number from 1 to ${most}` })
    .optional()
    .meta({ description, type: "integer", minimum: 1, maximum: most });

/** What every question takes besides its own parameters. */
export const PAGING = {
  asof: text(
    "Answer from the version that was current at the end of this UTC day",
    "^\\d{4}-\\d{2}-\\d{2}$",
    "2026-08-09",
  ).optional(),
  where: z.array(z.string().meta({ pattern: "^[a-z0-9_]+(!=|<=|>=|=|<|>)" })).optional().meta({
    description:
      "A condition on a column, by its name in CSV, with =, !=, <, <=, > or >=: `quote_asset=USDT`. Values with commas between: one must fit; no value: cells without one. All conditions must hold",
  }),
  sort: z.array(z.string().meta({ pattern: "^-?[a-z0-9_]+$" })).optional().meta({
    description: "A column to sort by; with `-` before it, the largest first",
  }),
  limit: count(100_000, "At most so many rows; `next` and `Link` lead to the rest"),
  next: text(
    "Where the page before left off, as its `next` says",
    "^[A-Za-z0-9_-]+$",
    "WyIyMDI2LTA4LTA4LjEiLDEwMF0",
  )
    .optional(),
};

/**
 * Reads the parameters of a request.
 *
 * @throws {BfaError} `usage` for an unknown, repeated, empty, over-long or unreadable parameter.
 */
export function readParameters<Shape extends Parameters>(
  declared: Shape,
  given: { path?: Readonly<Record<string, string>>; query: URLSearchParams },
): z.output<Shape> {
  const values: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of Object.entries(given.path ?? {})) values[name] = checked(name, value);
  const queryNames = Object.keys(declared.shape).filter((name) => !given.path?.[name]);
  for (const [name, value] of given.query) {
    if (!queryNames.includes(name)) throw unknownParameter(name, queryNames);
    if (value === "") throw bad(name, "it is empty");
    checked(name, value);
    const before = values[name];
    if (Array.isArray(before)) before.push(value);
    else if (isRepeatable(declared.shape[name]!)) values[name] = [value];
    else if (before === undefined) values[name] = value;
    else throw bad(name, "it is given more than once");
  }
  const read = declared.safeParse({ ...values });
  if (read.success) return read.data;
  const issue = read.error.issues[0]!;
  throw bad(String(issue.path[0]), whatIsWrong(issue));
}

const repeatable = new WeakMap<z.core.$ZodType, boolean>();

/** Whether a parameter may be given several times. */
export function isRepeatable(schema: z.core.$ZodType): boolean {
  let known = repeatable.get(schema);
  if (known === undefined) {
    known = (z.toJSONSchema(schema, { io: "input" }) as { type?: string }).type === "array";
    repeatable.set(schema, known);
  }
  return known;
}

function checked(name: string, value: string): string {
  if (value.length <= MAX_LENGTH) return value;
  throw bad(name, `it is longer than ${MAX_LENGTH} characters`);
}

function whatIsWrong(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_value") return issue.message;
  const values = issue.values.map(String);
  return values.includes("true") ? "write 1 or 0" : `choose among ${values.join(", ")}`;
}

function unknownParameter(name: string, names: readonly string[]): BfaError {
  const known = names.length ? `it takes ${names.join(", ")}` : "it takes none";
  const shown = JSON.stringify(name.slice(0, 40));
  return new BfaError("usage", `Cannot use the parameter ${shown} here: ${known}`);
}

function bad(name: string, why: string): BfaError {
  return new BfaError("usage", `Cannot read the parameter ${JSON.stringify(name)}: ${why}`);
}
