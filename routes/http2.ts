/**
 * Answers over HTTP/2. On one connection a client can ask hundreds of questions and take none of the answers; each
 * would be held whole for as long as it likes. Over HTTP/1.1 the system's own buffers take them.
 *
 * @module
 */

import { byteChunks } from "../lib/formats/chunks.ts";
import { LARGE_BYTES, largeStream } from "./large.ts";

/** Up to this size Deno takes an answer from us at once, whether its client does or not (measured, with such pieces). */
const HELD_FROM_BYTES = 96 * 1024;
const PIECE_BYTES = 16 * 1024;

/** Whether a request came over HTTP/2, which has no Host header. */
function isHttp2(request: Request): boolean {
  return request.headers.get("host") === null;
}

/** Lengths of answers whose headers do not tell. */
const lengths = new WeakMap<Response, number>();

/** Notes the length of an answer whose headers do not tell it. */
export function noteLength(request: Request, answer: Response, length: number): void {
  // Looking at a header costs more than looking at a number.
  if (length > HELD_FROM_BYTES && isHttp2(request)) lengths.set(answer, length);
}

/** Whether {@linkcode noteLength} has noted an answer: one from memory need not be looked at else. */
export function isNoted(answer: Response): boolean {
  return lengths.has(answer);
}

/**
 * The same answer, sent as it is taken where it would be held: few at once, and not for long.
 *
 * @throws {BfaError} `busy` when too many are not taken, `too_many` when too many of them are this client's.
 */
export function sentAsTaken(request: Request, answer: Response, client: string): Response {
  if (!isHttp2(request) || !answer.body) return answer;
  const length = lengths.get(answer) ?? Number(answer.headers.get("content-length"));
  if (!(length > HELD_FROM_BYTES && length <= LARGE_BYTES)) return answer;
  return new Response(largeStream(pieces(answer.body), { client, holds: "answer" }), answer);
}

async function* pieces(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
  for await (const bytes of body) yield* byteChunks(bytes, PIECE_BYTES);
}
