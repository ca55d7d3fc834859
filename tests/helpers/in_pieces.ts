/** Bytes as a body that arrives in pieces. @module */

/** A stream of bytes, as the body of an answer is: one piece for each time it is read. */
export function inPieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const piece = bytes.slice(at, at += size);
      if (piece.length > 0) controller.enqueue(piece);
      if (at < bytes.length) return;
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}
