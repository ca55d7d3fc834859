/**
 * Ranges of artifacts: on plain HTTP servers, on any mirror, or out of bytes that are at hand.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { asBfaError, BfaError, HttpError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import type { RangeReader } from "../core/range_reader.ts";
import { STALL_MS } from "../net/body.ts";
import type { HttpClient } from "../net/client.ts";
import { IS_ENCODED, IS_WEB_PAGE, isEncoded, isWebPage } from "../net/odd_answers.ts";
import { DEFAULT_RETRY, retryDelayMs, type RetryPolicy } from "../net/retry.ts";
import { artifactPath, type MirrorReader } from "./mirror.ts";

/** A server that ignores ranges is put up with when what is wanted is near the start of its answer. */
const MOST_UNRANGED_BYTES = 1024 * 1024;

/** How often a range is asked for again after its body broke off. */
const CUT_TRIES = 3;

/**
 * Ranges over HTTP: one GET with `Range` each, from the first mirror that has the right bytes. What
 * came is checked against the manifest's length; a file that changes under its address is refused.
 *
 * @param bases Base URLs that end with a slash, tried in order.
 */
export function httpRanges(
  bases: readonly string[],
  http: HttpClient,
  retry: RetryPolicy = DEFAULT_RETRY,
): RangeReader {
  const tags = new Map<string, string>();
  let good: string | undefined;

  async function once(asked: Asked, signal: AbortSignal | undefined) {
    const { url, start, end } = asked;
    const headers = { "accept-encoding": "identity", "range": `bytes=${start}-${end - 1}` };
    const response = await http.get(url, { headers, signal, accept: [416] });
    try {
      const tag = response.headers.get("etag");
      const skip = skipOf(response, asked);
      if (tag !== null && (tags.get(url) ?? tag) !== tag) {
        throw new BfaError("integrity", `Cannot read ${url}: it changed while it was read`);
      }
      if (tag !== null) tags.set(url, tag);
      return await readExactly(response.body!, { what: url, skip, count: end - start, signal });
    } finally {
      if (!response.bodyUsed) await response.body?.cancel();
    }
  }

  async function fromUrl(asked: Asked, signal: AbortSignal | undefined) {
    for (let attempt = 1;; attempt++) {
      try {
        return await once(asked, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof CutError) || attempt >= CUT_TRIES) throw error;
        await delay(retryDelayMs(attempt, Math.random(), retry), signal ? { signal } : {});
      }
    }
  }

  return {
    async read(artifact, start, end, { signal, isSound } = {}) {
      const ordered = [...new Set(good === undefined ? bases : [good, ...bases])];
      const places = ordered.map((base) => [base, base + artifactPath(artifact)] as const);
      const own = artifact.url === undefined ? [] : [[undefined, artifact.url] as const];
      let failure: BfaError | undefined;
      for (const [base, url] of [...own, ...places]) {
        try {
          const bytes = await fromUrl({ url, artifact, start, end }, signal);
          if (isSound && !(await isSound(bytes))) {
            tags.delete(url); // when the file is put right, it has another
            throw notPromised(url, start, end);
          }
          good = base;
          return bytes;
        } catch (error) {
          signal?.throwIfAborted();
          const why = asBfaError(error, "network", `fetch ${url}`);
          // Wrong bytes are worse news than none.
          if (!failure || why.code === "integrity") failure = why;
        }
      }
      throw failure ?? new BfaError("network", `Cannot fetch ${artifact.name}: no mirror is known`);
    },
  };
}

/** Ranges of what a mirror holds. */
export function mirrorRanges(mirror: MirrorReader): RangeReader {
  return {
    async read(artifact, start, end, { signal, isSound } = {}) {
      signal?.throwIfAborted();
      const path = artifactPath(artifact);
      const file = await mirror.open(path, { start, end: end - 1 });
      if (!file) {
        throw new BfaError("unavailable", `Cannot read ${path}: the mirror does not have it`);
      }
      if (file.size !== artifact.bytes) {
        await file.body.cancel();
        throw otherLength(path, file.size, artifact);
      }
      const bytes = await readExactly(file.body, {
        what: path,
        skip: 0,
        count: end - start,
        signal,
      });
      if (isSound && !(await isSound(bytes))) throw notPromised(path, start, end);
      return bytes;
    },
  };
}

