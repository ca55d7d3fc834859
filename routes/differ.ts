/**
 * Comparisons of versions for strangers: few at once, and what one has found out is there for the next page.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import { BfaError } from "../lib/core/errors.ts";
import { Shares } from "../lib/core/shares.ts";
import { type DiffSide, VersionDiff } from "../lib/jobs/version_diff.ts";
import type { AskedVersion } from "../lib/jobs/version_sources.ts";
import type { Differ } from "./question.ts";

/** How many comparisons are remembered: each keeps the listings of two versions. */
const KEPT = 8;

/** How many may read at once: each holds a month of rows of two versions, some tens of MB. */
const AT_ONCE = 2;

/** How many may wait for that. */
const MOST_WAITING = 16;

/** How many of all these may be one client's. */
const MOST_OF_CLIENT = 4;

/** Compares versions. `sideOf` finds a version's rows. */
export function differ(sideOf: (asked: AskedVersion) => DiffSide): Differ {
  const known = new LRUCache<string, VersionDiff>({ max: KEPT });
  const shares = new Shares(MOST_OF_CLIENT);
  const waiting = new Set<() => void>();
  let running = 0;

  function comparisonOf(a: AskedVersion, b: AskedVersion): VersionDiff {
    const key = `${a.source.version} ${b.source.version}`;
    let comparison = known.get(key);
    if (!comparison) known.set(key, comparison = new VersionDiff(sideOf(a), sideOf(b)));
    return comparison;
  }

  /** Waits for a turn, or until nobody waits for the answer any more. */
  async function turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (running < AT_ONCE) return void running++;
    if (waiting.size >= MOST_WAITING) throw refusal("busy", "too many comparisons wait already");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      waiting.delete(resolve); // or its turn would come, and be nobody's
      reject(signal!.reason);
    };
    waiting.add(resolve);
    signal?.addEventListener("abort", leave);
    try {
      await promise; // takes the place of who was done
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  function done(): void {
    const [next] = waiting;
    if (!next) return void running--;
    waiting.delete(next);
    next();
  }

  return async (a, b, { client, ...question }) => {
    const giveBack = shares.take(client);
    if (!giveBack) throw refusal("too_many", `${shares.most} of yours are under way`);
    try {
      await turn(question.signal);
      try {
        return await comparisonOf(a, b).answer(question);
      } finally {
        done();
      }
    } catch (error) {
      if (!question.signal?.aborted) throw error;
      throw new BfaError("deadline", "Cannot answer: the client has left", { cause: error });
    } finally {
      giveBack();
    }
  };
}

function refusal(code: "busy" | "too_many", why: string): BfaError {
  return new BfaError(code, `Cannot compare versions now: ${why}`);
}
