/**
 * A stream cut into parts of one length: what uploads in parts send.
 *
 * @module
 */

import { joinBytes } from "../core/bytes.ts";

/**
 * The parts of a stream, each of `bytes` bytes but the last, which has at least one. An empty stream
 * has one empty part.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { partsOf } from "./file_parts.ts";
 * const parts = await Array.fromAsync(partsOf(new Blob(["abcdefg"]).stream(), 3));
 * assertEquals(parts.map((part) => new TextDecoder().decode(part)), ["abc", "def", "g"]);
 * ```
 */
export async function* partsOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  bytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let held = 0;
  let any = false;
  for await (let chunk of stream) {
    while (held + chunk.length > bytes) {
      const room = bytes - held;
      yield joinBytes([...chunks, chunk.subarray(0, room)]);
      any = true;
      chunk = chunk.subarray(room);
      chunks = [];
      held = 0;
    }
    // Copied: whoever made the chunk may write its next one in the same memory.
    if (chunk.length > 0) chunks.push(chunk.slice());
    held += chunk.length;
  }
  if (held > 0 || !any) yield joinBytes(chunks);
}
