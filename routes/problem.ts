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
  not_found: 404,
  not_acceptable: 406,
  conflict: 409,
  limit: 422,
  too_many: 429,
  integrity: 500,
  untrusted: 500,
  rollback: 500,
  storage: 500,
  format_too_new: 500,
  network: 503,
  stale: 503,
  expired: 503,
  unavailable: 503,
  offline: 503,
};

/** What a kind of failure is called. */
const TITLES: Readonly<Record<ErrorCode, string>> = {
  usage: "The request cannot be read",
  not_found: "There is no such thing",
  not_acceptable: "There is no such format",
  conflict: "Someone else was faster",
  limit: "A limit was reached",
  too_many: "Too many requests",
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
    ...(known && status < 500 ? { detail: known.message } : {}),
    ...(near.length ? { suggestions: near } : {}),
  };
  const headers = new Headers({
    ...CORS,
    ...SECURITY,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(status === 503 ? { "retry-after": "5" } : {}),
  });
  for (const [name, value] of new Headers(options.headers)) headers.set(name, value);
  return textResponse(JSON.stringify(body) + "\n", { status, headers });
}
