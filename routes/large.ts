/**
 * Large answers: sent piece by piece, as fast as the client takes them, and not kept in memory.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";

/** Answers above this size are streamed. */
export const LARGE_BYTES = 1024 * 1024;

/** How many may be under way at once. */
export const MAX_STREAMS = 256;

/** How many of them one client may have: a reader of ranges takes a few at once, an office some more. */
const MAX_OF_CLIENT = 32;

/** A client that takes nothing for this long is let go, ms. */
const IDLE_MS = 30_000;

let streams = 0;

/** How many each client has; those who have none are not in it. */
const clients = new Map<string, number>();

/** How many large answers are under way in this process. */
export function largeAnswers(): number {
  return streams;
}

/**
 * The first piece of what some chunks hold: all of it, when that is less than {@linkcode LARGE_BYTES}.
 */
export function gather(chunks: Iterable<Uint8Array<ArrayBuffer>>): {
  start: Uint8Array<ArrayBuffer>;
  rest: Iterator<Uint8Array<ArrayBuffer>> | undefined;
} {
  const iterator = chunks[Symbol.iterator]();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  let next = iterator.next();
  for (; !next.done && bytes <= LARGE_BYTES; next = iterator.next()) {
    parts.push(next.value);
    bytes += next.value.length;
  }
  if (!next.done) parts.push(next.value);
  return { start: joined(parts), rest: next.done ? undefined : iterator };
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Pieces as they are made or read. */
type Pieces =
  | Iterator<Uint8Array<ArrayBuffer>>
  | AsyncIterator<Uint8Array<ArrayBuffer>>;

/**
 * A stream that takes its pieces when the client does.
 *
 * @param options.client Who takes it, where that is known.
 * @throws {BfaError} `unavailable` when too many are under way, `too_many` when too many of them are this
 *   client's.
 */
export function largeStream(
  pieces: Pieces,
  options: { start?: Uint8Array<ArrayBuffer>; idleMs?: number; client?: string | undefined } = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { start, idleMs = IDLE_MS, client } = options;
  const refusal = refusalOf(client);
  if (refusal) {
    pieces.return?.();
    throw refusal;
  }
  count(client, 1);
  let idle: ReturnType<typeof setTimeout> | undefined;
  let open = true;
  const end = async () => {
    clearTimeout(idle);
    if (!open) return;
    open = false;
    await pieces.return?.();
    count(client, -1);
  };
  return new ReadableStream({
    start(controller) {
      if (start) controller.enqueue(start);
    },
    async pull(controller) {
      clearTimeout(idle);
      const { done, value } = await next(pieces, end);
      if (!open) return;
      if (done) {
        await end();
        return controller.close();
      }
      idle = setTimeout(() => {
        controller.error(new Error("the client takes nothing"));
        end();
      }, idleMs);
      controller.enqueue(value); // may find that the client has left, and call cancel at once
    },
    cancel: end,
  }, { highWaterMark: 1 });
}

function refusalOf(client: string | undefined): BfaError | undefined {
  if (streams >= MAX_STREAMS) {
    const message = "Cannot send another large answer now: too many are under way";
    return new BfaError("unavailable", message);
  }
  if (client === undefined || (clients.get(client) ?? 0) < MAX_OF_CLIENT) return undefined;
  return new BfaError(
    "too_many",
    `Cannot send another large answer: ${MAX_OF_CLIENT} of yours are under way; take one of them first`,
  );
}

function count(client: string | undefined, more: 1 | -1): void {
  streams += more;
  if (client === undefined) return;
  const now = (clients.get(client) ?? 0) + more;
  if (now > 0) clients.set(client, now);
  else clients.delete(client);
}

async function next(pieces: Pieces, failed: () => Promise<void>) {
  try {
    return await pieces.next();
  } catch (error) {
    await failed();
    throw error;
  }
}
