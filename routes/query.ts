/**
 * `GET /v1/query?sql=` and `POST /v1/query`: one SELECT over the published tables.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { BfaError, type ErrorCode } from "../lib/core/errors.ts";
import { readSqlParams, type SqlParams } from "../lib/core/sql_params.ts";
import { normalSql } from "../lib/core/sql_text.ts";
import type { SqlAnswer, SqlService } from "../lib/jobs/sql_service.ts";
import { parseVersion } from "../lib/core/version.ts";
import { encodeTable } from "../lib/formats/formats.ts";
import { preconditionFailed, unmet } from "./conditions.ts";
import { answerHeaders } from "./headers.ts";
import { type Methods, otherMethods } from "./methods.ts";
import {
  acceptedFormat,
  ANSWER_FORMATS,
  type AnswerFormat,
  notAcceptable,
  splitSuffix,
} from "./negotiation.ts";
import { problem } from "./problem.ts";

/** What the route needs. */
export interface QueryRouteOptions {
  /** Runs SQL; `undefined` where it is switched off. */
  readonly sql: SqlService | undefined;
  /** Who asks, where that is known. */
  readonly client?: string | undefined;
}

/** The path of the route, its short form, and its twin of one version. */
export const QUERY_PATH = "/v1/query";
const PATHS = [QUERY_PATH, "/query", "/v/:version/query"];

/** Changes when the same answer gets other bytes than before. */
const REVISION = 2;

/** Room for 16 KiB of SQL in JSON, and its parameters. */
const MAX_BODY_BYTES = 128 * 1024;

const METHODS: Methods = {
  allow: "GET, HEAD, POST, OPTIONS",
  headers: "Content-Type, If-None-Match",
  use: "GET or POST",
};

/** One question, read and normal. */
interface Question {
  readonly sql: string;
  readonly params: SqlParams | undefined;
  /** Named in the body or the query; else the suffix or `Accept` decides. */
  readonly format: AnswerFormat | undefined;
}

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
  { sql, client }: QueryRouteOptions,
  version?: string,
): Promise<Response> {
  try {
    const question = request.method === "POST" ? await readBody(request) : readUrl(request);
    if (!sql) throw new BfaError("not_implemented", "Cannot run SQL here: it is switched off");
    const suffix = splitSuffix(new URL(request.url).pathname).format;
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
    const asked = { ...question, client, signal: request.signal };
    const answer = await sql.query(asked, version);
    return (now ? undefined : conditional(answer)) ??
      await encoded(answer, format, headersFor(answer));
  } catch (error) {
    return failure(error);
  }
}

async function encoded(
  answer: SqlAnswer,
  format: AnswerFormat,
  headers: Headers,
): Promise<Response> {
  const { version, columns, count, truncated, rowsJson } = answer;
  // Other formats have no room for a word about it.
  if (truncated) headers.set("x-truncated", "true");
  const head = JSON.stringify({ version, columns, count, truncated }).slice(0, -1);
  const parts: BlobPart[] = format === "json"
    ? [`${head},"rows":[`, rowsJson, "]}\n"]
    : [...await encodeTable(answer.table(), format)];
  const body = new Blob(parts);
  headers.set("content-length", String(body.size));
  return new Response(body, { headers });
}

/** Strong: children sum and sort on one thread, so the same question gets the same bytes. */
function etagOf(
  from: { version: string; id: string },
  { sql, params }: Question,
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

function readUrl(request: Request): Question {
  const given: Record<string, unknown> = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    if (Object.hasOwn(given, name)) throw bad(`${shown(name)} is given more than once`);
    given[name] = value;
  }
  if (given.params !== undefined) given.params = parseJson(String(given.params), "params");
  return readQuestion(given);
}

async function readBody(request: Request): Promise<Question> {
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new Refused(415, 'send JSON: `content-type: application/json`, `{"sql": "SELECT …"}`');
  }
  if ([...new URL(request.url).searchParams].length) throw bad("a POST takes no parameters");
  const body = parseJson(await boundedText(request), "the body");
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw bad('the body must be an object such as `{"sql": "SELECT …"}`');
  }
  return readQuestion(body as Record<string, unknown>);
}

function readQuestion(given: Record<string, unknown>): Question {
  const unknown = Object.keys(given).find((name) => !["sql", "params", "format"].includes(name));
  if (unknown !== undefined) throw bad(`it takes sql, params and format, not ${shown(unknown)}`);
  const { sql, params, format } = given;
  if (typeof sql !== "string") throw bad("give `sql`, a text");
  if (format !== undefined && !Object.hasOwn(ANSWER_FORMATS, String(format))) {
    const formats = Object.keys(ANSWER_FORMATS).join(", ");
    throw bad(`the format ${shown(String(format))} is not known; there is ${formats}`);
  }
  return {
    sql: normalSql(sql),
    params: params === undefined ? undefined : readSqlParams(params),
    format: format as AnswerFormat | undefined,
  };
}

async function boundedText(request: Request): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Refused(413, `the body is over ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    const whole = await new Blob(chunks).arrayBuffer();
    return new TextDecoder("utf-8", { fatal: true }).decode(whole);
  } catch {
    throw bad("the body is not UTF-8");
  }
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(`${what} is not JSON`);
  }
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

/** A request that is refused with a status of its own. */
class Refused extends BfaError {
  constructor(readonly status: number, why: string) {
    super("usage", `Cannot read the request: ${why}`);
  }
}

function bad(why: string): BfaError {
  return new BfaError("usage", `Cannot read the request: ${why}`);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
