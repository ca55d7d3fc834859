/**
 * The media types of feeds.
 *
 * @module
 */

/** The feeds' media types. */
export const FEED_TYPES = {
  atom: "application/atom+xml",
  json: "application/feed+json",
} as const;
