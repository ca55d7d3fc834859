/**
 * The one catalogue of errors. Every failure that a user can meet is a {@linkcode BfaError} with a
 * stable `code`; the two edges (routes, commands) each map every code to a status or an exit code.
 *
 * @module
 */

/** The stable name of a kind of failure. */
export type ErrorCode =
  | "usage"
  | "not_found"
  | "not_acceptable"
  | "stale"
  | "expired"
  | "integrity"
  | "untrusted"
  | "rollback"
  | "network"
  | "unavailable"
  | "offline"
  | "limit"
  | "too_many"
  | "sql_rejected"
  | "deadline"
  | "busy"
  | "not_implemented"
  | "storage"
  | "conflict"
  | "precondition_failed"
  | "format_too_new";

/**
 * A failure that is part of the product: its message is one clear line that says what to do.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { BfaError } from "./errors.ts";
 * assertEquals(new BfaError("usage", "Cannot read the day").code, "usage");
 * ```
 */
export class BfaError extends Error {
  /** The class, for logs. */
  override name = "BfaError";
  /** The stable name of this kind of failure. */
  readonly code: ErrorCode;

  /** Makes an error with a stable code and one line of text. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What was asked for does not exist; `suggestions` holds the nearest things that do. */
export class NotFoundError extends BfaError {
  /** The class, for logs. */
  override name = "NotFoundError";

  /** Makes a `not_found` error. */
  constructor(message: string, readonly suggestions: readonly string[] = []) {
    super("not_found", message);
  }
}

/** The bytes received are not the bytes the manifest promised. */
export class IntegrityError extends BfaError {
  /** The class, for logs. */
  override name = "IntegrityError";

  /** Makes an `integrity` error that carries both digests (lower-case hex SHA-256). */
  constructor(
    readonly artifact: string,
    readonly expected: string,
    readonly actual: string,
    options?: ErrorOptions,
  ) {
    super(
      "integrity",
      `Cannot use "${artifact}": its SHA-256 is ${actual}, the manifest says ${expected}`,
      options,
    );
  }
}

/** The other side answered with an HTTP status that is not a success. */
export class HttpError extends BfaError {
  /** The class, for logs. */
  override name = "HttpError";

  /** Makes a `network` error for one response; `retryAfterMs` is what the server asked for. */
  constructor(
    readonly url: string,
    readonly status: number,
    readonly retryAfterMs?: number,
  ) {
    const asks = retryAfterMs ? `, and asks to wait ${Math.ceil(retryAfterMs / 1000)} s` : "";
    const means = STATUS_MEANINGS[status] ?? "";
    super("network", `Cannot fetch ${url}: the server answered ${status}${means}${asks}`);
  }
}

/** What statuses mean that are not the server's own, but of what stands before it. */
const STATUS_MEANINGS: Readonly<Record<number, string>> = {
  407: " (a proxy wants a login)",
  511: " (the network wants a login)",
};

/** Wraps whatever was thrown as a {@linkcode BfaError}, keeping it as the cause. */
export function asBfaError(thrown: unknown, code: ErrorCode, action: string): BfaError {
  if (thrown instanceof BfaError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new BfaError(code, `Cannot ${action}: ${reason}`, { cause: thrown });
}
