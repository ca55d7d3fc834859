/**
 * `GET /sql/`: SQL in the browser, where the service was given its folder (`scripts/browser.ts` makes it).
 *
 * @module
 */

import { z } from "zod";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import { MEDIA_TYPES } from "../lib/mirror/file_headers.ts";
import { directoryMirror } from "../lib/mirror/directory.ts";
import { fileAnswer } from "./artifacts.ts";
import { document } from "./document.ts";
import { pagePolicy } from "./headers.ts";
import type { RouteFacts } from "./route.ts";
import { ALWAYS_ASK } from "./web_page.ts";

/** Their declarations. */
export const SQL_PAGE_ROUTES = {
  sqlPage: {
    path: "/sql/",
    summary: "SQL in the browser: a page, where this service has it",
    takes: z.strictObject({}),
    mediaType: "text/html",
    statuses: [304],
  },
  sqlPageFile: {
    path: "/sql/{name}",
    summary: "A file of that page",
    takes: z.strictObject({ name: z.string().meta({ example: "page.js" }) }),
    mediaType: "application/octet-stream",
    alsoSends: ["text/html", "text/css", "text/javascript", "text/plain", ...MEDIA_TYPES],
    statuses: [206, 304, 416],
  },
} as const satisfies Record<string, RouteFacts>;

/** A folder that is served. */
export interface SqlPage {
  /** Answers with one of its files. */
  answer(request: Request, name: string, client?: string): Promise<Response>;
}

/** The policy of the page and of its worker’s script; the page itself says the same, but for the last. */
const POLICY = pagePolicy({ script: "'wasm-unsafe-eval'", worker: "'self' blob:" });

/** What is sent as text, and compressed. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  txt: "text/plain; charset=utf-8",
};

/** Reads a folder; what is in it then is what is served. */
export async function openSqlPage(dir: string): Promise<SqlPage> {
  const folder = directoryMirror(dir);
  const files = new Map<string, (request: Request, client?: string) => Promise<Response>>();
  const entries = await Array.fromAsync(Deno.readDir(dir)).catch(() => []);
  for (const { name, isFile } of entries) {
    if (!isFile) continue;
    const bytes = await Deno.readFile(`${dir}/${name}`);
    const type = TEXT_TYPES[name.slice(name.lastIndexOf(".") + 1)];
    if (type) {
      const text = new TextDecoder().decode(bytes);
      const headers = { "content-type": type, "content-security-policy": POLICY };
      files.set(name, (request) => Promise.resolve(document(request, text, ALWAYS_ASK, headers)));
    } else {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      const file = { name, bytes: bytes.length, digest };
      files.set(name, async (request, client) => {
        const open = (range?: Parameters<typeof folder.open>[1]) => folder.open(name, range);
        const answer = await fileAnswer(request, { ...file, open }, client);
        answer.headers.set("cache-control", ALWAYS_ASK); // the next program has another file there
        answer.headers.delete("deno-cdn-cache-control");
        return answer;
      });
    }
  }
  if (!files.has(INDEX)) {
    throw new BfaError(
      "usage",
      `Cannot serve SQL in the browser from ${dir}: it has no ${INDEX}; make it with \`deno task browser ${dir}\``,
    );
  }
  return {
    async answer(request, name, client) {
      const file = files.get(name || INDEX);
      if (!file) throw new NotFoundError(`no ${name} in the folder of SQL in the browser`);
      return await file(request, client);
    },
  };
}

const INDEX = "index.html";

/** The answers of {@linkcode SQL_PAGE_ROUTES}. */
export function sqlPageHandlers(page: SqlPage | undefined) {
  const file = (
    request: Request,
    given: Record<string, string>,
    from?: { client?: string | undefined },
  ) => {
    if (page) return page.answer(request, given["name"] ?? "", from?.client);
    throw new NotFoundError(
      "no SQL in the browser here; docs/sql_in_the_browser.md says how to have it",
    );
  };
  return { sqlPage: file, sqlPageFile: file };
}
