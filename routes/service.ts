/**
 * The HTTP service: a request in, a response out. Reads what it was given; opens nothing itself.
 *
 * @module
 */

import { Hono } from "hono";
import { LRUCache } from "lru-cache";
import type { Source } from "../lib/core/answers.ts";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import type { Followed } from "../lib/jobs/follow.ts";
import type { ManifestReader } from "../lib/manifest/store.ts";
import type { MirrorReader } from "../lib/mirror/mirror.ts";
import { ANSWER_ROUTES, type AnswerRoute } from "./answers.ts";
import { artifactAnswer } from "./artifacts.ts";
import { type Entity, entity, respond, weight } from "./entity.ts";
import { CORS, textResponse } from "./headers.ts";
import { channelManifest, manifestAnswer, manifestBySequence, versionsAnswer } from "./manifest.ts";
import { manifestEvents } from "./manifest_events.ts";
import { Params, type ParamSpec } from "./params.ts";
import { problem } from "./problem.ts";
import { mountQuery, QUERY_PATH } from "./query.ts";
import type { SqlService } from "../lib/jobs/sql_service.ts";

/** What the service is made of. */
export interface ServiceOptions {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
  readonly followed: Followed;
  /** Answers until a first version is there: the embedded listings. */
  readonly seed: Source;
  readonly now: () => Date;
  /** Told of failures that are not the client's. */
  readonly onProblem: (error: unknown) => void;
  /** Aborts when the server stops: event streams end then. */
  readonly stopping?: AbortSignal;
  readonly heartbeatMs?: number;
  /** Answers SQL; where it is left out, `/v1/query` says that it is switched off. */
  readonly sql?: SqlService | undefined;
}

/** Answers requests. */
export interface Service {
  /** `from.client` tells clients apart, where they are known. */
  fetch(request: Request, from?: { client?: string }): Response | Promise<Response>;
}

/** Memory for encoded answers, bytes. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** A path and what it takes, for the routes that are not answered from the listings. */
export const OTHER_ROUTES: readonly { path: string; summary: string; query: ParamSpec }[] = [
  {
    path: QUERY_PATH,
    summary: "SQL: one SELECT (GET, or POST with JSON)",
    query: { sql: "text", params: "text", format: "text" },
  },
  { path: "/v1/manifest", summary: "The newest signed manifest", query: { channel: "text" } },
  { path: "/v1/manifest/events", summary: "New manifests, as they come (SSE)", query: {} },
  { path: "/v1/manifests/:sequence", summary: "One signed manifest", query: {} },
  { path: "/v1/versions", summary: "All versions and channels", query: {} },
  { path: "/v1/artifacts/:sha256/:name{.+}", summary: "A file of a version", query: {} },
  { path: "/healthz", summary: "The process lives", query: {} },
  { path: "/readyz", summary: "A version is being served", query: {} },
];

/** Makes the service. */
export function service(options: ServiceOptions): Service {
  const { reader, mirror, followed, seed, now, onProblem } = options;
  const entities = new LRUCache<string, Entity>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (entity, key) => weight(entity) + 2 * key.length,
  });
  let cachedVersion = "";

  /** The source to answer from; the answers of another version are forgotten. */
  function source(): Source {
    const current = followed.current()?.source ?? seed;
    if (current.version !== cachedVersion) {
      entities.clear();
      cachedVersion = current.version;
    }
    return current;
  }

  function answerFrom(
    route: AnswerRoute,
    request: Request,
    path: Record<string, string>,
  ): Response {
    const url = new URL(request.url);
    const params = new Params(path, url.searchParams, route.query);
    const from = source();
    const question = `${route.path} ${params.canonical()}`;
    const made = entity(route.answer(from, params), from.version, question);
    entities.set(pathAndQuery(request.url), made);
    return respond(request, made);
  }

  const events = manifestEvents(followed, options);
  const app = new Hono();
  mountQuery(app, (env) => ({ sql: options.sql, ...env as { client?: string } }));
  for (const route of ANSWER_ROUTES) {
    app.get(route.path, (c) => answerFrom(route, c.req.raw, c.req.param()));
  }
  const handlers: Record<
    string,
    (request: Request, params: Params) => Response | Promise<Response>
  > = {
    "/v1/manifest": async (request, params) => {
      const channel = params.text("channel") ?? "latest";
      const served = followed.current()?.stored;
      const stored = served?.manifest.signed.channel === channel
        ? served
        : await channelManifest(reader, channel);
      return manifestAnswer(request, stored, now());
    },
    "/v1/manifest/events": (request) =>
      events(request) ??
        problem(new BfaError("unavailable", "Cannot open another event stream: too many are open")),
    "/v1/manifests/:sequence": (request, params) =>
      manifestBySequence(request, reader, params.path("sequence")),
    "/v1/versions": (request) => versionsAnswer(request, reader, source().version),
    "/v1/artifacts/:sha256/:name{.+}": (request, params) =>
      artifactAnswer(request, mirror, params.path("sha256"), params.path("name")),
    "/healthz": () => status({ status: "ok" }),
    "/readyz": () => {
      const version = followed.current()?.source.version;
      return version ? status({ status: "ready", version }) : status({ status: "not ready" }, 503);
    },
  };
  for (const { path, query } of OTHER_ROUTES) {
    const handle = handlers[path];
    if (!handle) continue; // mounted by its own file
    app.get(path, (c) => {
      const request = c.req.raw;
      return handle(request, new Params(c.req.param(), new URL(request.url).searchParams, query));
    });
  }
  app.get("/", (c) => {
    const headers = { "content-type": "text/plain; charset=UTF-8" };
    return textResponse(frontPage(new URL(c.req.url).origin, source()), { headers });
  });
  for (const path of ["/", ...[...ANSWER_ROUTES, ...OTHER_ROUTES].map((route) => route.path)]) {
    app.options(path, () => new Response(null, { status: 204, headers: preflight() }));
    app.all(path, () => {
      const error = new BfaError("usage", "Cannot use this method here: use GET or HEAD");
      return problem(error, { status: 405, headers: { allow: ALLOW } });
    });
  }
  app.notFound(() => problem(new NotFoundError("no such path; `/` lists them")));
  app.onError((error) => {
    if (!(error instanceof BfaError) || !["usage", "not_found"].includes(error.code)) {
      onProblem(error);
    }
    return problem(error);
  });

  return {
    fetch(request, from = {}) {
      if (request.method === "GET") {
        source(); // drops the answers of a version that is no longer served
        const hit = entities.get(pathAndQuery(request.url));
        if (hit) return respond(request, hit);
      }
      return app.fetch(request, from);
    },
  };
}

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

function status(body: unknown, status = 200): Response {
  const headers = { "cache-control": "no-store", "content-type": "application/json" };
  return textResponse(JSON.stringify(body) + "\n", { status, headers });
}

/** The path and query of a request's URL, without parsing it. */
function pathAndQuery(url: string): string {
  return url.slice(url.indexOf("/", "https://".length));
}

function frontPage(origin: string, { version, index }: Source): string {
  const lines = [...ANSWER_ROUTES, ...OTHER_ROUTES].map(({ path, summary }) =>
    `  ${path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}").padEnd(36)} ${summary}`
  );
  const examples = ANSWER_ROUTES.slice(0, 3).map(({ example }) => `  curl '${origin}${example}'`);
  return `bfa: which Binance USDⓈ-M futures existed, and really traded, on a day

version ${version}: ${index.symbolCount} symbols, ${index.firstDay} to ${index.dataThrough}

${lines.join("\n")}

${examples.join("\n")}
`;
}
