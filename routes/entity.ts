/**
 * An entity is an answer encoded once: its bytes, the gzip of them, a strong ETag for each. It is
 * served from memory for as long as its version is the newest.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { preconditionFailed, unmet } from "./conditions.ts";
import { acceptsGzip } from "./headers.ts";
import { noteLength } from "./http2.ts";
import { countSent } from "./sent_bytes.ts";

/** Changes when the same question on the same version gets other bytes than before. */
const ANSWERS_REVISION = 3;

/** Below this size, compressing costs more than it saves. */
const GZIP_FROM_BYTES = 860;

/** The 200 and the 304 of one encoding. */
interface Representation {
  readonly ok: Response;
  /** Bytes of its body. */
  readonly length: number;
  readonly notModified: Response;
}

/** An answer, encoded. Its responses are copied for each client: copying checks nothing again. */
export interface Entity {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The tags of its representations: as it is, and compressed. */
  readonly tags: readonly [plain: string, gzip: string];
  /** When its version was published, ms, where that is known. */
  readonly publishedAt: number | undefined;
  /** Whether gzip makes it smaller. */
  readonly zips: boolean;
  readonly plain: Representation;
  gzip?: Representation;
}

/** The tags of an answer: plain and compressed. `question` is its canonical form. */
export function tagsOf(version: string, question: string): Entity["tags"] {
  const digest = createHash("sha256").update(`${ANSWERS_REVISION} ${question}`).digest("base64url");
  const tag = `${version}-${digest.slice(0, 16)}`;
  // Two encodings are two representations: each has its own strong tag.
  return [`"${tag}"`, `"${tag}-gzip"`];
}

/** Encodes an answer. `headers` are those of its 200, without tag and length. */
export function entity(
  body: Uint8Array<ArrayBuffer>,
  { tags, publishedAt }: Pick<Entity, "tags" | "publishedAt">,
  options: { headers: Headers; zips: boolean },
): Entity {
  const headers = new Headers(options.headers);
  headers.set("etag", tags[0]);
  const zips = options.zips && body.length >= GZIP_FROM_BYTES;
  return { body, tags, publishedAt, zips, plain: representation(body, headers) };
}

/** Answers a GET or HEAD with an entity: 304 when the client has it, gzip when it accepts that. */
export function respond(request: Request, entity: Entity): Response {
  const zips = entity.zips && acceptsGzip(request);
  const { ok, notModified, length } = zips ? entity.gzip ??= compress(entity) : entity.plain;
  // Either tag says that the client has this answer; the 304 names the tag of the 200 it stands for.
  switch (unmet(request.headers, entity)) {
    case "failed":
      return preconditionFailed();
    case "not modified":
      return notModified.clone();
  }
  const response = ok.clone();
  // The server tells the length of what it sends; of a HEAD that would be 0.
  if (request.method === "HEAD") response.headers.set("content-length", String(length));
  else countSent("answers", length);
  noteLength(request, response, length);
  return response;
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

/** What says something about a body, or about headers that a 304 does not have. */
const ONLY_200 = ["content-security-policy", "access-control-expose-headers"];

function representation(body: Uint8Array<ArrayBuffer>, headers: Headers): Representation {
  const bare = new Headers(headers);
  for (const name of ["content-type", "content-encoding", "link", ...ONLY_200]) {
    bare.delete(name);
  }
  return {
    ok: new Response(body, { headers }),
    length: body.length,
    notModified: new Response(null, { status: 304, headers: bare }),
  };
}
