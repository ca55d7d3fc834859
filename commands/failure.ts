/**
 * Failures at the command line: one line on stderr and an exit code.
 *
 * @module
 */

import { BfaError, type ErrorCode } from "../lib/core/errors.ts";

/** The exit code of every kind of failure. `0` is success, `1` a bug, `130` an interrupt. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  not_acceptable: 2,
  sql_rejected: 2,
  precondition_failed: 2,
  not_found: 3,
  stale: 4,
  expired: 4,
  conflict: 4,
  integrity: 5,
  untrusted: 5,
  rollback: 5,
  network: 6,
  unavailable: 6,
  busy: 6,
  not_implemented: 6,
  offline: 7,
  limit: 8,
  too_many: 6,
  deadline: 8,
  storage: 8,
  format_too_new: 9,
};

/** What the exit codes mean, for help. */
export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  0: "ok",
  1: "a bug in bfa",
  2: "the command cannot be read",
  3: "there is no such thing",
  4: "the data is late, behind or expired, or another publisher was faster",
  5: "the data is damaged, or not signed by a trusted key",
  6: "the publisher, a mirror or KV did not answer",
  7: "offline, and this copy does not have it",
  8: "a limit was hit, or the disk is full or read-only",
  9: "the data is of a newer format: update bfa",
  130: "interrupted",
};

/** What to do about a failure on the command line, where its message does not say. */
const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  expired: "--accept-expired answers all the same",
  conflict: "look at `bfa versions`, then try again",
  offline: "leave out --offline, and give --endpoint where none is set",
};

/** How much of a failure is told. */
export interface Telling {
  /** Its cause too. */
  readonly verbose?: boolean;
  /** For people at a terminal: where in a statement it is. */
  readonly place?: boolean;
}

/** The line and the exit code of a failure. */
export function describeFailure(
  error: unknown,
  { verbose = false, place = false }: Telling = {},
): { line: string; exit: number } {
  const missing = missingPermission(error);
  if (missing) return { line: `bfa: ${missing}`, exit: 2 };
  if (error instanceof BfaError) {
    const cause = verbose && error.cause !== undefined ? `\n  because: ${reason(error.cause)}` : "";
    const advice = ADVICE[error.code] ? `; ${ADVICE[error.code]}` : "";
    const where = place && !verbose ? placeInStatement(error) : "";
    return { line: `bfa: ${error.message}${advice}${cause}${where}`, exit: EXIT_CODES[error.code] };
  }
  if (isInterrupt(error)) return { line: "bfa: interrupted", exit: 130 };
  if (isDiskFailure(error)) return { line: `bfa: ${error.message}`, exit: EXIT_CODES.storage };
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  const shown = verbose ? stack : `${reason(error)} (-v shows where)`;
  return { line: `bfa: this is a bug: ${shown}`, exit: 1 };
}

/** The line of a statement that DuckDB points at, with its mark below; nothing, where it points at none. */
function placeInStatement({ code, cause }: BfaError): string {
  if (code !== "sql_rejected" || !(cause instanceof Error)) return "";
  const found = /\n(LINE \d+: .*\n *\^)/.exec(cause.message)?.[1];
  return found ? `\n${found.replaceAll(/^/gm, "  ")}` : "";
}

/** What a signal of {@linkcode World.onInterrupt} ends. */
function isInterrupt(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** What the operating system refuses is no bug of ours: its message names the file. */
function isDiskFailure(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    /^E[A-Z]+$/.test(error.code) &&
    !/^E(PIPE|CONN|ADDR|HOST|NET)/.test(error.code);
}

/**
 * Deno says which permission is missing, at times behind an error of ours; the user wants to know which flag gives
 * it. (npm packages wrap the error in one of their own.)
 */
function missingPermission(error: unknown): string | undefined {
  for (let depth = 0; depth < 4 && error instanceof Error; depth++) {
    if (error instanceof Deno.errors.NotCapable) return missingFlag(error);
    error = error.cause;
  }
  return undefined;
}

function missingFlag(error: Error): string {
  const flag = /run again with the (--allow-[a-z]+)/.exec(error.message)?.[1];
  const what = error.message.split(",")[0];
  return flag ? `${what}: add ${flag}` : error.message;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
