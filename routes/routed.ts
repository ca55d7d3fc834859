/**
 * Brings requests to questions and routes, and failures to clients.
 *
 * @module
 */

import { type Context as HonoContext, Hono } from "hono";
import { getPath } from "hono/utils/url";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import type { Answerer } from "./answer.ts";
import { type Methods, otherMethods } from "./methods.ts";
import { splitSuffix } from "./negotiation.ts";
import { readParameters } from "./parameters.ts";
import { problem } from "./problem.ts";
import { QUESTIONS } from "./questions.ts";
import type { Client, Route } from "./route.ts";
import { pathParts, routerPath } from "./routing.ts";

/** The short forms that stand for the newest version's answers. */
const SHORT_FORMS = ["/snapshot/{day}", "/timeline/{symbol}"];

/** Paths of questions: only there is a suffix a format. */
const QUESTION_PATH = new RegExp(
  `^(/v1|/v/[^/]+)?/(query|${QUESTIONS.map(({ path }) => path.split("/")[1]).join("|")})(/[^/]*)?$`,
);

/** What there is to answer with. */
export interface RoutedOptions {
  readonly answers: Answerer;
  readonly routes: readonly Route[];
  /** Adds routes that are more than a GET. */
  readonly mount?: (app: Hono) => void;
  /** Told of failures that are not the client's. */
  readonly onProblem: (error: unknown) => void;
}

/** An app of all questions and some routes. */
export function routed({ answers, routes, mount, onProblem }: RoutedOptions): Hono {
  const app = new Hono({
    getPath(request) {
      const path = getPath(request);
      const { path: plain, format } = splitSuffix(path);
      return format && QUESTION_PATH.test(plain) ? plain : path;
    },
  });
  const paths = new Set<string>();

  mount?.(app);
  for (const question of QUESTIONS) {
    const { path } = question;
    for (const full of [`/v1${path}`, ...SHORT_FORMS.includes(path) ? [path] : []]) {
      paths.add(routerPath(full));
      app.get(
        routerPath(full),
        (c) => answers.answer(c.req.raw, question, pathParts(path, c.req.param()), clientOf(c)),
      );
    }
    const versioned = routerPath(`/v/{version}${path}`);
    paths.add(versioned);
    app.get(versioned, (c) => {
      const parts = c.req.param() as Record<string, string>;
      const from = { ...clientOf(c), version: parts["version"] };
      return answers.answer(c.req.raw, question, pathParts(path, parts), from);
    });
  }
  for (const route of routes) {
    // A file's name may contain slashes.
    const path = routerPath(route.path).replace(":name", ":name{.+}");
    paths.add(path);
    app.get(path, (c) => {
      const request = c.req.raw;
      const given = { path: c.req.param(), query: new URL(request.url).searchParams };
      const values = readParameters(route.takes, given) as Record<string, string>;
      return route.handle(request, values, clientOf(c));
    });
  }
  for (const path of paths) otherMethods(app, path, METHODS);
  app.notFound(() => problem(new NotFoundError("no such path; `/` lists them")));
  app.onError((error, c) => {
    const told = error instanceof BfaError && CLIENTS_FAULT.includes(error.code);
    // What breaks off because nobody waits for it any more is no failure.
    if (!told && !c.req.raw.signal.aborted) onProblem(error);
    return problem(error);
  });
  return app;
}

/** Who asks, as the caller of `fetch` says. */
function clientOf(c: HonoContext): Client {
  return (c.env ?? {}) as Client;
}

/** Failures that are told to the client, and to nobody else. */
const CLIENTS_FAULT: readonly string[] = [
  "usage",
  "not_found",
  "not_acceptable",
  "too_many",
  "limit",
  "busy",
];

const METHODS: Methods = {
  allow: "GET, HEAD, OPTIONS",
  headers:
    "If-Match, If-None-Match, If-Range, If-Unmodified-Since, Range, Last-Event-ID, X-Request-Id",
  use: "GET or HEAD",
};
