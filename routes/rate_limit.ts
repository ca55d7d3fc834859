/**
 * Limits on how often one client, and all together, may ask: a leaky bucket per key.
 *
 * Told as draft-ietf-httpapi-ratelimit-headers has it: `RateLimit-Policy: "client";q=1200;w=60` and
 * `RateLimit: "client";r=17;t=3`.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import { BfaError } from "../lib/core/errors.ts";

/** So many requests in so many seconds. */
export interface RatePolicy {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
}

/** What a limit says of one request. */
export interface RateVerdict {
  readonly policy: RatePolicy;
  readonly allowed: boolean;
  /** Requests that may follow at once. */
  readonly remaining: number;
  /** Until the bucket is empty again; when refused, until the next request may come. Seconds. */
  readonly waitSeconds: number;
}

/** Adding up thirds and sevenths of a window ends a little beside it. */
const ROUNDING_MS = 1e-3;

/** Clients that are remembered: the ones that asked last. */
const CLIENTS = 10_000;

/** Keeps a limit. `nowMs` grows steadily. */
export class RateLimit {
  readonly #policy: RatePolicy;
  /** When each client's bucket would be empty, ms. */
  readonly #emptyAt = new LRUCache<string, number>({ max: CLIENTS });

  /** A limit by a policy. */
  constructor(policy: RatePolicy) {
    this.#policy = policy;
  }

  /** Counts a request, unless it is one too many. */
  take(key: string, nowMs: number): RateVerdict {
    const { quota, windowSeconds } = this.#policy;
    const windowMs = windowSeconds * 1000;
    const eachMs = windowMs / quota;
    const emptyAt = Math.max(this.#emptyAt.get(key) ?? 0, nowMs);
    const filled = emptyAt - nowMs + eachMs;
    const allowed = filled <= windowMs + ROUNDING_MS;
    if (allowed) this.#emptyAt.set(key, emptyAt + eachMs);
    return {
      policy: this.#policy,
      allowed,
      remaining: allowed ? Math.floor((windowMs - filled + ROUNDING_MS) / eachMs) : 0,
      waitSeconds: Math.ceil((allowed ? filled : filled - windowMs) / 1000),
    };
  }
}

/** The headers that tell a client where it stands. */
export function rateHeaders(
  { policy, remaining, waitSeconds }: RateVerdict,
): Record<string, string> {
  return {
    "ratelimit-policy": `"${policy.name}";q=${policy.quota};w=${policy.windowSeconds}`,
    "ratelimit": `"${policy.name}";r=${remaining};t=${waitSeconds}`,
  };
}

/**
 * Reads a policy such as `1200/60s`; `0` and `off` are none.
 *
 * @throws {BfaError} `usage` for anything else.
 */
function readPolicy(name: string, text: string): RatePolicy | undefined {
  if (text === "0" || text === "off") return undefined;
  const match = /^([1-9]\d{0,8})\/([1-9]\d{0,4})s$/.exec(text);
  if (match) return { name, quota: Number(match[1]), windowSeconds: Number(match[2]) };
  throw new BfaError(
    "usage",
    `Cannot read the rate limit ${JSON.stringify(text.slice(0, 40))}: write 1200/60s, or off`,
  );
}

/** The limits of a service, as its settings name them. */
export interface RateSettings {
  /** For one client; `1200/60s` when left out. */
  readonly perClient?: string | undefined;
  /** For all clients together; none when left out. */
  readonly forAll?: string | undefined;
}

/** A client that asks 20 times a second, for a minute, is no person and needs a copy. */
const PER_CLIENT = "1200/60s";

/** Reads the limits of a service. */
export function readLimits({ perClient = PER_CLIENT, forAll = "off" }: RateSettings): {
  perClient: RatePolicy | undefined;
  forAll: RatePolicy | undefined;
} {
  return { perClient: readPolicy("client", perClient), forAll: readPolicy("all", forAll) };
}
