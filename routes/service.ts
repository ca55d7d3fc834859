/**
 * The HTTP service: a request in, a response out. Reads what it was given; opens nothing itself.
 *
 * @module
 */

import { Hono } from "hono";
import { getPath } from "hono/utils/url";
import type { Source } from "../lib/core/answers.ts";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import type { Followed } from "../lib/jobs/follow.ts";
import { type VersionSources, versionSources } from "../lib/jobs/version_sources.ts";
import type { ManifestReader } from "../lib/manifest/store.ts";
import type { MirrorReader } from "../lib/mirror/mirror.ts";
import { answerer } from "./answer.ts";
import { CORS } from "./headers.ts";
import { splitSuffix } from "./negotiation.ts";
import { otherRoutes } from "./other_routes.ts";
import { readParameters } from "./parameters.ts";
import { problem } from "./problem.ts";
import { QUESTIONS } from "./questions.ts";
import { pathParts, routerPath } from "./routing.ts";

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

/** The short forms that stand for the newest version's answers. */
const SHORT_FORMS = ["/snapshot/{day}", "/timeline/{symbol}"];

/** Paths of questions: only there is a suffix a format. */
const QUESTION_PATH = new RegExp(
  `^(/v1|/v/[^/]+)?/(${QUESTIONS.map(({ path }) => path.split("/")[1]).join("|")})(/[^/]*)?$`,
);

/** Makes the service. */
export function service(options: ServiceOptions): Service {
  const { versions = versionSources(options), channel = "latest" } = options;
  const answers = answerer({ ...options, versions, channel });
  const app = new Hono({
    getPath(request) {
      const path = getPath(request);
      const { path: plain, format } = splitSuffix(path);
      return format && QUESTION_PATH.test(plain) ? plain : path;
    },
  });
  const paths = new Set<string>();

  for (const question of QUESTIONS) {
    const { path } = question;
    for (const full of [`/v1${path}`, ...SHORT_FORMS.includes(path) ? [path] : []]) {
      paths.add(routerPath(full));
      app.get(
        routerPath(full),
        (c) => answers.answer(c.req.raw, question, pathParts(path, c.req.param())),
      );
    }
    const versioned = routerPath(`/v/{version}${path}`);
    paths.add(versioned);
    app.get(versioned, (c) => {
      const parts = c.req.param() as Record<string, string>;
      return answers.answer(c.req.raw, question, pathParts(path, parts), parts["version"]);
    });
  }
  for (const route of otherRoutes(options, answers.source)) {
    // A file's name may contain slashes.
    const path = routerPath(route.path).replace(":name", ":name{.+}");
    paths.add(path);
    app.get(path, (c) => {
      const request = c.req.raw;
      const given = { path: c.req.param(), query: new URL(request.url).searchParams };
      return route.handle(request, readParameters(route.takes, given) as Record<string, string>);
    });
  }
  for (const path of paths) {
    app.options(path, () => new Response(null, { status: 204, headers: preflight() }));
    app.all(path, () => {
      const error = new BfaError("usage", "Cannot use this method here: use GET or HEAD");
      return problem(error, { status: 405, headers: { allow: ALLOW } });
    });
  }
  app.notFound(() => problem(new NotFoundError("no such path; `/` lists them")));
  app.onError((error) => {
    if (!(error instanceof BfaError) || !CLIENTS_FAULT.includes(error.code)) {
      options.onProblem(error);
    }
    return problem(error);
  });

  const kept = (request: Request) => request.method === "GET" ? answers.kept(request) : undefined;
  return { kept, fetch: (request) => kept(request) ?? app.fetch(request) };
}

/** Failures that are told to the client, and to nobody else. */
const CLIENTS_FAULT: readonly string[] = ["usage", "not_found", "not_acceptable", "too_many"];

const ALLOW = "GET, HEAD, OPTIONS";

function preflight(): Record<string, string> {
  return {
    ...CORS,
    allow: ALLOW,
    "access-control-allow-methods": ALLOW,
    "access-control-allow-headers": "If-None-Match, If-Range, Range, Last-Event-ID",
    "access-control-max-age": "86400",
  };
}
