/**
 * Failures over HTTP: RFC 9457 problem documents with a stable `code`.
 *
 * @module
 */

import { BfaError, type ErrorCode, NotFoundError } from "../lib/core/errors.ts";
import { CORS, SECURITY, textResponse } from "./headers.ts";

/** The status of every kind of failure. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  usage: 400,
  sql_rejected: 400,
  not_found: 404,
  not_acceptable: 406,
  conflict: 409,
  precondition_failed: 412,
  limit: 422,
  too_many: 429,
  integrity: 500,
  untrusted: 500,
  rollback: 500,
  storage: 500,
  format_too_new: 500,
  not_implemented: 501,
  stale: 503,
  expired: 503,
  // Artifacts may be on another server, which will be back: nothing is lost by asking again.
  network: 503,
  unavailable: 503,
  offline: 503,
  busy: 503,
  deadline: 504,
};

/** Failures whose message is made for strangers, although the status says that it is on our side. */
const TOLD: ReadonlySet<ErrorCode> = new Set(["not_implemented", "busy", "deadline"]);

/** What a kind of failure is called. */
const TITLES: Readonly<Record<ErrorCode, string>> = {
  usage: "The request cannot be read",
  not_found: "There is no such thing",
  not_acceptable: "There is no such format",
  conflict: "Someone else was faster",
  precondition_failed: "A condition of the request failed",
  limit: "A limit was reached",
  too_many: "Too many requests",
  sql_rejected: "This SQL is not answered here",
  integrity: "The data is damaged",
  untrusted: "The data is not signed by a trusted key",
  rollback: "The data is older than data seen before",
  storage: "The storage refuses",
  format_too_new: "The data is of a newer format",
  network: "Another server did not answer",
  stale: "The data is stale",
  expired: "The data has expired",
  unavailable: "The service is not ready",
  offline: "The service is offline",
  busy: "Too many questions at once",
  deadline: "The question took too long",
  not_implemented: "This is not done here",
};

/** A failure as a response. An error that is not ours never reaches a client. */
export function problem(
  error: unknown,
  options: { status?: number; headers?: HeadersInit } = {},
): Response {
  const known = error instanceof BfaError ? error : undefined;
  const status = options.status ?? (known ? HTTP_STATUS[known.code] : 500);
  const near = known instanceof NotFoundError ? known.suggestions : [];
  const body = {
    type: "about:blank",
    title: known ? TITLES[known.code] : "Something went wrong here",
    status,
    code: known?.code ?? "internal",
    // A failure on our side may name files or hosts: it is logged, not told.
    ...(known && (status < 500 || TOLD.has(known.code)) ? { detail: known.message } : {}),
    ...(near.length ? { suggestions: near } : {}),
  };
  const headers = new Headers({
    ...CORS,
    ...SECURITY,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(status === 503 || status === 429 ? { "retry-after": "5" } : {}),
  });
  for (const [name, value] of new Headers(options.headers)) headers.set(name, value);
  return textResponse(JSON.stringify(body) + "\n", { status, headers });
}
