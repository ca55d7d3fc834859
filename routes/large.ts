/**
 * Large answers: sent piece by piece, as fast as the client takes them, and not kept in memory.
 *
 * @module
 */

import { joinBytes } from "../lib/core/bytes.ts";
import { Slices } from "../lib/core/breath.ts";
import { BfaError } from "../lib/core/errors.ts";
import { Shares } from "../lib/core/shares.ts";
import type { LimitUse } from "./limits.ts";

/** Answers above this size are streamed. */
export const LARGE_BYTES = 1024 * 1024;

/** What a large answer holds while a client takes it. */
type Holds = "memory" | "file" | "answer";

/**
 * How many may be under way at once, and how many of one client's: a reader of ranges takes a few files at
 * once, an office some more. An answer that was made holds its bytes, up to 16 MB, until it is taken; one of those that
 * are sent whole (http2.ts), up to {@linkcode LARGE_BYTES}.
 */
const MOST: Readonly<Record<Holds, { readonly all: number; readonly ofClient: Shares }>> = {
  file: { all: 256, ofClient: new Shares(32) },
  memory: { all: 32, ofClient: new Shares(8) },
  answer: { all: 256, ofClient: new Shares(64) },
};

/** A client that takes nothing for this long is let go, ms. */
const IDLE_MS = 30_000;

const underWay: Record<Holds, number> = { file: 0, memory: 0, answer: 0 };

/** How near the limits of large answers are. */
export function largeLimits(): LimitUse[] {
  return [
    { limit: "large answers", used: underWay.memory, max: MOST.memory.all },
    { limit: "large files", used: underWay.file, max: MOST.file.all },
    { limit: "http2 answers", used: underWay.answer, max: MOST.answer.all },
  ];
}

/**
 * The first piece of what some chunks hold: all of it, when that is less than {@linkcode LARGE_BYTES}. Others have their
 * turn while chunks are made.
 *
 * @param signal Aborts when nobody waits for it any more: then no more of them are made.
 */
export async function gather(
  chunks: Iterable<Uint8Array<ArrayBuffer>>,
  signal?: AbortSignal,
): Promise<{
  start: Uint8Array<ArrayBuffer>;
  rest: Iterator<Uint8Array<ArrayBuffer>> | undefined;
}> {
  const iterator = chunks[Symbol.iterator]();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const slices = new Slices();
  const take = () => slices.do(() => iterator.next());
  let next = await take();
  for (; !next.done && bytes <= LARGE_BYTES; next = await take()) {
    parts.push(next.value);
    bytes += next.value.length;
    signal?.throwIfAborted();
  }
  if (!next.done) parts.push(next.value);
  return { start: joinBytes(parts), rest: next.done ? undefined : iterator };
}

/** Pieces as they are made or read. */
type Pieces =
  | Iterator<Uint8Array<ArrayBuffer>>
  | AsyncIterator<Uint8Array<ArrayBuffer>>;

/** How a large answer is sent. */
export interface LargeOptions {
  /** Pieces that are there already. */
  readonly start?: Uint8Array<ArrayBuffer>;
  readonly idleMs?: number;
  /** Who takes it, where that is known. */
  readonly client?: string | undefined;
  /** What is held meanwhile. */
  readonly holds: Holds;
}

/**
 * A stream that takes its pieces when the client does.
 *
 * @throws {BfaError} `busy` when too many are under way, `too_many` when too many of them are this client's.
 */
export function largeStream(
  pieces: Pieces,
  { start, idleMs = IDLE_MS, client, holds }: LargeOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const giveBack = placeFor(client, holds, pieces);
  let idle: ReturnType<typeof setTimeout> | undefined;
  let open = true;
  const slices = new Slices();
  const end = async () => {
    clearTimeout(idle);
    if (!open) return;
    open = false;
    giveBack();
    await leave(pieces);
  };
  const awaitTaking = (controller: ReadableStreamDefaultController) => {
    idle = setTimeout(() => {
      controller.error(new Error("the client takes nothing"));
      end().catch(() => {}); // nobody is left who could be told
    }, idleMs);
  };
  return new ReadableStream({
    start(controller) {
      if (!start) return; // it is asked for the first piece at once
      controller.enqueue(start);
      awaitTaking(controller);
    },
    async pull(controller) {
      clearTimeout(idle);
      const take = () => next(pieces, end);
      // What is held in memory has yet to be made.
      const { done, value } = await (holds === "memory" ? slices.do(take) : take());
      if (!open) return;
      if (done) {
        await end();
        return controller.close();
      }
      awaitTaking(controller);
      controller.enqueue(value); // may find that the client has left, and call cancel at once
    },
    cancel: end,
  }, { highWaterMark: 1 });
}

/** A place among those that are under way; returns how to give it back. */
function placeFor(client: string | undefined, holds: Holds, pieces: Pieces): () => void {
  const { all, ofClient } = MOST[holds];
  const refuse = (code: "busy" | "too_many", why: string) => {
    leave(pieces);
    return new BfaError(code, `Cannot send another large answer${why}`);
  };
  if (underWay[holds] >= all) throw refuse("busy", " now: too many are under way");
  const giveBack = ofClient.take(client);
  if (!giveBack) {
    throw refuse("too_many", `: ${ofClient.most} of yours are under way; take one of them first`);
  }
  underWay[holds]++;
  return () => {
    underWay[holds]--;
    giveBack();
  };
}

/** Ends pieces that nobody takes. If what they come from broke meanwhile, the process must not end with it. */
async function leave(pieces: Pieces): Promise<void> {
  try {
    await pieces.return?.();
  } catch {
    // it has ended as well
  }
}

async function next(pieces: Pieces, failed: () => Promise<void>) {
  try {
    return await pieces.next();
  } catch (error) {
    await failed();
    throw error;
  }
}