/** Artifacts that were read whole, by digest. */
export interface WholeFiles {
  get(sha256: string): Uint8Array<ArrayBuffer> | undefined;
  set(sha256: string, bytes: Uint8Array<ArrayBuffer>): unknown;
}

/** Ranges of artifacts that are read whole and verified, such as those of a copy. */
export function wholeRanges(
  read: (artifact: Artifact) => Promise<Uint8Array<ArrayBuffer>>,
  known: WholeFiles,
): RangeReader {
  // The file in use stays, even one that is too large for what keeps the others.
  let last: { readonly sha256: string; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
  return {
    async read(artifact, start, end, { signal } = {}) {
      const { sha256 } = artifact;
      const kept = last?.sha256 === sha256 ? last.bytes : known.get(sha256);
      const bytes = kept ?? await read(artifact);
      if (!kept) known.set(sha256, bytes);
      last = { sha256, bytes };
      signal?.throwIfAborted();
      return bytes.subarray(start, end);
    },
  };
}

/** The body ended early: the range is asked for again. */
class CutError extends BfaError {}

interface Asked {
  readonly url: string;
  readonly artifact: Artifact;
  readonly start: number;
  readonly end: number;
}

/** How many bytes of an answer's body come before the range. */
function skipOf(response: Response, { url, artifact, start, end }: Asked): number {
  const { status, headers } = response;
  if (status === 206) {
    const came = headers.get("content-range");
    if (came === `bytes ${start}-${end - 1}/${artifact.bytes}`) return 0;
    const total = /\/(\d+)$/.exec(came ?? "")?.[1];
    if (total !== undefined && Number(total) !== artifact.bytes) {
      throw unusual(response, url) ?? otherLength(url, Number(total), artifact);
    }
    throw new BfaError("integrity", `Cannot read ${url}: it sent another range than asked for`);
  }
  if (status === 416) {
    throw new BfaError("integrity", `Cannot read ${url}: it is shorter than the manifest says`);
  }
  if (status !== 200) throw new HttpError(url, status);
  const length = headers.get("content-length");
  if (length !== null && Number(length) !== artifact.bytes) {
    throw unusual(response, url) ?? otherLength(url, Number(length), artifact);
  }
  if (end <= MOST_UNRANGED_BYTES) return start;
  throw new BfaError(
    "network",
    `Cannot read a part of ${url}: the server has no ranges; keep a copy, or use another mirror`,
  );
}

/** Reads so many bytes of a body and leaves the rest. */
async function readExactly(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { what, skip, count, signal }: {
    what: string;
    skip: number;
    count: number;
    signal?: AbortSignal | undefined;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  const reader = body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silent = false;
  const stop = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", stop, { once: true });
  let at = -skip;
  try {
    while (at < count) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        silent = true;
        stop();
      }, STALL_MS);
      const { done, value } = await reader.read();
      if (done) break;
      const wanted = value.subarray(Math.max(0, -at), Math.max(0, count - at));
      if (wanted.length) bytes.set(wanted, Math.max(0, at));
      at += value.length;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new CutError("network", `Cannot read ${what}: the connection broke`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    await reader.cancel().catch(() => {});
  }
  signal?.throwIfAborted();
  if (silent) throw new CutError("network", `Cannot read ${what}: it went silent`);
  if (at < count) {
    throw new CutError("integrity", `Cannot read ${what}: it ended ${count - at} bytes early`);
  }
  return bytes;
}

/** Why an answer of another length is not the artifact's. */
function unusual(response: Response, url: string): BfaError | undefined {
  if (isWebPage(response)) return new BfaError("network", `Cannot read ${url}: ${IS_WEB_PAGE}`);
  if (!isEncoded(response)) return undefined;
  return new BfaError(
    "network",
    `Cannot read a part of ${url}: ${IS_ENCODED}; keep a copy, or use another mirror`,
  );
}

function otherLength(what: string, bytes: number, artifact: Artifact): BfaError {
  return new BfaError(
    "integrity",
    `Cannot read ${what}: it is ${bytes} bytes long, the manifest says ${artifact.bytes}`,
  );
}

function notPromised(what: string, start: number, end: number): BfaError {
  return new BfaError(
    "integrity",
    `Cannot use bytes ${start} to ${end - 1} of ${what}: they are not what the manifest promises`,
  );
}
