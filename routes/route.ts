/**
 * A route that is not a question: what it declares, and how it answers.
 *
 * @module
 */

import type { z } from "zod";
import type { Parameters } from "./parameters.ts";

/** Who asks. */
export interface Client {
  /** Tells clients apart, where they are known. */
  readonly client?: string | undefined;
}

/** What such a route declares. */
export interface RouteFacts {
  /** Path, with `{name}` for its parts. */
  readonly path: string;
  readonly summary: string;
  /** The parts of its path and its query. */
  readonly takes: Parameters;
  /** Media type of its 200. */
  readonly mediaType: string;
  /** Others that it may have: what browsers get instead, what another file is, what `Accept` asks for. */
  readonly alsoSends?: readonly string[];
  /** The JSON body of its 200, when it has one. */
  readonly body?: z.ZodType;
  /** What else it may answer, besides what every route may. */
  readonly statuses?: readonly OtherStatus[];
}

/** Statuses that only some routes have. */
export type OtherStatus = 206 | 304 | 406 | 408 | 412 | 413 | 415 | 416 | 422 | 501 | 504;

/** A route, ready to answer. */
export interface Route extends RouteFacts {
  handle(
    request: Request,
    given: Record<string, string>,
    from?: Client,
  ): Response | Promise<Response>;
}
