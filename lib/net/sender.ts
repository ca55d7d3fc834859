/**
 * Requests of any method, for those who publish: tried again where that helps, and as late as the
 * server asks. What an answer means is the caller's to say.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import type { Fetch } from "./client.ts";
import {
  DEFAULT_RETRY,
  isTransient,
  readRetryAfter,
  retryDelayMs,
  type RetryPolicy,
} from "./retry.ts";

/** One request, ready to be sent. */
export interface Sendable {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
}

/** How to send. */
export interface SendOptions {
  /** Must not be sent again when it may have been carried out: an answer of 5xx, or none at all. */
  readonly once?: boolean;
  /** Ends the request and all further tries. */
  readonly signal?: AbortSignal | undefined;
  /** Tries in all, instead of the sender's own number. */
  readonly tries?: number | undefined;
}

/** Sends requests. */
export interface Sender {
  /**
   * The first answer that trying again would not change, or the last one of all. Redirects are answers.
   *
   * @param make Makes the request, anew for every try: signatures hold the time.
   */
  send(make: () => Sendable | Promise<Sendable>, options?: SendOptions): Promise<Response>;
}

/** How a sender works; the defaults are the platform's own. */
export interface SenderOptions {
  /** What to call the server in messages: `s3://bucket`. */
  readonly place: string;
  readonly fetch?: Fetch | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly random?: () => number;
  readonly now?: (() => Date) | undefined;
  /** Waits, in ms. */
  readonly wait?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  /** Told when the server asks to wait. */
  readonly onWait?: ((line: string) => void) | undefined;
}

/** The longest wait that a server may ask for, ms: a daily job has time, a person wants to know. */
const MOST_ASKED_MS = 15 * 60_000;

/** How long an answer may take to begin; after a part of a large file the server thinks. */
const ANSWER_MS = 60_000;
const FILE_MS = 10 * 60_000;

/** Makes a sender. */
export function sender(options: SenderOptions): Sender {
  const { place, retry = DEFAULT_RETRY, random = Math.random } = options;
  const { now = () => new Date(), wait = pause } = options;
  const fetchOne: Fetch = options.fetch ?? ((url, init) => fetch(url, init));

  async function once(request: Sendable, signal?: AbortSignal): Promise<Response> {
    const { url, method, headers, body } = request;
    const late = new AbortController();
    const limit = body ? FILE_MS : ANSWER_MS;
    const timer = setTimeout(() => late.abort(new Error(`no answer in ${limit / 1000} s`)), limit);
    const both = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const init: RequestInit = { method, headers, redirect: "manual", signal: both };
    try {
      return await fetchOne(url, body ? { ...init, body } : init);
    } catch (cause) {
      const { host } = new URL(url);
      throw new BfaError(
        "network",
        `Cannot reach ${host} for ${place}: no answer, or the connection broke; run the same command again`,
        { cause },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async send(make, { once: notTwice = false, signal, tries = retry.tries } = {}) {
      for (let attempt = 1;; attempt++) {
        const last = attempt >= tries;
        let askedMs: number | undefined;
        try {
          const response = await once(await make(), signal);
          askedMs = readRetryAfter(response.headers.get("retry-after"), now());
          const { status } = response;
          // Some servers refuse with 403 whoever is too fast.
          const refused = status === 429 || (status === 403 && askedMs !== undefined);
          const again = refused || (isTransient(status) && !notTwice);
          if (!again || (last && !refused)) return response;
          await response.body?.cancel();
          if (refused && (last || (askedMs ?? 0) > MOST_ASKED_MS)) {
            throw tooFast(place, status, askedMs, now());
          }
        } catch (error) {
          const unsure = error instanceof BfaError && error.code === "network";
          if (!unsure || notTwice || last || signal?.aborted) throw error;
        }
        const waitMs = retryDelayMs(attempt, random(), retry, askedMs);
        if (askedMs !== undefined && askedMs > 0) {
          options.onWait?.(`${place} asks to wait ${Math.ceil(askedMs / 1000)} s`);
        }
        await wait(waitMs, signal);
      }
    },
  };
}

function tooFast(place: string, status: number, askedMs: number | undefined, now: Date): BfaError {
  const until = askedMs === undefined
    ? "later"
    : `after ${new Date(now.getTime() + askedMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return new BfaError(
    "limit",
    `Cannot go on with ${place}: its rate limit is reached (${status}); run the same command again ${until}`,
  );
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const { delay } = await import("@std/async/delay");
  await delay(ms, signal ? { signal } : {});
}
