/**
 * Derive: from the store of observations to the listings of a version.
 *
 * @module
 */

import { addDays, type Day, dayOf } from "../core/day.ts";
import { type ContractFacts, deriveListings } from "../core/derive_listings.ts";
import { BfaError } from "../core/errors.ts";
import type { ListingsFile } from "../core/kept_listings.ts";
import { type ObservationStore, PUBLISHED_BY_HOURS } from "../engine/observations.ts";

/** A day counts as complete when it has at least this share of the files of the day before. */
const COMPLETE_SHARE = 0.9;

/** The listings as the observations show them. */
export async function derive(
  store: ObservationStore,
  options: {
    now: Date;
    facts?: ReadonlyMap<string, ContractFacts>;
    /** Only what was known at this instant, ISO 8601. */
    asOf?: string | undefined;
  },
): Promise<ListingsFile> {
  const { now, facts, asOf } = options;
  const at = asOf ? new Date(asOf) : now;
  // A day whose files were not all due when we looked stays out, however long the run took since.
  const began = new Date(await store.lastBegan(asOf) ?? at);
  const dataThrough = newestCompleteDay(
    await store.newestDays(15, asOf),
    began < at ? began : at,
  );
  const runs = await store.evidence(asOf);
  const listings = deriveListings(runs, { dataThrough, ...(facts ? { facts } : {}) });
  return { dataThrough, listings };
}

/** The last day whose files have all had their time, and that is about as full as the one before. */
export function newestCompleteDay(
  days: readonly { date: Day; symbols: number }[],
  now: Date,
): Day {
  const published = addDays(dayOf(new Date(now.getTime() - PUBLISHED_BY_HOURS * 3_600_000)), -1);
  const possible = days.filter(({ date }) => date <= published);
  for (const [i, { date, symbols }] of possible.entries()) {
    const before = possible[i + 1];
    if (!before || symbols >= before.symbols * COMPLETE_SHARE) return date;
  }
  throw new BfaError("not_found", "no day is complete yet: collect first, or later");
}
