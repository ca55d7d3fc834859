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
import { Turns } from "./turns.ts";

/** How many comparisons are remembered: each keeps the listings of two versions. */
const KEPT = 8;

/** Each holds a month of rows of two versions, some tens of MB. */
const COMPARING = { action: "compare versions", atOnce: 2, waiting: 16, ofClient: 4 };

/** Compares versions. `sideOf` finds a version's rows; `limits` are told how many wait. */
export function differ(sideOf: (asked: AskedVersion) => DiffSide, limits?: Limits): Differ {
  const known = new LRUCache<string, VersionDiff>({ max: KEPT });
  const turns = new Turns(COMPARING);
  limits?.add(() => [{ limit: "comparisons", ...turns.use }]);

  function comparisonOf(a: AskedVersion, b: AskedVersion): VersionDiff {
    const key = `${a.source.version} ${b.source.version}`;
    let comparison = known.get(key);
    if (!comparison) known.set(key, comparison = new VersionDiff(sideOf(a), sideOf(b)));
    return comparison;
  }

  return async (a, b, { client, ...question }) => {
    const { signal } = question;
    try {
      return await turns.run({ client, signal }, () => comparisonOf(a, b).answer(question));
    } catch (error) {
      if (!signal?.aborted) throw error;
      throw new BfaError("deadline", "Cannot answer: the client has left", { cause: error });
    }
  };
}
