/**
 * An entity is an answer encoded once: its bytes, the gzip of them, a strong ETag for each. It is
 * served from memory for as long as its version is the newest.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { acceptsGzip, CORS, noneMatch } from "./headers.ts";

/** Changes when the same question on the same version gets other bytes than before. */
const ANSWERS_REVISION = 1;

/** Below this size, compressing costs more than it saves. */
const GZIP_FROM_BYTES = 860;

/** An answer, encoded. Its responses are copied for each client: copying checks nothing again. */
export interface Entity {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The tags of its representations: as it is, and compressed. */
  readonly tags: readonly [plain: string, gzip: string];
  readonly plain: Response;
  readonly notModified: Response;
  gzip?: Response;
}

/** Encodes an answer. `question` is its canonical form. */
export function entity(answer: unknown, version: string, question: string): Entity {
  const digest = createHash("sha256").update(`${ANSWERS_REVISION} ${question}`).digest("base64url");
  const tag = `${version}-${digest.slice(0, 16)}`;
  // Two encodings are two representations: each has its own strong tag.
  const tags = [`"${tag}"`, `"${tag}-gzip"`] as const;
  const body = new TextEncoder().encode(JSON.stringify(answer) + "\n");
  const headers = entityHeaders(version, tags[0]);
  const bare = new Headers(headers);
  bare.delete("content-type");
  return {
    body,
    tags,
    plain: new Response(body, { headers }),
    notModified: new Response(null, { status: 304, headers: bare }),
  };
}

/** Answers a request with an entity: 304 when the client has it, gzip when it accepts that. */
export function respond({ headers }: Request, entity: Entity): Response {
  const condition = headers.get("if-none-match");
  if (condition !== null && noneMatch(condition, entity.tags)) return entity.notModified.clone();
  if (entity.body.length < GZIP_FROM_BYTES || !acceptsGzip(headers.get("accept-encoding"))) {
    return entity.plain.clone();
  }
  entity.gzip ??= compress(entity);
  return entity.gzip.clone();
}

/** How much memory an entity holds, bytes, at most. */
export function weight(entity: Entity): number {
  return entity.body.length * 2 + 2_000;
}

function compress({ body, plain, tags }: Entity): Response {
  const headers = new Headers(plain.headers);
  headers.set("etag", tags[1]);
  headers.set("content-encoding", "gzip");
  return new Response(new Uint8Array(gzipSync(body)), { headers });
}

function entityHeaders(version: string, etag: string): Headers {
  return new Headers({
    ...CORS,
    "content-type": "application/json",
    "cache-control": "public, max-age=60, stale-if-error=86400",
    "vary": "Accept-Encoding",
    "x-dataset-version": version,
    etag,
  });
}
