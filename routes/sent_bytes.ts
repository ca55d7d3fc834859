/**
 * How many bytes the bodies of this process's answers have. An answer that its client leaves counts whole.
 *
 * @module
 */

/** Files of versions, which a mirror could send as well; everything else. */
export type Sent = "files" | "answers";

const bytes: Record<Sent, number> = { files: 0, answers: 0 };

/** Counts a body, or a part of one. */
export function countSent(what: Sent, length: number): void {
  bytes[what] += length;
}

/** What was counted since the process began. */
export function sentBytes(): Readonly<Record<Sent, number>> {
  return bytes;
}

/** Passes a stream on and counts what passes. */
export function countedStream(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return stream.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        countSent("answers", chunk.length);
        controller.enqueue(chunk);
      },
    }),
  );
}
