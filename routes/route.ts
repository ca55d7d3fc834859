/**
 * A route that is not a question: what it declares, and how it answers.
 *
 * @module
 */

import type { Parameters } from "./parameters.ts";

/** What such a route declares. */
export interface RouteFacts {
  /** Path, with `{name}` for its parts. */
  readonly path: string;
  readonly summary: string;
  /** The parts of its path and its query. */
  readonly takes: Parameters;
  /** Media type of its 200. */
  readonly mediaType: string;
}

/** A route, ready to answer. */
export interface Route extends RouteFacts {
  handle(request: Request, given: Record<string, string>): Response | Promise<Response>;
}
