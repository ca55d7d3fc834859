/**
 * What every request passes: limits, a request id, the log, the metrics.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { Shares } from "../lib/core/shares.ts";
import type { Followed } from "../lib/jobs/follow.ts";
import type { MirrorHealth } from "../lib/jobs/mirror_health.ts";
import { clientKey } from "./client_key.ts";
import { CORS, pathAndQuery, SECURITY, textResponse } from "./headers.ts";
import { isNoted, sentAsTaken } from "./http2.ts";
import { type Metrics, metrics } from "./metrics.ts";
import { OTHER_ROUTES } from "./other_routes.ts";
import { problem } from "./problem.ts";
import { QUESTIONS } from "./questions.ts";
import { rateHeaders, RateLimit, type RatePolicy, type RateVerdict } from "./rate_limit.ts";
import type { RequestLog } from "./request_log.ts";
import { countSent } from "./sent_bytes.ts";
import type { Service } from "./service.ts";
import type { Telemetry } from "./telemetry.ts";

/** How the service is run. */
export interface OperationOptions {
  readonly followed: Pick<Followed, "current">;
  readonly now: () => Date;
  /** How often one client may ask. */
  readonly perClient?: RatePolicy | undefined;
  /** How often all may ask together. */
  readonly forAll?: RatePolicy | undefined;
  /** Requests that may be under way at once; more get 503. */
  readonly mostUnderWay?: number;
  readonly log?: RequestLog | undefined;
  /** Clients are told apart by this header, which a proxy in front sets, not by their address. */
  readonly clientHeader?: string | undefined;
  /** The port the server listens on: what a request without Host is addressed to. */
  readonly port?: () => number;
  /** What the last check of the mirror found. */
  readonly mirrorHealth?: () => MirrorHealth | undefined;
  /** Tells spans of routes and versions. */
  readonly telemetry?: Telemetry | undefined;
  /** Milliseconds that grow steadily; the process's own, when left out. */
  readonly clockMs?: () => number;
}

/** A service that is being run. */
export interface OperatedService {
  fetch(request: Request, info?: Deno.ServeHandlerInfo): Response | Promise<Response>;
}

const MOST_UNDER_WAY = 512;

/** Of these, one client may have so many: nobody keeps all others out by asking what takes long. */
const MOST_OF_CLIENT = 64;

/** From this part of its quota on, a client is told of its limit. */
const SCARCE = 0.1;

/** Whoever runs the process asks these, and would end it if it were refused. */
const PROBES = new Set(["/healthz", "/readyz"]);

/** The names that metrics know routes by: as many as are declared. */
const ROUTE = /^\/(?:(v1)|v\/[^/]+)\/([a-z-]+)/;
const ROUTES = new Set(
  [...QUESTIONS.map(({ path }) => `/v1${path}`), ...Object.values(OTHER_ROUTES).map((r) => r.path)]
    .flatMap((path) => ROUTE.exec(path)?.[2] ?? []),
);

/** The paths of files. */
const FILES = /^\/(v1\/artifacts|v\/[^/]+\/files)\//;

