/**
 * Messages between the server and its SQL children, over pipes: two lengths, a header in JSON, bytes.
 *
 * @module
 */

/** One message. */
export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

const EMPTY = new Uint8Array(0);

/** No message is longer: rows are limited to 8 MB, a statement to 16 KiB. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A message as bytes, in two pieces so that the body is not copied. */
export function frameBytes(
  header: Frame["header"],
  body: Uint8Array<ArrayBuffer> = EMPTY,
): Uint8Array<ArrayBuffer>[] {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + text.length);
  const view = new DataView(head.buffer);
  view.setUint32(0, text.length);
  view.setUint32(4, body.length);
  head.set(text, 8);
  return body.length ? [head, body] : [head];
}

/** Reads messages until the stream ends. */
export async function* readFrames(stream: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  const reader = stream.getReader();
  let chunk: Uint8Array = EMPTY;
  let at = 0;

  /** The next bytes; `undefined` at the end. */
  async function take(length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (length > MAX_BYTES) throw new RangeError("a message is too long");
    const taken = new Uint8Array(length);
    for (let have = 0; have < length;) {
      if (at === chunk.length) {
        const { value, done } = await reader.read();
        if (done) return undefined;
        chunk = value;
        at = 0;
      }
      const part = chunk.subarray(at, at + length - have);
      taken.set(part, have);
      have += part.length;
      at += part.length;
    }
    return taken;
  }

  try {
    while (true) {
      const lengths = await take(8);
      if (!lengths) return;
      const view = new DataView(lengths.buffer);
      const head = await take(view.getUint32(0));
      const body = head && await take(view.getUint32(4));
      if (!body) return;
      yield { header: JSON.parse(new TextDecoder().decode(head)), body };
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
