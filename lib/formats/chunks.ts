/**
 * Answers in chunks: what a client has not yet taken need not be made, or not be copied.
 *
 * @module
 */

/** Rows per chunk: some tens of kilobytes. */
export const ROWS = 500;

/** Encodes a header, then rows, a few hundred at a time. */
export function* textChunks<Row>(
  header: string,
  rows: readonly Row[],
  text: (rows: readonly Row[]) => string,
): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  yield encoder.encode(header + text(rows.slice(0, ROWS)));
  for (let i = ROWS; i < rows.length; i += ROWS) {
    yield encoder.encode(text(rows.slice(i, i + ROWS)));
  }
}

/** Rows that a binary format takes at a time: some milliseconds of work. */
export const BATCH_ROWS = 2_048;

/** What a format gives while it works that has nothing to give yet: others may have their turn. */
export const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array();

/** Bytes of a chunk of what is there whole. */
const BYTES = 64 * 1024;

/** Bytes that are there whole, a piece at a time. */
export function* byteChunks(
  bytes: Uint8Array<ArrayBuffer>,
  most: number = BYTES,
): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at === 0 || at < bytes.length; at += most) yield bytes.subarray(at, at + most);
}
