/**
 * A mirror in an S3 bucket: AWS's own, or any server that speaks its protocol. Files are objects under
 * the mirror's own paths, so the bucket, or a CDN in front, is an endpoint that anybody reads over plain
 * HTTPS.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { digestOf, hashStream } from "../files/file_facts.ts";
import { partsOf } from "../files/file_parts.ts";
import { answeredFile, answeredSize, rangeHeader } from "./answered_file.ts";
import { digestInPath, fileHeaders, isMoving } from "./file_headers.ts";
import type { Mirror } from "./mirror.ts";
import type { S3Api } from "./s3_api.ts";
import { uploadParts } from "./s3_upload.ts";

/**
 * What is longer is uploaded in parts of this length, bytes: 10,000 of them at most, 5 MiB at least
 * (S3's limits). Of what goes up whole S3 states the digest, of parts it does not: those must be read
 * back, with every publish, and reading is what a bucket charges for.
 */
const PART_BYTES = 64 * 1024 * 1024;

/** A mirror under a prefix of a bucket. */
export function s3Mirror(api: S3Api, prefix: string, partBytes = PART_BYTES): Mirror {
  const nameOf = (path: string) => `${path} on ${mirror.name}`;
  const mirror: Mirror = {
    name: prefix ? `${api.name}/${prefix.slice(0, -1)}` : api.name,

    async size(path) {
      const response = await api.request("HEAD", prefix + path, { answers: [404] });
      await response.body?.cancel();
      return response.status === 404 ? undefined : answeredSize(response, nameOf(path));
    },

    async open(path, range) {
      const request = { headers: rangeHeader(range), answers: [404] };
      const response = await api.request("GET", prefix + path, request);
      if (response.status !== 404) return await answeredFile(response, nameOf(path), range);
      const why = await api.refusal(response);
      if (why.reason && why.reason !== "NoSuchKey") throw why;
      return undefined;
    },

    async digest(path) {
      const headers = { "x-amz-checksum-mode": "ENABLED" };
      const response = await api.request("HEAD", prefix + path, { headers, answers: [404] });
      await response.body?.cancel();
      if (response.status === 404) return null;
      const stated = response.headers.get("x-amz-checksum-sha256") ?? "";
      // What was uploaded in parts has a digest of digests, which ends with their number.
      return /^[A-Za-z0-9+/]{43}=$/.test(stated)
        ? Uint8Array.fromBase64(stated).toHex()
        : undefined;
    },

    async put(path, body) {
      const parts = partsOf(body, partBytes);
      try {
        const first = (await parts.next()).value!;
        const second = await parts.next();
        if (second.done) await putWhole(path, first);
        else await putParts(path, [first, second.value], parts);
      } finally {
        await parts.return(undefined); // lets go of the body
      }
    },
  };

  async function putWhole(path: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const digest = await digestOf(body);
    const headers = { ...fileHeaders(path), "x-amz-checksum-sha256": digest.toBase64() };
    await create(path, digest.toHex(), (condition) => {
      const request = { body, headers: { ...headers, ...condition }, answers: [409, 412] };
      return api.request("PUT", prefix + path, request);
    });
  }

  async function putParts(
    path: string,
    begun: readonly Uint8Array<ArrayBuffer>[],
    rest: AsyncIterable<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    async function* all() {
      yield* begun;
      yield* rest;
    }
    const upload = { api, key: prefix + path, headers: fileHeaders(path) };
    await uploadParts(upload, all(), (digest, finish) => create(path, digest, finish));
  }

  /**
   * Creates what never changes only where nothing is: a publisher that was elsewhere meanwhile replaces
   * nothing. Moving files are replaced.
   *
   * @param ours The SHA-256 of what is to be there.
   * @returns `false` when it was there already.
   */
  async function create(
    path: string,
    ours: string,
    send: (condition: Record<string, string>) => Promise<Response>,
  ): Promise<boolean> {
    if (isMoving(path)) return await done(await send({}));
    const response = await send({ "if-none-match": "*" });
    if (response.ok) return await done(response);
    await response.body?.cancel();
    // Another publisher may be at it this moment (409), or was (412).
    const there = await mirror.open(path);
    const theirs = there && (await hashStream(there.body)).sha256;
    if (theirs === ours) return false;
    const named = digestInPath(path) !== undefined;
    if (theirs !== undefined && !named) {
      throw new BfaError(
        "conflict",
        `Cannot write ${path} on ${mirror.name}: another one is there; use the publisher's own KV`,
      );
    }
    // Damage: the bytes are not those that the path names. Or nothing yet: whoever is at it comes first.
    return await done(await send(named ? {} : { "if-none-match": "*" }));
  }

  /** Reads an answer to its end; what was put in parts may still say that it failed. */
  async function done(response: Response): Promise<true> {
    if (!response.ok) throw await api.refusal(response);
    const text = await api.text(response);
    const reason = /<Error>[\s\S]*?<Code>(\w{1,60})<\/Code>/.exec(text)?.[1];
    if (reason) {
      throw new BfaError(
        "network",
        `Cannot finish an upload to ${mirror.name} (${reason}); run the same command again`,
      );
    }
    return true;
  }

  return mirror;
}
