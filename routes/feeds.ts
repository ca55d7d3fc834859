/**
 * `GET /v1/feeds/listings.atom` and `.json`: what was listed and delisted lately, for feed readers.
 *
 * @module
 */

import { Feed } from "feed";
import type { Source } from "../lib/core/answers.ts";
import { recentEvents } from "../lib/core/recent_events.ts";
import type { FEED_TYPES } from "./feed_types.ts";

/** How far back a feed goes: readers look in every few days, and keep what they saw. */
const DAYS = 90;

/** A feed of a version, as text. `origin` is where the service is: entries link to its page. */
export function listingsFeed(
  source: Source,
  format: keyof typeof FEED_TYPES,
  origin: string,
): string {
  const { index, version } = source;
  const feed = new Feed({
    id: "urn:bfa:feeds:listings",
    title: "Binance USDⓈ-M futures: listed and delisted",
    description: `The last ${DAYS} days of version ${version}`,
    link: `${origin}/`,
    author: { name: "bfa" },
    updated: new Date(`${index.dataThrough}T00:00:00Z`),
    copyright: "MIT",
    generator: "bfa",
    feedLinks: {
      atom: `${origin}/v1/feeds/listings.atom`,
      json: `${origin}/v1/feeds/listings.json`,
    },
  });
  for (const event of recentEvents(source, { days: DAYS })) {
    const { date, symbol, listing, kind, contractType, quoteAsset, lastTraded } = event;
    const contract = [contractType?.replaceAll("_", " "), quoteAsset && `quoted in ${quoteAsset}`]
      .filter(Boolean).join(", ");
    feed.addItem({
      id: `urn:bfa:${encodeURIComponent(listing)}:${kind.replaceAll(" ", "-")}`,
      title: `${symbol} ${kind}`,
      link: `${origin}/#symbol=${encodeURIComponent(symbol)}`, // people follow it
      date: new Date(`${date}T00:00:00Z`),
      description: kind === "delisted"
        ? `${listing} last traded on ${lastTraded}${contract ? ` (${contract})` : ""}`
        : `${listing} traded first on ${date}${contract ? ` (${contract})` : ""}`,
    });
  }
  return format === "atom" ? feed.atom1() : feed.json1();
}
