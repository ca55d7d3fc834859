/**
 * The pages that are made from the listings and from our own declarations: feeds, and what describes
 * the service to people, programs and language models.
 *
 * @module
 */

import { z } from "zod";
import type { Source } from "../lib/core/answers.ts";
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
  },
  feedJson: {
    path: "/v1/feeds/listings.json",
    summary: "The same as JSON Feed",
    takes: none,
    mediaType: FEED_TYPES.json,
  },
  openapi: {
    path: "/openapi.json",
    summary: "The description of this API, OpenAPI 3.1",
    takes: none,
    mediaType: "application/json",
  },
  reference: {
    path: "/reference",
    summary: "The same as a page",
    takes: none,
    mediaType: "text/html",
  },
  llms: {
    path: "/llms.txt",
    summary: "What a language model needs to know to use this service",
    takes: none,
    mediaType: "text/markdown",
  },
} as const satisfies Record<string, RouteFacts>;

/** Their answers. `source` tells what is served now. */
export function pageHandlers(
  source: () => Source,
): Record<keyof typeof PAGES, (request: Request) => Promise<Response>> {
  return {
    feedAtom: (request) => feedAnswer(request, source(), "atom"),
    feedJson: (request) => feedAnswer(request, source(), "json"),
    async reference(request) {
      const { referencePage } = await import("./reference.ts");
      const { openApi } = await import("./openapi.ts");
      const page = referencePage(openApi(PROGRAM_VERSION));
      return document(request, page, HOUR, { "content-type": "text/html; charset=utf-8" });
    },
    async llms(request) {
      const { llmsText } = await import("./llms.ts");
      const text = llmsText(new URL(request.url).origin, source());
      return document(request, text, HOUR, { "content-type": "text/markdown; charset=utf-8" });
    },
    async openapi(request) {
      const { openApi } = await import("./openapi.ts");
      const text = JSON.stringify(openApi(PROGRAM_VERSION)) + "\n";
      return document(request, text, HOUR);
    },
  };
}

const HOUR = "public, max-age=3600";

async function feedAnswer(
  request: Request,
  source: Source,
  format: keyof typeof FEED_TYPES,
): Promise<Response> {
  const { listingsFeed } = await import("./feeds.ts");
  const text = listingsFeed(source, format, new URL(request.url).origin);
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
