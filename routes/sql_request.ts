/**
 * Reading a question of SQL, from a URL or from a body: bounded in length and in time.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { readSqlParams, type SqlParams } from "../lib/core/sql_params.ts";
import { normalSql } from "../lib/core/sql_text.ts";
import { ANSWER_FORMATS, type AnswerFormat } from "./negotiation.ts";

/** Room for 16 KiB of SQL in JSON, and its parameters. */
const MAX_BODY_BYTES = 128 * 1024;

/** How long such a body may take, ms: one that trickles in keeps a place that others could have. */
const BODY_MS = 10_000;

/** A statement that is asked, in its normal form. */
export interface SqlRequest {
  readonly sql: string;
  readonly params: SqlParams | undefined;
  /** Named in the body or the query; else the suffix or `Accept` decides. */
  readonly format: AnswerFormat | undefined;
}

/**
 * Reads the question of a request.
 *
 * @param bodyMs How long a body may take to come.
 * @throws {Refused} for a body that is too long, too slow or no JSON.
 */
export async function readSqlRequest(
  request: Request,
  bodyMs: number = BODY_MS,
): Promise<SqlRequest> {
  return request.method === "POST" ? await readBody(request, bodyMs) : readUrl(request);
}

function readUrl(request: Request): SqlRequest {
  const given: Record<string, unknown> = {};
  const { search, searchParams } = new URL(request.url);
  if (!isUtf8(search)) throw bad("its parameters are not UTF-8");
  for (const [name, value] of searchParams) {
    if (Object.hasOwn(given, name)) throw bad(`${shown(name)} is given more than once`);
    given[name] = value;
  }
  if (given.params !== undefined) given.params = parseJson(String(given.params), "params");
  return readQuestion(given);
}

/** Whether a query means what it reads as: broken characters in a text of SQL would become others without a word. */
function isUtf8(search: string): boolean {
  try {
    decodeURIComponent(search.replace(/%(?![\da-f]{2})/gi, "%25"));
    return true;
  } catch {
    return false;
  }
}

async function readBody(request: Request, bodyMs: number): Promise<SqlRequest> {
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new Refused(415, 'send JSON: `content-type: application/json`, `{"sql": "SELECT …"}`');
  }
  if ([...new URL(request.url).searchParams].length) throw bad("a POST takes no parameters");
  const body = parseJson(await boundedText(request, bodyMs), "the body");
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw bad('the body must be an object such as `{"sql": "SELECT …"}`');
  }
  return readQuestion(body as Record<string, unknown>);
}

function readQuestion(given: Record<string, unknown>): SqlRequest {
  const unknown = Object.keys(given).find((name) => !["sql", "params", "format"].includes(name));
  if (unknown !== undefined) throw bad(`it takes sql, params and format, not ${shown(unknown)}`);
  const { sql, params, format } = given;
  if (typeof sql !== "string") throw bad("give `sql`, a text");
  return {
    sql: normalSql(sql),
    params: params === undefined ? undefined : readSqlParams(params),
    format: format === undefined ? undefined : readFormat(format),
  };
}

function readFormat(format: unknown): AnswerFormat {
  if (typeof format === "string" && Object.hasOwn(ANSWER_FORMATS, format)) {
    return format as AnswerFormat;
  }
  const formats = Object.keys(ANSWER_FORMATS).join(", ");
  throw bad(`the format ${shown(String(format))} is not known; there is ${formats}`);
}

async function boundedText(request: Request, bodyMs: number): Promise<string> {
  const reader = request.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reader.cancel().catch(() => {}); // which ends the reading
  }, bodyMs);
  try {
    for (let read; !(read = await reader.read().catch(brokenOff)).done;) {
      bytes += read.value.length;
      if (bytes > MAX_BODY_BYTES) {
        throw new Refused(413, `the body is over ${MAX_BODY_BYTES} bytes`);
      }
      text += decoded(decoder, read.value);
    }
    if (late) throw new Refused(408, `the body did not come within ${bodyMs / 1000} s`);
    return text + decoded(decoder);
  } finally {
    clearTimeout(timer);
  }
}

/** What a client does not send to the end fails to be read, in words of Deno's own. */
function brokenOff(): never {
  throw bad("the body broke off");
}

function decoded(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
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

/** A request that is refused with a status of its own. */
export class Refused extends BfaError {
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
