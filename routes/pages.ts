/**
 * The pages that are made from the listings and from our own declarations: feeds, and what describes
 * the service to people, programs and language models.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Source } from "../lib/core/answers.ts";
import type { Manifest } from "../lib/core/manifest.ts";
import { PROGRAM_VERSION } from "../lib/core/program.ts";
import { addressOf } from "./address.ts";
import { describedPage } from "./descriptions.ts";
import { FEED_TYPES } from "./feed_types.ts";
import { document } from "./document.ts";
import { pagePolicy } from "./headers.ts";
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

/** What the pages tell about. */
export interface PagesOptions {
  /** What is served now. */
  readonly source: () => Source;
  /** Its manifest; `undefined` for the embedded listings. */
  readonly manifest: () => Manifest | undefined;
  /** Where clients reach the service; what each request says, when left out. */
  readonly publicUrl?: string | undefined;
}

/** Their answers. */
export function pageHandlers(
  { source, manifest, publicUrl }: PagesOptions,
): Record<keyof typeof PAGES, (request: Request) => Promise<Response>> {
  // By version, format and the address they were asked at: one service has few.
  const feeds = new LRUCache<string, string>({ max: 16 });

  async function feedAnswer(
    request: Request,
    format: keyof typeof FEED_TYPES,
  ): Promise<Response> {
    const asked = source();
    const address = addressOf(request, publicUrl);
    const key = `${asked.version} ${format} ${address.url}`;
    let text = feeds.get(key);
    if (text === undefined) {
      const { listingsFeed } = await import("./feeds.ts");
      text = listingsFeed(asked, format, address.url);
      feeds.set(key, text);
    }
    return document(request, text, "", {
      "content-type": FEED_TYPES[format],
      "x-dataset-version": asked.version,
      ...address.headers(FEED_SECONDS),
    });
  }

  // Made once: they depend on nothing but the program, and making them takes tens of milliseconds.
  const descriptionText = once(async () => {
    const { openApi } = await import("./openapi.ts");
    return JSON.stringify(openApi(PROGRAM_VERSION, publicUrl)) + "\n";
  });
  const referenceText = once(async () => {
    const { referencePage } = await import("./reference.ts");
    return referencePage(JSON.parse(await descriptionText()));
  });

  return {
    feedAtom: (request) => feedAnswer(request, "atom"),
    feedJson: (request) => feedAnswer(request, "json"),
    async reference(request) {
      const address = addressOf(request, publicUrl);
      const text = await referenceText();
      const page = await describedPage(text, source(), manifest()?.signed, address);
      return document(request, page, "", {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": pagePolicy(),
        ...address.headers(3600),
      });
    },
    async llms(request) {
      const { llmsText } = await import("./llms.ts");
      const address = addressOf(request, publicUrl);
      const text = llmsText(address.url, source(), manifest());
      return document(request, text, HOUR, {
        "content-type": "text/markdown; charset=utf-8",
        ...address.headers(HOUR_SECONDS),
      });
    },
    openapi: async (request) => document(request, await descriptionText(), HOUR),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

const HOUR_SECONDS = 3_600;
const HOUR = `public, max-age=${HOUR_SECONDS}`;

/** How long a feed may be kept. */
const FEED_SECONDS = 600;

/** The pages, ready to answer. */
export function pages(options: PagesOptions): Route[] {
  const handlers = pageHandlers(options);
  return Object.entries(PAGES).map(([name, facts]) => ({
    ...facts,
    handle: handlers[name as keyof typeof PAGES],
  }));
}
