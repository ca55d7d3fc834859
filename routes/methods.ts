/**
 * The methods of a path that are not its own: the preflight of browsers, and the refusal of all others.
 *
 * @module
 */

import type { Hono } from "hono";
import { BfaError } from "../lib/core/errors.ts";
import { CORS, SECURITY } from "./headers.ts";
import { problem } from "./problem.ts";

/** What a path takes. */
export interface Methods {
  /** As in `Allow`. */
  readonly allow: string;
  /** Request headers that a page of another origin may send. */
  readonly headers: string;
  /** What a refused client is told to use. */
  readonly use: string;
}

/** Answers OPTIONS, and every method that no handler before has taken. */
export function otherMethods(app: Hono, path: string, { allow, headers, use }: Methods): void {
  const preflight = {
    ...CORS,
    ...SECURITY,
    allow,
    "access-control-allow-methods": allow,
    "access-control-allow-headers": headers,
    "access-control-max-age": "86400",
  };
  app.options(path, () => new Response(null, { status: 204, headers: preflight }));
  app.all(path, () => {
    const error = new BfaError("usage", `Cannot use this method here: use ${use}`);
    return problem(error, { status: 405, headers: { allow } });
  });
}
