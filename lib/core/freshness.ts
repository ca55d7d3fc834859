/**
 * Freshness: what a copy is worth now, decided from its manifest alone.
 *
 * @module
 */

import type { FreshnessWindow } from "./manifest.ts";

/** A copy's condition. */
export type Freshness = "fresh" | "due" | "stale" | "expired";

/** What a copy does before it answers. */
export type RefreshAction =
  /** Answer; no network at all. */
  | "none"
  /** Answer at once; revalidate for the next question. */
  | "background"
  /** Revalidate first, within a time budget; answer anyway. */
  | "first"
  /** Revalidate first; refuse to answer from what is still expired. */
  | "required";

/** What each condition asks of a copy. */
export const REFRESH_ACTIONS: Readonly<Record<Freshness, RefreshAction>> = {
  fresh: "none",
  due: "background",
  stale: "first",
  expired: "required",
};

/**
 * The condition of a copy at an instant.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { freshnessAt } from "./freshness.ts";
 * const window = {
 *   refreshAfter: "2026-11-22T12:00:00Z",
 *   staleAfter: "2026-11-22T18:00:00Z",
 *   expiresAt: "2026-12-05T12:04:11Z",
 * };
 * assertEquals(freshnessAt(window, new Date("2026-11-22T12:00:00Z")), "due");
 * ```
 */
export function freshnessAt(window: FreshnessWindow, now: Date): Freshness {
  const time = now.getTime();
  if (time >= Date.parse(window.expiresAt)) return "expired";
  if (time >= Date.parse(window.staleAfter)) return "stale";
  if (time >= Date.parse(window.refreshAfter)) return "due";
  return "fresh";
}

/** How far the clocks of a publisher and its clients may be apart, ms. */
const CLOCKS_APART_MS = 5 * 60_000;

/**
 * Whether something was signed later than now: one of two clocks is wrong. By one that is behind, every copy seems
 * fresh for ever.
 */
export function isOfFuture({ publishedAt }: { readonly publishedAt: string }, now: Date): boolean {
  return Date.parse(publishedAt) > now.getTime() + CLOCKS_APART_MS;
}

/** How long a copy waits after its first failed try, and at most, ms. */
const RETRY_MS = 30_000;
const RETRY_MOST_MS = 15 * 60_000;

/**
 * When a copy whose publisher did not answer asks again: after half a minute, then after twice as long each time,
 * a quarter of an hour at most.
 *
 * @param failed The last failed try, and how many in a row.
 */
export function retryAt(failed: { readonly at: string; readonly count: number }): Date {
  const waitMs = Math.min(RETRY_MS * 2 ** (failed.count - 1), RETRY_MOST_MS);
  return new Date(Date.parse(failed.at) + waitMs);
}

/** When a publisher runs: the window of its manifests follows from it. */
export interface PublishSchedule {
  /** Time of day of the daily run, minutes after 00:00 UTC. */
  readonly runAtMinutes: number;
  /** How late a run may be before copies count as behind, minutes. */
  readonly graceMinutes: number;
  /** How long a signature is good for, days. */
  readonly validDays: number;
}

/**
 * The daily run at 12:00 UTC: files of a day appear until 08:40 UTC on the next one, with a margin
 * for the source being late; a retry some hours later.
 */
export const DAILY_SCHEDULE: PublishSchedule = {
  runAtMinutes: 12 * 60,
  graceMinutes: 6 * 60,
  validDays: 14,
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The freshness window of a manifest that is published at an instant. */
export function freshnessWindow(publishedAt: Date, schedule: PublishSchedule): FreshnessWindow {
  const midnight = Math.floor(publishedAt.getTime() / DAY_MS) * DAY_MS;
  let next = midnight + schedule.runAtMinutes * MINUTE_MS;
  // A run that starts a little early must not be due again at once: the next one is a day away.
  while (next - publishedAt.getTime() < DAY_MS / 4) next += DAY_MS;
  return {
    refreshAfter: instant(next),
    staleAfter: instant(next + schedule.graceMinutes * MINUTE_MS),
    expiresAt: instant(publishedAt.getTime() + schedule.validDays * DAY_MS),
  };
}

/** An instant as it stands in a manifest: ISO 8601, UTC, whole seconds. */
export function instant(time: number | Date): string {
  return new Date(Math.floor(Number(time) / 1000) * 1000).toISOString().replace(".000Z", "Z");
}
