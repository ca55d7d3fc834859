/**
 * The HTTP service: a request in, a response out. Reads what it was given; opens nothing itself.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Source } from "../lib/core/answers.ts";
import type { Followed } from "../lib/jobs/follow.ts";
import { type VersionSources, versionSources } from "../lib/jobs/version_sources.ts";
import type { ManifestReader } from "../lib/manifest/store.ts";
import type { MirrorReader } from "../lib/mirror/mirror.ts";
import { answerer } from "./answer.ts";
import { problem } from "./problem.ts";
import { otherRoutes } from "./other_routes.ts";
import { routed } from "./routed.ts";

/** What the service is made of. */
export interface ServiceOptions {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
  readonly followed: Followed;
  /** Where other versions come from; `reader` and `mirror`, when left out. */
  readonly versions?: VersionSources;
  /** Answers until a first version is there: the embedded listings. */
  readonly seed: Source;
  /** The channel that `followed` follows; `latest`, when left out. */
  readonly channel?: string;
  readonly now: () => Date;
  /** Told of failures that are not the client's. */
  readonly onProblem: (error: unknown) => void;
  /** Aborts when the server stops: event streams end then. */
  readonly stopping?: AbortSignal;
  readonly heartbeatMs?: number;
}

/** Answers requests. */
export interface Service {
  /** The answer that is in memory, if it is. */
  kept(request: Request): Response | undefined;
  /** Any answer. */
  fetch(request: Request): Response | Promise<Response>;
}

/** Makes the service. */
export function service(options: ServiceOptions): Service {
  const { versions = versionSources(options), channel = "latest" } = options;
  const answers = answerer({ ...options, versions, channel });
  const app = routed({
    answers,
    routes: otherRoutes(options, answers.source),
    onProblem: options.onProblem,
  });
  const kept = (request: Request) => request.method === "GET" ? answers.kept(request) : undefined;
  return {
    kept,
    fetch(request) {
      if (!URL.canParse(request.url)) return problem(NO_HOST); // the Host header is part of it
      return kept(request) ?? app.fetch(request);
    },
  };
}

const NO_HOST = new BfaError("usage", "Cannot read the request: its Host header names no host");
