/**
 * Requests to GitHub's REST API: the token, retries, rate limits, and one clear line for every way it
 * can refuse. It knows nothing of releases.
 *
 * @module
 */

import { BfaError, type ErrorCode } from "../core/errors.ts";
import type { GithubRepo } from "../core/github_names.ts";
import { refusalText } from "../net/body.ts";
import type { Fetch } from "../net/client.ts";
import { DEFAULT_RETRY, readRetryAfter, retryDelayMs, type RetryPolicy } from "../net/retry.ts";

/** What a refusal said. */
export class GithubError extends BfaError {
  /** The class, for logs. */
  override name = "GithubError";

  /** Makes an error for one answer; `status` is 0 when there was none, `reasons` are GitHub's codes. */
  constructor(
    code: ErrorCode,
    message: string,
    readonly status: number,
    readonly reasons: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }

  /** Whether the request may have been carried out all the same. */
  get unsure(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** One request. */
export interface GithubRequest {
  readonly json?: unknown;
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly mediaType?: string;
  /** What to accept; the API's JSON when left out. */
  readonly accept?: string;
  /** Statuses that are answers, besides 2xx. */
  readonly answers?: readonly number[];
}

/** Sends requests. */
export interface GithubApi {
  /** `github:OWNER/REPO`, for messages. */
  readonly place: string;
  /** Sends a request to a path under the repository, or to a whole URL that GitHub gave. */
  request(method: string, target: string, request?: GithubRequest): Promise<Response>;
  /** Fetches a signed address, which wants no token and must not get one. */
  fetchSigned(url: string): Promise<Response>;
  /** Waits before another try, the longer the more there were. */
  pause(attempt: number): Promise<void>;
}

/** Where the API is, and how to use it. */
export interface GithubApiOptions {
  readonly repo: GithubRepo;
  /** Base URL without a slash at the end. */
  readonly api: string;
  readonly token?: string | undefined;
  readonly fetch?: Fetch | undefined;
  readonly retry?: RetryPolicy;
  readonly random?: () => number;
  readonly now?: () => Date;
  /** Waits, in ms. */
  readonly wait?: (ms: number) => Promise<void>;
  /** Told when GitHub asks to wait. */
  readonly onWait?: (line: string) => void;
}

/** The base URL of GitHub's own API. */
export const GITHUB_API = "https://api.github.com";

/** The longest wait that GitHub may ask for, ms: a daily job has time, a person wants to know. */
const MOST_ASKED_MS = 15 * 60_000;

/** "Wait at least one minute" when a secondary limit does not say how long (REST API, rate limits). */
const SECONDARY_MS = 60_000;

/** How long an answer may take; a file of 2 GiB takes its time. */
const ANSWER_MS = 60_000;
const FILE_MS = 30 * 60_000;

/** Requests that may be sent twice. */
const REPEATABLE = new Set(["GET", "PATCH", "DELETE"]);

/** Makes a client for one repository. */
export function githubApi(options: GithubApiOptions): GithubApi {
  const { repo, api, token, retry = DEFAULT_RETRY } = options;
  const { random = Math.random, now = () => new Date() } = options;
  const wait = options.wait ?? ((ms) => new Promise((done) => setTimeout(done, ms)));
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const place = `github:${repo.owner}/${repo.name}`;
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new BfaError("usage", "Cannot use the GitHub token: it has characters that no token has");
  }

  async function once(method: string, url: string, request: GithubRequest): Promise<Response> {
    const headers = new Headers({
      accept: request.accept ?? "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      "user-agent": "bfa", // GitHub refuses requests without one
    });
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const type = request.mediaType ?? (request.json === undefined ? undefined : "application/json");
    if (type !== undefined) headers.set("content-type", type);
    const body = request.bytes ??
      (request.json === undefined ? null : JSON.stringify(request.json));
    const signal = AbortSignal.timeout(request.bytes || request.accept ? FILE_MS : ANSWER_MS);
    // The token must not follow a redirect to another host.
    const init: RequestInit = { method, headers, body, signal, redirect: "manual" };
    try {
      return await send(url, init);
    } catch (cause) {
      const { host } = new URL(url);
      const why = "no answer, or the connection broke; run the same command again";
      const message = `Cannot reach ${host} for ${place}: ${why}`;
      throw new GithubError("network", message, 0, [], { cause });
    }
  }

  return {
    place,
    async fetchSigned(url) {
      try {
        const response = await send(url, { signal: AbortSignal.timeout(FILE_MS) });
        if (response.ok) return response;
        await response.body?.cancel();
        throw new GithubError("network", `Cannot read a file of ${place}`, response.status);
      } catch (error) {
        if (error instanceof GithubError) throw error;
        // Without the cause, which would show the address.
        throw new GithubError("network", `Cannot read a file of ${place}`, 0);
      }
    },

    pause: (attempt) => wait(retryDelayMs(attempt, random(), retry)),

    async request(method, target, request = {}) {
      const url = /^https?:/.test(target)
        ? target
        : `${api}/repos/${repo.owner}/${repo.name}${target}`;
      if (new URL(url).protocol !== new URL(api).protocol) {
        throw new GithubError(
          "network",
          `Cannot use ${place}: it asks for the token in the open`,
          200,
        );
      }
      for (let attempt = 1;; attempt++) {
        let failure: GithubError;
        try {
          const response = await once(method, url, request);
          if (response.ok || request.answers?.includes(response.status)) return response;
          const said = await readRefusal(response);
          const askedMs = rateLimitMs(response, said.message, now());
          if (askedMs !== undefined) {
            const until = new Date(now().getTime() + askedMs).toISOString().slice(0, 16);
            const line = `${place}: GitHub's rate limit is reached until ${
              until.replace("T", " ")
            } UTC`;
            if (askedMs > MOST_ASKED_MS || attempt >= retry.tries) {
              const message = `Cannot go on with ${line}; run the same command again then`;
              throw new GithubError("limit", message, response.status);
            }
            options.onWait?.(line);
            await wait(askedMs);
            continue;
          }
          failure = refusal(place, response, said, token !== undefined);
        } catch (error) {
          if (!(error instanceof GithubError)) throw error;
          failure = error;
        }
        if (!failure.unsure || !REPEATABLE.has(method) || attempt >= retry.tries) throw failure;
        await wait(retryDelayMs(attempt, random(), retry));
      }
    },
  };
}

interface Refusal {
  message: string;
  reasons: string[];
}

/** GitHub's own words, made one short line. */
async function readRefusal(response: Response): Promise<Refusal> {
  let message = "";
  const reasons: string[] = [];
  try {
    const body = JSON.parse(await refusalText(response));
    if (typeof body.message === "string") message = body.message;
    for (const error of Array.isArray(body.errors) ? body.errors : []) {
      if (typeof error?.code === "string") reasons.push(error.code);
      if (typeof error?.message === "string") message += `: ${error.message}`;
    }
  } catch {
    // an error page, or a body that was cut: the status says enough
  }
  return { message: message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200), reasons };
}

