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

/** An answer, encoded. */
export interface Entity {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly headers: HeadersInit;
  gzip?: { body: Uint8Array<ArrayBuffer>; headers: HeadersInit };
}

/** Encodes an answer. `question` is its canonical form. */
export function entity(answer: unknown, version: string, question: string): Entity {
  const digest = createHash("sha256").update(`${ANSWERS_REVISION} ${question}`).digest("base64url");
  const etag = `"${version}-${digest.slice(0, 16)}"`;
  return {
    body: new TextEncoder().encode(JSON.stringify(answer) + "\n"),
    etag,
    headers: entityHeaders(version, etag),
  };
}

/** Answers a request with an entity: 304 when the client has it, gzip when it accepts that. */
export function respond(request: Request, entity: Entity): Response {
  const { headers } = request;
  const tags = headers.get("if-none-match");
  if (tags !== null && noneMatch(tags, [entity.etag, gzipTag(entity.etag)])) {
    return new Response(null, { status: 304, headers: entity.headers });
  }
  if (entity.body.length >= GZIP_FROM_BYTES && acceptsGzip(headers.get("accept-encoding"))) {
    entity.gzip ??= compress(entity);
    return new Response(entity.gzip.body, { headers: entity.gzip.headers });
  }
  return new Response(entity.body, { headers: entity.headers });
}

/** How much memory an entity holds, bytes, at most. */
export function weight(entity: Entity): number {
  return entity.body.length * 2 + 500;
}

function compress(entity: Entity): NonNullable<Entity["gzip"]> {
  const headers = new Headers(entity.headers);
  headers.set("etag", gzipTag(entity.etag));
  headers.set("content-encoding", "gzip");
  return { body: new Uint8Array(gzipSync(entity.body)), headers: [...headers] };
}

/** Two encodings are two representations: each has its own strong tag. */
function gzipTag(etag: string): string {
  return `${etag.slice(0, -1)}-gzip"`;
}

function entityHeaders(version: string, etag: string): HeadersInit {
  return [
    ...Object.entries(CORS),
    ["content-type", "application/json"],
    ["cache-control", "public, max-age=60, stale-if-error=86400"],
    ["vary", "Accept-Encoding"],
    ["x-dataset-version", version],
    ["etag", etag],
  ] as [string, string][];
}
