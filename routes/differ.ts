/**
 * Comparisons of versions for strangers: few at once, and what one has found out is there for the next page.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import { BfaError } from "../lib/core/errors.ts";
import { type DiffSide, VersionDiff } from "../lib/jobs/version_diff.ts";
import type { AskedVersion } from "../lib/jobs/version_sources.ts";
import type { Limits } from "./limits.ts";
import type { Differ } from "./question.ts";

/** How many comparisons are remembered: each keeps the listings of two versions. */
const KEPT = 8;

/** How many may read at once: each holds a month of rows of two versions, some tens of MB. */
const AT_ONCE = 2;

/** How many may wait for that. */
const MOST_WAITING = 16;

/** Compares versions. `sideOf` finds a version's rows; `limits` are told how many wait. */
export function differ(sideOf: (asked: AskedVersion) => DiffSide, limits?: Limits): Differ {
  const known = new LRUCache<string, VersionDiff>({ max: KEPT });
  const waiting: (() => void)[] = [];
  let running = 0;
  limits?.add(() => [
    { limit: "comparisons", used: running + waiting.length, max: AT_ONCE + MOST_WAITING },
  ]);

  function comparisonOf(a: AskedVersion, b: AskedVersion): VersionDiff {
    const key = `${a.source.version} ${b.source.version}`;
    let comparison = known.get(key);
    if (!comparison) known.set(key, comparison = new VersionDiff(sideOf(a), sideOf(b)));
    return comparison;
  }

  return async (a, b, question) => {
    if (running >= AT_ONCE) {
      if (waiting.length >= MOST_WAITING) {
        throw new BfaError(
          "busy",
          "Cannot compare versions now: too many comparisons wait already",
        );
      }
      await new Promise<void>((resolve) => waiting.push(resolve)); // takes the place of who was done
    } else {
      running++;
    }
    try {
      question.signal?.throwIfAborted();
      return await comparisonOf(a, b).answer(question);
    } catch (error) {
      if (!question.signal?.aborted) throw error;
      throw new BfaError("deadline", "Cannot answer: the client has left", { cause: error });
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
