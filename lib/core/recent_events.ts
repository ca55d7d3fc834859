/**
 * What happened lately: new listings, delistings and relistings, newest first.
 *
 * @module
 */

import type { ListingEvent } from "./answer_types.ts";
import { delistings, newListings, type Source } from "./answers.ts";
import { addDays } from "./day.ts";

/** Kinds of events. */
export type EventKind = "listed" | "listed again" | "delisted";

/** An event, and its kind. */
export interface RecentEvent extends ListingEvent {
  /** What happened. */
  readonly kind: EventKind;
}

/** The events of the last days that a version knows of. */
export function recentEvents(source: Source, options: { days: number }): RecentEvent[] {
  const { dataThrough, firstDay } = source.index;
  const start = addDays(dataThrough, 1 - options.days);
  const range = { from: start < firstDay ? firstDay : start, to: dataThrough };
  const listed = newListings(source, range).events.map((event): RecentEvent => ({
    ...event,
    kind: event.relisting ? "listed again" : "listed",
  }));
  const gone = delistings(source, range).events.map((event): RecentEvent => ({
    ...event,
    kind: "delisted",
  }));
  return [...listed, ...gone].sort((a, b) =>
    a.date !== b.date ? (a.date < b.date ? 1 : -1) : a.listing < b.listing ? -1 : 1
  );
}
