/**
 * The pages that are made from the listings and from our own declarations: feeds, and what describes
 * the service to people, programs and language models.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Source } from "../lib/core/answers.ts";
import type { ManifestBody } from "../lib/core/manifest.ts";
import { PROGRAM_VERSION } from "../lib/core/program.ts";
import { FEED_TYPES } from "./feed_types.ts";
import { document } from "./manifest.ts";
import type { Route, RouteFacts } from "./route.ts";

const none = z.strictObject({});

/** Their declarations. */
export const PAGES = {
  feedAtom: {
    path: "/v1/feeds/listings.atom",
    summary: "New listings, relistings and delistings of the last 90 days, as Atom",
    takes: none,
    mediaType: FEED_TYPES.atom,
    statuses: [304],
  },
  feedJson: {
    path: "/v1/feeds/listings.json",
    summary: "The same as JSON Feed",
    takes: none,
    mediaType: FEED_TYPES.json,
    statuses: [304],
  },
  openapi: {
    path: "/openapi.json",
    summary: "The description of this API, OpenAPI 3.1",
    takes: none,
    mediaType: "application/json",
    statuses: [304],
  },
  reference: {
    path: "/reference",
    summary: "The same as a page",
    takes: none,
    mediaType: "text/html",
    statuses: [304],
  },
  llms: {
    path: "/llms.txt",
    summary: "What a language model needs to know to use this service",
    takes: none,
    mediaType: "text/markdown",
    statuses: [304],
  },
} as const satisfies Record<string, RouteFacts>;

/** Their answers. `source` tells what is served now, `signed` what was published of it. */
export function pageHandlers(
  source: () => Source,
  signed: () => ManifestBody | undefined = () => undefined,
): Record<keyof typeof PAGES, (request: Request) => Promise<Response>> {
  // By version, format and the address they were asked at: one service has few.
  const feeds = new LRUCache<string, string>({ max: 16 });
  return {
    feedAtom: (request) => feedAnswer(request, source(), "atom", feeds),
    feedJson: (request) => feedAnswer(request, source(), "json", feeds),
    async reference(request) {
      const published = signed();
      const page = published
        ? await describedPage(new URL(request.url).origin, source(), published)
        : await referenceText();
      return document(request, page, HOUR, { "content-type": "text/html; charset=utf-8" });
    },
    async llms(request) {
      const { llmsText } = await import("./llms.ts");
      const text = llmsText(new URL(request.url).origin, source());
      return document(request, text, HOUR, { "content-type": "text/markdown; charset=utf-8" });
    },
    openapi: async (request) => document(request, await descriptionText(), HOUR),
  };
}

// Made once: they depend on nothing but the program, and making them takes tens of milliseconds.
const descriptionText = once(async () => {
  const { openApi } = await import("./openapi.ts");
  return JSON.stringify(openApi(PROGRAM_VERSION)) + "\n";
});
const referenceText = once(async () => {
  const { referencePage } = await import("./reference.ts");
  return referencePage(JSON.parse(await descriptionText()));
});

/** The reference, with what search engines read of the dataset. */
async function describedPage(origin: string, source: Source, signed: ManifestBody) {
  const { datasetJsonLd } = await import("./croissant.ts");
  const { withJsonLd } = await import("./reference.ts");
  return withJsonLd(await referenceText(), datasetJsonLd(origin, source, signed));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

const HOUR = "public, max-age=3600";

async function feedAnswer(
  request: Request,
  source: Source,
  format: keyof typeof FEED_TYPES,
  feeds: LRUCache<string, string>,
): Promise<Response> {
  const origin = new URL(request.url).origin;
  const key = `${source.version} ${format} ${origin}`;
  let text = feeds.get(key);
  if (text === undefined) {
    const { listingsFeed } = await import("./feeds.ts");
    text = listingsFeed(source, format, origin);
    feeds.set(key, text);
  }
  return document(request, text, "public, max-age=600", {
    "content-type": FEED_TYPES[format],
    "x-dataset-version": source.version,
  });
}

/** The pages, ready to answer. */
export function pages(source: () => Source): Route[] {
  const handlers = pageHandlers(source);
  return Object.entries(PAGES).map(([name, facts]) => ({
    ...facts,
    handle: handlers[name as keyof typeof PAGES],
  }));
}
