/**
 * A body that is taken while it arrives, through one buffer.
 *
 * @module
 */

/** About as much as a connection hands over at once. */
const BUFFER_BYTES = 65_536;

/** A part that is longer, and still not taken, ends it. */
const MOST_LEFT_BYTES = 4 * 1024 * 1024;

/**
 * Hands over what has come; what is left of it is handed over again, with what comes next.
 *
 * @param body A stream of bytes, as bodies of answers are.
 * @param take Returns how many bytes it took. The bytes are valid until then.
 * @throws {SyntaxError} for a body that goes on and on while nothing of it is taken.
 */
export async function takeBytes(
  body: ReadableStream<Uint8Array> | null,
  take: (bytes: Uint8Array, isLast: boolean) => number,
): Promise<void> {
  let buffer = new Uint8Array(BUFFER_BYTES);
  let length = 0;
  // It is read into this buffer: else each read would make one of 64 KB, for the garbage collector.
  const reader = body?.getReader({ mode: "byob" });
  try {
    while (reader) {
      if (length === buffer.length) buffer = larger(buffer);
      const { value, done } = await reader.read(buffer.subarray(length));
      buffer = new Uint8Array(value!.buffer); // reading took its memory, and gives it back
      if (done) break;
      length += value.length;
      const taken = take(buffer.subarray(0, length), false);
      buffer.copyWithin(0, taken, length);
      length -= taken;
    }
    take(buffer.subarray(0, length), true);
  } catch (error) {
    await reader?.cancel().catch(() => {}); // it may have broken already
    throw error;
  }
}

function larger(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  if (buffer.length > MOST_LEFT_BYTES) throw new SyntaxError("a part that does not end");
  const twice = new Uint8Array(2 * buffer.length);
  twice.set(buffer);
  return twice;
}
