/**
 * Bodies of answers, read within bounds: of length, and of how long a server may go silent.
 *
 * @module
 */

import { asBfaError, BfaError } from "../core/errors.ts";
import { inTime } from "../core/in_time.ts";

/** The bytes of an answer, or of a file. */
export type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** How long a server may go silent in the middle of a body, ms. */
export const STALL_MS = 15_000;

/** Bytes that a server must bring in that time: one that trickles holds a client for days without being silent. */
export const LEAST_BYTES = 1_024;

/**
 * Passes a body on, and fails when its server goes silent, or only trickles: fetching has a time limit up to the
 * headers only. Nobody waits while nobody reads.
 *
 * @param what What is read, for the message.
 */
export function withoutStall(body: Body, what: string, stallMs = STALL_MS): Body {
  const reader = body.getReader();
  let leftMs = stallMs;
  let came = 0;
  return new ReadableStream({
    async pull(controller) {
      const began = performance.now();
      try {
        const { done, value } = await inTime(reader.read(), leftMs, () => {
          const why = leftMs > stallMs / 2 ? "it went silent" : "it only trickles";
          throw new BfaError("network", `Cannot read ${what}: ${why}`);
        });
        came += value?.length ?? 0;
        leftMs -= performance.now() - began;
        if (came >= LEAST_BYTES) [leftMs, came] = [stallMs, 0];
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        reader.cancel(error).catch(() => {});
        throw asBfaError(error, "network", `read ${what}`);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/**
 * The text of a body, which must not be longer than it can be.
 *
 * @param most The most bytes to read.
 * @throws {BfaError} `integrity` when it is longer.
 */
export async function limitedText(body: Body | null, most: number, what: string): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of body ? withoutStall(body, what) : []) {
    bytes += chunk.length;
    if (bytes > most) {
      throw new BfaError("integrity", `Cannot read ${what}: it is longer than ${most} bytes`);
    }
    chunks.push(chunk);
  }
  return await new Blob(chunks).text();
}

/** The beginning of what a server said with a refusal: nothing where that cannot be read. */
export async function refusalText(response: Response): Promise<string> {
  return await limitedText(response.body, 20_000, "a refusal").catch(() => "");
}
