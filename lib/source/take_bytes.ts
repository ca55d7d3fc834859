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
 * @param take Returns how many bytes it took. The bytes are valid until then.
 * @throws {SyntaxError} for a body that goes on and on while nothing of it is taken.
 */
export async function takeBytes(
  body: ReadableStream<Uint8Array> | null,
  take: (bytes: Uint8Array, isLast: boolean) => number,
): Promise<void> {
  let buffer = new Uint8Array(BUFFER_BYTES);
  let length = 0;
  for await (const chunk of body ?? []) {
    if (length + chunk.length > buffer.length) {
      if (length > MOST_LEFT_BYTES) throw new SyntaxError("a part that does not end");
      const larger = new Uint8Array(2 * (length + chunk.length));
      larger.set(buffer.subarray(0, length));
      buffer = larger;
    }
    buffer.set(chunk, length);
    length += chunk.length;
    const taken = take(buffer.subarray(0, length), false);
    buffer.copyWithin(0, taken, length);
    length -= taken;
  }
  take(buffer.subarray(0, length), true);
}