/**
 * How long GitHub asks to wait; `undefined` when this is no rate limit. In this order, as its guide
 * says: `Retry-After`; `X-RateLimit-Reset` when nothing remains; else a minute. Both limits answer 403
 * or 429.
 */
function rateLimitMs(response: Response, message: string, now: Date): number | undefined {
  if (response.status !== 403 && response.status !== 429) return undefined;
  const { headers } = response;
  const asked = readRetryAfter(headers.get("retry-after"), now);
  if (asked !== undefined) return asked;
  if (headers.get("x-ratelimit-remaining") === "0") {
    const reset = Number(headers.get("x-ratelimit-reset")) * 1000;
    return reset > 0 ? Math.max(1_000, reset - now.getTime()) : SECONDARY_MS;
  }
  return response.status === 429 || /rate limit/i.test(message) ? SECONDARY_MS : undefined;
}

function refusal(
  place: string,
  { status }: Response,
  { message, reasons }: Refusal,
  hasToken: boolean,
): GithubError {
  const said = message ? ` (${status}: ${message})` : ` (${status})`;
  const [code, text] = meaning(status, hasToken);
  return new GithubError(code, `Cannot use ${place}: ${text}${said}`, status, reasons);
}

/** What a status of GitHub means, and what to do about it. */
function meaning(status: number, hasToken: boolean): [code: ErrorCode, text: string] {
  if (status === 401) {
    return hasToken
      ? ["usage", "GitHub does not accept the token in GITHUB_TOKEN; make a new one"]
      : ["usage", "it needs a token: set GITHUB_TOKEN"];
  }
  if (status === 403) {
    return ["usage", 'the token lacks the right; it needs "Contents: read and write"'];
  }
  if (status === 404) {
    return [
      "not_found",
      "there is no such thing, or the token may not see it; check the name and the token's rights",
    ];
  }
  if (status >= 300 && status < 400) {
    return ["usage", "the repository was renamed; use its new name"];
  }
  if (status === 409 || status === 422) return ["conflict", "GitHub refuses it"];
  return ["network", "GitHub did not answer as it should; run the same command again"];
}
