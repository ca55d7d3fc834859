/**
 * `GET /v1/query?sql=` and `POST /v1/query`: one SELECT over the published tables.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { BfaError, type ErrorCode } from "../lib/core/errors.ts";
import type { SqlParams } from "../lib/core/sql_params.ts";
import type { SqlAnswer, SqlService } from "../lib/jobs/sql_service.ts";
import { parseVersion } from "../lib/core/version.ts";
import { byteChunks } from "../lib/formats/chunks.ts";
import { preconditionFailed, unmet } from "./conditions.ts";
import { answerHeaders } from "./headers.ts";
import { gather, largeStream } from "./large.ts";
import { type Methods, otherMethods } from "./methods.ts";
import {
  acceptedFormat,
  ANSWER_FORMATS,
  type AnswerFormat,
  notAcceptable,
  suffixOf,
} from "./negotiation.ts";
import { problem } from "./problem.ts";
import { countedStream } from "./sent_bytes.ts";
import { readSqlRequest, Refused, type SqlRequest } from "./sql_request.ts";

/** What the route needs. */
export interface QueryRouteOptions {
  /** Runs SQL; `undefined` where it is switched off. */
  readonly sql: SqlService | undefined;
  /** Who asks, where that is known. */
  readonly client?: string | undefined;
  /** How long a body may take to come, ms. */
  readonly bodyMs?: number | undefined;
}

/** The path of the route, its short form, and its twin of one version. */
export const QUERY_PATH = "/v1/query";
const PATHS = [QUERY_PATH, "/query", "/v/:version/query"];

/** Changes when the same answer gets other bytes than before. */
const REVISION = 3;

const METHODS: Methods = {
  allow: "GET, HEAD, POST, OPTIONS",
  headers: "Content-Type, If-None-Match",
  use: "GET or POST",
};

/** Adds the route to an application. `optionsOf` tells who asks. */
export function mountQuery(app: Hono, optionsOf: (env: unknown) => QueryRouteOptions): void {
  for (const path of PATHS) {
    app.on(["GET", "POST"], path, (c) => {
      const { version } = c.req.param() as { version?: string };
      return queryAnswer(c.req.raw, optionsOf(c.env), version);
    });
    otherMethods(app, path, METHODS);
  }
}

/**
 * Answers one request; failures are problem documents that say how to run the SQL locally.
 *
 * @param version The version that the path names.
 */
export async function queryAnswer(
  request: Request,
  { sql, client, bodyMs }: QueryRouteOptions,
  version?: string,
): Promise<Response> {
  try {
    const question = await readSqlRequest(request, bodyMs);
    if (!sql) throw new BfaError("not_implemented", "Cannot run SQL here: it is switched off");
    const suffix = suffixOf(request);
    const format = question.format ?? suffix ?? acceptedFormat(request.headers.get("accept"));
    if (!format) throw notAcceptable();
    if (version !== undefined) parseVersion(version);
    const newest = sql.current();
    // What another version's tag would be is known when it has answered.
    const now = version === undefined || version === newest?.version ? newest : undefined;
    const headersFor = (from: { version: string; id: string }) =>
      headersOf(from, {
        etag: etagOf(from, question, format),
        format,
        negotiated: question.format === undefined && suffix === undefined,
        // The table of versions grows.
        immutable: version !== undefined && !/\bversions\b/i.test(question.sql),
      });
    const conditional = (from: { version: string; id: string }): Response | undefined => {
      if (request.method === "POST") return undefined;
      const condition = unmet(request.headers, { tags: [etagOf(from, question, format)] });
      if (condition === "failed") return preconditionFailed();
      // `*` would match an answer that nobody has seen.
      if (!condition || request.headers.get("if-none-match")!.trim() === "*") return undefined;
      const headers = headersFor(from);
      headers.delete("content-type");
      return new Response(null, { status: 304, headers });
    };
    const known = now && conditional(now);
    if (known) return known;
    const asked = {
      ...question,
      format: format === "json" ? undefined : format,
      client,
      signal: request.signal,
    };
    const answer = await sql.query(asked, version);
    return (now ? undefined : conditional(answer)) ??
      await sent(request, answer, { format, headers: headersFor(answer), client });
  } catch (error) {
    return failure(error);
  }
}

async function sent(
  request: Request,
  answer: SqlAnswer,
  { format, headers, client }: {
    readonly format: AnswerFormat;
    readonly headers: Headers;
    readonly client: string | undefined;
  },
): Promise<Response> {
  // Other formats have no room for a word about it.
  if (answer.truncated) headers.set("x-truncated", "true");
  const chunks = format === "json" ? jsonOf(answer) : byteChunks(answer.rows);
  const { start, rest } = await gather(chunks, request.signal);
  if (!rest) headers.set("content-length", String(start.length));
  if (request.method === "HEAD") return new Response(null, { headers });
  const body = rest ? countedStream(largeStream(rest, { start, client, holds: "memory" })) : start;
  return new Response(body, { headers });
}

function* jsonOf(answer: SqlAnswer): Generator<Uint8Array<ArrayBuffer>> {
  const { version, columns, count, truncated, rows } = answer;
  const encoder = new TextEncoder();
  const head = JSON.stringify({ version, columns, count, truncated }).slice(0, -1);
  yield encoder.encode(`${head},"rows":[`);
  yield* byteChunks(rows);
  yield encoder.encode("]}\n");
}

/** Strong: children sum and sort on one thread, so the same question gets the same bytes. */
function etagOf(
  from: { version: string; id: string },
  { sql, params }: SqlRequest,
  format: AnswerFormat,
): string {
  const text = JSON.stringify([REVISION, from.id, sql, canonical(params), format]);
  const digest = createHash("sha256").update(text).digest("base64url");
  return `"${from.version}-${digest.slice(0, 16)}"`;
}

function canonical(params: SqlParams | undefined): unknown {
  if (params === undefined || Array.isArray(params)) return params ?? null;
  return Object.entries(params).sort(([a], [b]) => a < b ? -1 : 1);
}

function headersOf(
  { version }: { version: string },
  answer: { etag: string; format: AnswerFormat; negotiated: boolean; immutable: boolean },
): Headers {
  const { etag, format, negotiated, immutable } = answer;
  const { mediaType } = ANSWER_FORMATS[format];
  const headers = answerHeaders({ version, mediaType, negotiated, immutable, cdn: true });
  if (negotiated) headers.set("vary", "Accept");
  else headers.delete("vary");
  headers.set("etag", etag);
  return headers;
}

/** Failures that the client can go around by running the statement itself. */
const LOCAL: ReadonlySet<ErrorCode> = new Set([
  "sql_rejected",
  "limit",
  "deadline",
  "busy",
  "not_implemented",
]);

/** What every failure ends with. */
const HINT = "; `bfa sql` runs it on your own machine, without these limits";

function failure(error: unknown): Response {
  if (error instanceof Refused) return problem(error, { status: error.status });
  if (!(error instanceof BfaError) || !LOCAL.has(error.code)) throw error;
  const retry = error.code === "busy" ? { "retry-after": "1" } : undefined;
  return problem(new BfaError(error.code, error.message + HINT), {
    ...(retry ? { headers: retry } : {}),
  });
}
