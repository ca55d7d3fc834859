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

/** The 200 and the 304 of one encoding. */
interface Representation {
  readonly ok: Response;
  readonly notModified: Response;
}

/** An answer, encoded. Its responses are copied for each client: copying checks nothing again. */
export interface Entity {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The tags of its representations: as it is, and compressed. */
  readonly tags: readonly [plain: string, gzip: string];
  readonly plain: Representation;
  gzip?: Representation;
}

/** Encodes an answer. `question` is its canonical form. */
export function entity(answer: unknown, version: string, question: string): Entity {
  const digest = createHash("sha256").update(`${ANSWERS_REVISION} ${question}`).digest("base64url");
  const tag = `${version}-${digest.slice(0, 16)}`;
  // Two encodings are two representations: each has its own strong tag.
  const tags = [`"${tag}"`, `"${tag}-gzip"`] as const;
  const body = new TextEncoder().encode(JSON.stringify(answer) + "\n");
  return { body, tags, plain: representation(body, entityHeaders(version, tags[0])) };
}

/** Answers a request with an entity: 304 when the client has it, gzip when it accepts that. */
export function respond(request: Request, entity: Entity): Response {
  const zips = entity.body.length >= GZIP_FROM_BYTES && acceptsGzip(request);
  const { ok, notModified } = zips ? entity.gzip ??= compress(entity) : entity.plain;
  // Either tag says that the client has this answer; the 304 names the tag of the 200 it stands for.
  const known = noneMatch(request.headers.get("if-none-match"), entity.tags);
  return (known ? notModified : ok).clone();
}

/** How much memory an entity holds, bytes, at most. */
export function weight(entity: Entity): number {
  return entity.body.length * 2 + 2_000;
}

function compress({ body, plain, tags }: Entity): Representation {
  const headers = new Headers(plain.ok.headers);
  headers.set("etag", tags[1]);
  headers.set("content-encoding", "gzip");
  return representation(new Uint8Array(gzipSync(body)), headers);
}

function representation(body: Uint8Array<ArrayBuffer>, headers: Headers): Representation {
  headers.set("content-length", String(body.length)); // HEAD, without a body, would tell 0
  const bare = new Headers(headers);
  for (const name of ["content-type", "content-encoding", "content-length"]) bare.delete(name);
  return {
    ok: new Response(body, { headers }),
    notModified: new Response(null, { status: 304, headers: bare }),
  };
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
