/**
 * Download: one artifact from the first mirror that has it whole, resumed where an earlier try ended.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { asBfaError, BfaError, HttpError, IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { LEAST_BYTES, STALL_MS, withoutStall } from "../net/body.ts";
import type { HttpClient } from "../net/client.ts";
import { IS_WEB_PAGE, isEncoded, isWebPage } from "../net/odd_answers.ts";
import { DEFAULT_RETRY, retryDelayMs } from "../net/retry.ts";
import type { CopyStore, PartialObject } from "./copy_store.ts";

/** Told of every chunk that arrived. */
export type OnProgress = (artifact: Artifact, bytes: number) => void;

/** How to download. */
export interface DownloadOptions {
  readonly http: HttpClient;
  readonly store: CopyStore;
  /** Base URLs, tried in order. */
  readonly mirrors: readonly string[];
  readonly onProgress?: OnProgress | undefined;
  /** How long a server may go silent in the middle of a body, or trickle, ms. */
  readonly stallMs?: number;
}

/** How often wrong bytes are fetched again before the mirror is given up. */
const INTEGRITY_TRIES = 3;

/** How often a download begins again whose file is removed meanwhile. */
const REMOVED_TRIES = 3;

/** How long to wait for another process that downloads the same artifact, ms. */
const LOCK_WAIT_MS = 120_000;

/**
 * Brings an artifact into a copy, unless it is there already.
 *
 * @throws {IntegrityError} when every mirror that answered served other bytes.
 * @throws {BfaError} `network` when none answered.
 */
export async function download(artifact: Artifact, options: DownloadOptions): Promise<void> {
  const { store } = options;
  if (await store.has(artifact)) return;
  await store.withLock(artifact.sha256, LOCK_WAIT_MS, async () => {
    for (let tries = 1;; tries++) {
      if (await store.has(artifact)) return; // another process was here
      try {
        return await downloadOnce(artifact, options);
      } catch (error) {
        if (!isRemoved(error) || tries === REMOVED_TRIES) throw error;
      }
    }
  });
}

async function downloadOnce(artifact: Artifact, options: DownloadOptions): Promise<void> {
  const partial = await options.store.begin(artifact);
  try {
    await fromAnyMirror(artifact, partial, options);
  } finally {
    partial.close();
  }
}

/** Whether what had arrived was taken away: the cache may be cleared at any time. */
function isRemoved(error: unknown): boolean {
  const cause = error instanceof BfaError ? error.cause : error;
  return cause instanceof Error && cause.name === "NotFound"; // by its name: browsers have no Deno
}

async function fromAnyMirror(
  artifact: Artifact,
  partial: PartialObject,
  options: DownloadOptions,
): Promise<void> {
  const bases = options.mirrors.map((base) => `${base}${artifact.sha256}/${artifact.name}`);
  const urls = artifact.url ? [artifact.url, ...bases] : bases;
  let failure: BfaError | undefined;
  for (const url of urls) {
    try {
      return await fromMirror(url, artifact, partial, options);
    } catch (error) {
      const why = placed(asBfaError(error, "network", `fetch ${url}`), url);
      if (why.code === "storage") throw why;
      // Wrong bytes are worse news than none.
      if (!failure || why instanceof IntegrityError) failure = why;
    }
  }
  throw failure ?? new BfaError("network", `Cannot fetch ${artifact.name}: no mirror is known`);
}

/** Wrong bytes are told with the address that sent them: its publisher wants to know. */
function placed(error: BfaError, url: string): BfaError {
  if (!(error instanceof IntegrityError)) return error;
  return new IntegrityError(url, error.expected, error.actual, { cause: error });
}

