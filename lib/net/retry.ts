/**
 * When to try again: exponential backoff with full jitter; what the server asked for wins.
 *
 * @module
 */

/** How often and how long to try. */
export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly tries: number;
  /** The longest wait after the first failure, ms; it doubles with every further one. */
  readonly baseMs: number;
  /** The longest wait of all, ms. */
  readonly mostMs: number;
}

/** At most 6 tries within about 12 s on average. */
export const DEFAULT_RETRY: RetryPolicy = { tries: 6, baseMs: 400, mostMs: 20_000 };

/**
 * How long to wait after a failed try, in ms.
 *
 * @param attempt The number of the try that failed, from 1.
 * @param random A number in [0, 1): spreads clients out.
 * @param retryAfterMs What the server asked for, where it did.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DEFAULT_RETRY, retryDelayMs } from "./retry.ts";
 * assertEquals(retryDelayMs(3, 0.5, DEFAULT_RETRY), 800);
 * assertEquals(retryDelayMs(1, 0.5, DEFAULT_RETRY, 7000), 7000);
 * ```
 */
export function retryDelayMs(
  attempt: number,
  random: number,
  policy: RetryPolicy,
  retryAfterMs?: number,
): number {
  if (retryAfterMs !== undefined) return retryAfterMs;
  return Math.floor(random * Math.min(policy.mostMs, policy.baseMs * 2 ** (attempt - 1)));
}

/** Whether a status may be gone on the next try. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501);
}

/** Reads `Retry-After`: seconds or an HTTP date; `undefined` when it is neither. */
export function readRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const time = /GMT$/.test(header.trim()) ? Date.parse(header) : NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now.getTime());
}