/** Runs a service. */
export function operated(service: Service, options: OperationOptions): OperatedService {
  const { followed, now, log, clientHeader, telemetry, mostUnderWay = MOST_UNDER_WAY } = options;
  const { clockMs = () => performance.now() } = options;
  const perClient = options.perClient && new RateLimit(options.perClient);
  const forAll = options.forAll && new RateLimit(options.forAll);
  const shares = new Shares(MOST_OF_CLIENT);
  let underWay = 0;
  const measured: Metrics = metrics({
    followed,
    now,
    limits: () => [
      { limit: "under way", used: underWay, max: mostUnderWay },
      ...service.limits(),
    ],
    sqlBytes: () => service.sqlBytes(),
    mirrorHealth: options.mirrorHealth,
  });

  /** Whether a request may be answered; the limit it comes nearest to. */
  function limited(request: Request, info?: Deno.ServeHandlerInfo): RateVerdict | undefined {
    if ((!perClient && !forAll) || PROBES.has(pathAndQuery(request))) return undefined;
    const nowMs = clockMs();
    // First its own limit: what one client asks too much must not use up what is there for all.
    const own = perClient?.take(clientKey(request, info, clientHeader), nowMs);
    if (own?.allowed === false) return own;
    const all = forAll?.take("", nowMs);
    return own && all ? (all.remaining < own.remaining ? all : own) : own ?? all;
  }

  /**
   * HTTP/1.1 demands a Host header. Deno addresses a request without one to localhost (of a server that listens on
   * all addresses, or on a loopback one), and HTTP/2 has none at all: of what is addressed to this port of localhost
   * it cannot be told which it is (docs/operations.md).
   */
  function lacksHost(request: Request): boolean {
    const port = options.port?.();
    if (port === undefined || !request.url.startsWith("http://localhost")) return false;
    const bare = port === 80 ? "http://localhost/" : `http://localhost:${port}/`;
    return request.url.startsWith(bare) && request.headers.get("host") === null;
  }

  function refuse(request: Request, verdict: RateVerdict | undefined): Response | undefined {
    if (lacksHost(request)) {
      return problem(
        new BfaError(
          "usage",
          "Cannot read the request: HTTP/1.1 needs a Host header; over HTTP/2 write 127.0.0.1 instead of localhost",
        ),
      );
    }
    if (verdict?.allowed !== false) return undefined;
    measured.refused(verdict.policy.name);
    const wait = verdict.waitSeconds;
    return problem(
      new BfaError("too_many", `Cannot answer so many requests: ask again in ${wait} s`),
      { headers: { "retry-after": String(wait) } },
    );
  }

  function note(request: Request, started: number, id: string, response: Response): void {
    log?.add({
      time: now().toISOString(),
      id,
      method: request.method,
      path: pathAndQuery(request),
      status: response.status,
      ms: Math.round((performance.now() - started) * 100) / 100,
    });
  }

  async function made(
    request: Request,
    started: number,
    id: string,
    answer: Response | Promise<Response>,
  ): Promise<Response> {
    underWay++;
    try {
      const response = await answer;
      const seconds = (performance.now() - started) / 1000;
      const path = pathAndQuery(request);
      const route = routeName(path);
      // What is answered from memory, and what is streamed, tells no length here: it is counted where it is sent.
      if (request.method !== "HEAD") {
        const length = Number(response.headers.get("content-length"));
        countSent(FILES.test(path) ? "files" : "answers", length);
      }
      measured.observe(route, response.status, seconds);
      telemetry?.(request.method, route, response);
      response.headers.set("x-request-id", id);
      note(request, started, id, response);
      return response;
    } finally {
      underWay--;
    }
  }

  function answer(
    request: Request,
    info?: Deno.ServeHandlerInfo,
  ): Response | Promise<Response> {
    const path = pathAndQuery(request);
    if (path === "/metrics" && request.method === "GET") return metricsAnswer(measured);
    if (path === "/metrics" && request.method === "HEAD") {
      return metricsAnswer(measured).then((answer) => new Response(null, answer));
    }
    const client = clientKey(request, info, clientHeader);
    if (PROBES.has(path)) return service.fetch(request, { client });
    if (underWay >= mostUnderWay) return refusal("busy", "too many requests are under way");
    const giveBack = shares.take(client);
    if (!giveBack) return refusal("too_many", `${shares.most} requests of yours are under way`);
    return (async () => await service.fetch(request, { client }))().finally(giveBack);
  }

  /** An answer, or the refusal of one that would be held for a client that holds too many. */
  function taken(request: Request, answer: Response, info?: Deno.ServeHandlerInfo): Response {
    try {
      return sentAsTaken(request, answer, clientKey(request, info, clientHeader));
    } catch (error) {
      const refused = problem(error);
      const id = answer.headers.get("x-request-id");
      if (id !== null) refused.headers.set("x-request-id", id);
      return refused;
    }
  }

  function refusal(code: "busy" | "too_many", why: string): Response {
    measured.refused(code === "too_many" ? "under way of a client" : "under way");
    const headers = { "retry-after": "1" };
    return problem(new BfaError(code, `Cannot answer now: ${why}`), { headers });
  }

  return {
    fetch(request, info) {
      const started = log ? performance.now() : 0;
      const verdict = limited(request, info);
      const refused = refuse(request, verdict);
      const kept = refused ? undefined : service.kept(request);
      // `get()` of a request reads one header, `has()` all of them.
      if (kept && request.headers.get("x-request-id") === null) {
        // A 304 from memory takes little longer than a header does: it bears none but the client's own id, below.
        const { status } = kept;
        const id = log || status !== 304 ? nextId() : "";
        if (status !== 304) kept.headers.append("x-request-id", id);
        measured.fromMemory(status);
        telemetry?.(request.method, routeName(pathAndQuery(request)), kept);
        if (log) note(request, started, id, kept);
        return told(isNoted(kept) ? taken(request, kept, info) : kept, verdict);
      }
      const id = requestId(request);
      const response = made(
        request,
        performance.now(),
        id,
        refused ?? kept ?? answer(request, info),
      );
      return response.then((response) => told(taken(request, response, info), verdict));
    },
  };
}

/** Tells a client that comes near its limit where it stands. */
function told(response: Response, verdict: RateVerdict | undefined): Response {
  if (verdict && verdict.remaining < verdict.policy.quota * SCARCE) {
    for (const [name, value] of Object.entries(rateHeaders(verdict))) {
      response.headers.set(name, value);
    }
  }
  return response;
}

async function metricsAnswer(measured: Metrics): Promise<Response> {
  const headers = {
    ...CORS,
    ...SECURITY,
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "cache-control": "no-store",
  };
  return textResponse(await measured.text(), { headers });
}

let ids = 0;
const START = crypto.randomUUID().slice(0, 8);

/** An id that no other request of this process has. */
function nextId(): string {
  return `${START}-${(ids++).toString(36)}`;
}

/** The client's own id when it is well-formed. */
function requestId(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given !== null && /^[\w.-]{1,64}$/.test(given) ? given : nextId();
}

function routeName(path: string): string {
  const match = ROUTE.exec(path);
  if (match && ROUTES.has(match[2]!)) return `/${match[1] ?? "v"}/${match[2]}`;
  return "other";
}
