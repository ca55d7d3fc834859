/**
 * HTTP for clients: retries, a time limit for every step, and no surprise redirects.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { asBfaError, BfaError, HttpError } from "../core/errors.ts";
import {
  DEFAULT_RETRY,
  isTransient,
  readRetryAfter,
  retryDelayMs,
  type RetryPolicy,
} from "./retry.ts";

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a request may take. */
export interface RequestOptions {
  headers?: Record<string, string>;
  /** Ends the request and all further tries. */
  signal?: AbortSignal | undefined;
  /** Tries in all, instead of the client's own number. */
  tries?: number;
  /** Statuses that are answers, besides 2xx. */
  accept?: readonly number[];
}

/** Fetches with retries. */
export interface HttpClient {
  /** The first answer that is one; the body is still to be read. */
  get(url: string, options?: RequestOptions): Promise<Response>;
}

/** How the client works; the defaults are the platform's own. */
export interface HttpClientOptions {
  fetch?: Fetch | undefined;
  retry?: RetryPolicy;
  /** How long a server may take to begin its answer, ms. */
  firstByteMs?: number;
  random?: () => number;
  now?: () => Date;
  /** Hosts (`host` or `host:port`) that any server may redirect to; GitHub's own are known. */
  downloadHosts?: readonly string[] | undefined;
  /** Told, at most once, when a request has had no answer for a while; `failure` is that of its last try, if one has failed. */
  onWait?: ((origin: string, failure: BfaError | undefined) => void) | undefined;
  /** How long that while is, ms: longer than a stale copy waits. */
  quietMs?: number;
}

/** Where github.com redirects downloads of release assets to: since 2025, and before. */
const GITHUB_DOWNLOADS: ReadonlySet<string> = new Set([
  "release-assets.githubusercontent.com",
  "objects.githubusercontent.com",
]);

const FIRST_BYTE_MS = 20_000;
const QUIET_MS = 3_000;
const MAX_REDIRECTS = 5;

/** Makes a client. */
export function httpClient(options: HttpClientOptions = {}): HttpClient {
  const { retry = DEFAULT_RETRY, firstByteMs = FIRST_BYTE_MS } = options;
  const { random = Math.random, now = () => new Date() } = options;
  const { downloadHosts = [], onWait, quietMs = QUIET_MS } = options;
  let told = onWait === undefined;
  const fetchOne: Fetch = options.fetch ?? ((url, init) => fetch(url, init));

  async function once(url: string, request: RequestOptions): Promise<Response> {
    let target = url;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const response = await withFirstByte(fetchOne, target, request, firstByteMs);
      const location = response.headers.get("location");
      if (response.status < 300 || response.status === 304 || response.status >= 400 || !location) {
        return response;
      }
      await response.body?.cancel();
      target = redirected(target, location, downloadHosts);
    }
    throw new BfaError(
      "network",
      `Cannot fetch ${url}: it redirects more than ${MAX_REDIRECTS} times`,
    );
  }

  /** Tries until there is an answer; `onFailure` hears of every try that is followed by another one. */
  async function answered(
    url: string,
    request: RequestOptions,
    onFailure: (failure: BfaError) => void,
  ): Promise<Response> {
    for (let attempt = 1;; attempt++) {
      let failure: BfaError;
      try {
        const response = await once(url, request);
        if (response.ok || request.accept?.includes(response.status)) return response;
        await response.body?.cancel();
        const wait = readRetryAfter(response.headers.get("retry-after"), now());
        failure = new HttpError(url, response.status, wait);
        if (!isTransient(response.status)) throw failure;
      } catch (error) {
        if (isNoPermission(error)) throw error; // it will not come
        if (error instanceof HttpError || request.signal?.aborted) throw aborted(error, url);
        failure = asBfaError(reasonOf(error), "network", `reach ${new URL(url).origin}`);
        if (failure === error) throw failure;
      }
      if (attempt >= (request.tries ?? retry.tries)) throw failure;
      const asked = failure instanceof HttpError ? failure.retryAfterMs : undefined;
      if (asked !== undefined && asked > retry.mostMs) throw failure;
      onFailure(failure);
      const waitMs = retryDelayMs(attempt, random(), retry, asked);
      await delay(waitMs, signalOption(request.signal)).catch((e) => {
        throw aborted(e, url, failure);
      });
    }
  }

  return {
    async get(url, request = {}) {
      if (told) return await answered(url, request, () => {});
      let last: BfaError | undefined;
      const timer = setTimeout(() => {
        if (!told) onWait?.(new URL(url).origin, last);
        told = true;
      }, quietMs);
      try {
        return await answered(url, request, (failure) => last = failure);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * Another host that is not known to belong, or plain http after https, is refused: the manifest names
 * the mirrors.
 */
function redirected(from: string, location: string, allowed: readonly string[]): string {
  const here = new URL(from);
  const there = new URL(location, from);
  const belongs = there.host === here.host || allowed.includes(there.host) ||
    (here.host === "github.com" && GITHUB_DOWNLOADS.has(there.host));
  if (belongs && (there.protocol === here.protocol || there.protocol === "https:")) {
    return there.href;
  }
  const allow = belongs ? "" : `; where that is right, allow it (--download-hosts ${there.host})`;
  throw new BfaError(
    "network",
    `Cannot fetch ${from}: it redirects to ${there.origin}, which is refused${allow}`,
  );
}

async function withFirstByte(
  fetchOne: Fetch,
  url: string,
  { headers, signal }: RequestOptions,
  firstByteMs: number,
): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no answer in ${Math.round(firstByteMs / 1000)} s`)),
    firstByteMs,
  );
  try {
    const both = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    return await fetchOne(url, {
      redirect: "manual",
      signal: both,
      ...(headers ? { headers } : {}),
    });
  } finally {
    clearTimeout(timer);
  }
}

function aborted(error: unknown, url: string, cause: unknown = error): BfaError {
  if (error instanceof BfaError) return error;
  const reason = cause instanceof Error && cause !== error ? `: ${cause.message}` : "";
  return new BfaError("network", `Cannot reach ${new URL(url).origin} in time${reason}`, { cause });
}

/**
 * Runtimes say "fetch failed". Why is in the cause; in Deno's at its end, behind the address (which may be long):
 * `error sending request for url (…): client error (Connect): dns error: …`.
 */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error;
  const why = error.cause.message.replace(
    /^error sending request.*?\)(: client error \(\w+\))?(: |$)/,
    "",
  );
  return why ? new Error(why, { cause: error }) : error;
}

/** Only Deno has such errors. */
function isNoPermission(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}

function signalOption(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
