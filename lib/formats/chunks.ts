/**
 * Text in chunks: what a client has not yet taken need not be made.
 *
 * @module
 */

/** Rows per chunk: some tens of kilobytes. */
const ROWS = 500;

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
