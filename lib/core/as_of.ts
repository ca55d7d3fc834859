/**
 * What was known when: the version that a channel named at the end of a day.
 *
 * @module
 */

import type { Day } from "./day.ts";
import { BfaError, NotFoundError } from "./errors.ts";
import type { ManifestBody } from "./manifest.ts";

/** The part of a manifest that tells which version a channel named from when on. */
export type Move = Pick<ManifestBody, "channel" | "sequence" | "version" | "publishedAt">;

/**
 * The move that a channel stood at when a day (UTC) ended.
 *
 * @param newest The channel's newest manifest.
 * @param load Any manifest by its sequence, from 1 on.
 * @throws {NotFoundError} when nothing was published in the channel by then.
 * @throws {BfaError} `untrusted` when only a key that no longer counts signed what was published by then.
 */
export async function moveAsOf(
  day: Day,
  newest: Move,
  load: (sequence: number) => Promise<Move>,
): Promise<Move> {
  const isLater = ({ publishedAt }: Move) => publishedAt.slice(0, 10) > day;
  if (!isLater(newest)) return newest;
  // Sequences and instants grow together: halve until the last manifest of that day is found. One that a retired
  // key signed is older than those that count; when the day is that old, reading it says so.
  const isNotYet = async (sequence: number) => {
    try {
      return isLater(await load(sequence));
    } catch (error) {
      if (error instanceof BfaError && error.code === "untrusted") return false;
      throw error;
    }
  };
  let [low, high] = [0, newest.sequence];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isNotYet(middle)) high = middle;
    else low = middle;
  }
  for (; low > 0; low--) {
    const move = await load(low);
    if (move.channel === newest.channel) return move;
  }
  throw new NotFoundError(
    `no version as of ${day}: nothing was published in ${newest.channel} by then`,
  );
}