async function fromMirror(
  url: string,
  artifact: Artifact,
  partial: PartialObject,
  options: DownloadOptions,
): Promise<void> {
  let wrong = 0;
  let cuts = 0;
  let furthest = partial.bytes;
  while (true) {
    if (partial.bytes < artifact.bytes) {
      try {
        await fetchRest(url, artifact, partial, options);
      } catch (error) {
        if (!(error instanceof CutError)) throw error;
        // Getting as far as before is no progress, nor is a trickle.
        cuts = partial.bytes >= furthest + LEAST_BYTES ? 1 : cuts + 1;
        furthest = Math.max(furthest, partial.bytes);
        if (cuts >= DEFAULT_RETRY.tries) throw error;
        await delay(retryDelayMs(cuts, Math.random(), DEFAULT_RETRY));
        continue;
      }
    }
    try {
      return await partial.commit();
    } catch (error) {
      if (!(error instanceof IntegrityError) || ++wrong >= INTEGRITY_TRIES) throw error;
    }
  }
}

/** The body ended early: what came is kept, the rest is asked for again. */
class CutError extends BfaError {}

async function fetchRest(
  url: string,
  artifact: Artifact,
  partial: PartialObject,
  options: DownloadOptions,
): Promise<void> {
  const { onProgress, stallMs = STALL_MS } = options;
  const response = await ask(url, artifact, partial, options);
  if (response.status === 416) {
    await response.body?.cancel();
    if (partial.bytes === 0) throw new HttpError(url, 416);
    await partial.restart();
    const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
    if (total !== undefined && Number(total) !== artifact.bytes) {
      throw new IntegrityError(artifact.name, artifact.sha256, `that of a file of ${total} bytes`);
    }
    throw new CutError("network", `Cannot fetch ${url}: the range was refused`);
  }
  const resumed = response.status === 206 &&
    response.headers.get("content-range") ===
      `bytes ${partial.bytes}-${artifact.bytes - 1}/${artifact.bytes}`;
  if (!resumed && partial.bytes > 0) await partial.restart();
  if (!resumed && response.status === 206) {
    await response.body?.cancel();
    throw new CutError("network", `Cannot fetch ${url}: it sent another range than asked for`);
  }

  try {
    for await (const chunk of response.body ? withoutStall(response.body, url, stallMs) : []) {
      if (partial.bytes + chunk.length > artifact.bytes) {
        await partial.restart();
        throw new IntegrityError(artifact.name, artifact.sha256, "that of a longer file");
      }
      await partial.append(chunk);
      onProgress?.(artifact, partial.bytes);
    }
  } catch (error) {
    if (error instanceof BfaError && error.code !== "network") throw error;
    const stalled = error instanceof BfaError && error.cause === undefined;
    const why = stalled ? error.message : `Cannot fetch ${url}: the connection broke`;
    throw new CutError("network", why, { cause: error });
  }
  if (partial.bytes < artifact.bytes) {
    throw new CutError("network", `Cannot fetch ${url}: it ended after ${partial.bytes} bytes`);
  }
}

/** Asks for what is missing. */
async function ask(
  url: string,
  artifact: Artifact,
  partial: PartialObject,
  { http }: DownloadOptions,
): Promise<Response> {
  // Without If-Range: servers have ETags of their own, and what is at an artifact's address never
  // changes. Where it does all the same, its digest tells, and it is fetched from its start.
  const range = partial.bytes > 0 ? { range: `bytes=${partial.bytes}-` } : {};
  const headers = { "accept-encoding": "identity", ...range };
  const response = await http.get(url, { headers, accept: [416] });
  if (response.status === 416 || isWhole(response, artifact)) return response;
  if (isWebPage(response)) {
    await response.body?.cancel();
    throw new BfaError("network", `Cannot fetch ${url}: ${IS_WEB_PAGE}`);
  }
  // Some servers call encoded whatever ends so.
  if (!isEncoded(response) || artifact.name.endsWith(".gz")) return response;
  // It compresses whatever it is asked for: the platform undoes that, unless it was asked for none.
  await response.body?.cancel();
  await partial.restart();
  return await http.get(url);
}

/** Whether an answer is of a file of the right length, whatever else it says of it. */
function isWhole({ headers }: Response, { bytes }: Artifact): boolean {
  return headers.get("content-length") === `${bytes}` ||
    headers.get("content-range")?.endsWith(`/${bytes}`) === true;
}
