/**
 * The page for people with a browser: its files are in `web/`.
 *
 * @module
 */

import { accepts } from "@std/http/negotiation";
import { z } from "zod";
import assets from "../web/assets.json" with { type: "json" };
import { document } from "./document.ts";
import { pagePolicy } from "./headers.ts";
import type { RouteFacts } from "./route.ts";

const none = z.strictObject({});

/** The declarations of the page's files; the page itself is at `/`. */
export const PAGE_FILES = {
  pageScript: {
    path: "/web/app.js",
    summary: "The page's script",
    takes: none,
    mediaType: "text/javascript",
    statuses: [304],
  },
  pageElements: {
    path: "/web/elements.js",
    summary: "What the page is made of",
    takes: none,
    mediaType: "text/javascript",
    statuses: [304],
  },
  pageStyle: {
    path: "/web/app.css",
    summary: "The page's looks",
    takes: none,
    mediaType: "text/css",
    statuses: [304],
  },
} as const satisfies Record<string, RouteFacts>;

/** How long a browser shows the page's files without asking: they change together. */
export const ALWAYS_ASK = "no-cache";

/** Whether a request comes from somebody who would rather see a page than a text. */
export function wantsPage(request: Request): boolean {
  return accepts(request, "text/plain", "text/html") === "text/html";
}

/** The page as it stands in its file. */
export const PAGE_TEXT: string = assets["page.html"];

/** Answers with the page; `vary` names what it depends on besides `Accept`. */
export function webPage(request: Request, page: string, vary?: string): Response {
  return document(request, page, ALWAYS_ASK, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": pagePolicy(),
    "vary": vary ? `Accept, ${vary}` : "Accept",
  });
}

/** The page of a service that has SQL in the browser too: it says so. */
export function withSqlPage(page: string): string {
  return page.replace(' id="sql-here" hidden', ' id="sql-here"');
}

const script = (text: string) => (request: Request) =>
  document(request, text, ALWAYS_ASK, { "content-type": "text/javascript; charset=utf-8" });

/** The answers of {@linkcode PAGE_FILES}. */
export const pageFileHandlers = {
  pageScript: script(assets["app.js"]),
  pageElements: script(assets["elements.js"]),
  pageStyle: (request: Request) =>
    document(request, assets["app.css"], ALWAYS_ASK, {
      "content-type": "text/css; charset=utf-8",
    }),
};
