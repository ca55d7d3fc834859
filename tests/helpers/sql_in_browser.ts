/**
 * SQL in a real browser: the folder of `deno task browser` beside a mirror, on a server that sends nothing but files and
 * their types, as a bucket does. Needs npm's registry and Debian's `chromium`, or another named by `CHROMIUM_BIN`.
 *
 * @module
 */

import type { Page } from "playwright-core";
import { makeBrowserFolder } from "../../scripts/browser.ts";
import { type BrowserPage, withBrowser } from "./browser.ts";

let made: Promise<string> | undefined;

/** The folder, made once a process. */
export function browserFolder(): Promise<string> {
  return made ??= (async () => {
    const dir = await Deno.makeTempDir({ prefix: "bfa-browser-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
    await makeBrowserFolder(dir);
    return dir;
  })();
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
};

/** A server of files. */
export interface FileServer extends AsyncDisposable {
  readonly origin: string;
  /** The paths that were asked for. */
  readonly asked: string[];
  /** Bytes of all bodies. */
  sent: number;
  /** Changes the bytes of files on their way. */
  damage: ((path: string, bytes: Uint8Array) => Uint8Array) | undefined;
}

/** Serves a mirror's folder, and SQL in the browser at `/sql/`. */
export async function mirrorWithSql(mirrorDir: string): Promise<FileServer> {
  const folder = await browserFolder();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname).replace(/\/$/, "/index.html");
    files.asked.push(path);
    const file = path.startsWith("/sql/") ? `${folder}${path.slice(4)}` : `${mirrorDir}${path}`;
    const bytes = await Deno.readFile(file).catch(() => undefined);
    if (!bytes) return new Response("not found", { status: 404 });
    const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    const sent = (files.damage?.(path, bytes) ?? bytes) as Uint8Array<ArrayBuffer>;
    files.sent += sent.length;
    return new Response(sent, { headers: { "content-type": type } });
  });
  const files: FileServer = {
    origin: `http://127.0.0.1:${server.addr.port}`,
    asked: [],
    sent: 0,
    damage: undefined,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return files;
}

/** The page, as a user has it. */
export interface SqlPageSeen extends BrowserPage {
  /** Goes to the page and waits until it knows the version, or says why not. */
  open(origin: string, hash?: string): Promise<void>;
  /** Runs a statement and waits for what is shown. */
  run(sql: string): Promise<Shown>;
  /** What is shown now. */
  shown(): Promise<Shown>;
}

/** What the page shows of an answer. */
export interface Shown {
  readonly columns: string[];
  readonly rows: string[][];
  readonly note: string;
  readonly problem: string | undefined;
}

/** Runs a test with a browser. */
export async function withSqlPage(test: (seen: SqlPageSeen) => Promise<void>): Promise<void> {
  await withBrowser(async (browser) => {
    const { page } = browser;
    const seen: SqlPageSeen = {
      ...browser,
      async open(origin, hash = "") {
        await page.goto("about:blank");
        await page.goto(`${origin}/sql/${hash}`);
        await page.waitForSelector("#tables details, #answer .problem");
      },
      async run(sql) {
        await page.fill("textarea", sql);
        await page.click("#run");
        await page.waitForSelector("#run:not([disabled])");
        return await seen.shown();
      },
      shown: () => readShown(page),
    };
    await test(seen);
  });
}

async function readShown(page: Page): Promise<Shown> {
  const problem = await page.$("#answer .problem");
  const texts = async (selector: string) => await page.locator(selector).allTextContents();
  const columns = await texts("#answer th");
  const cells = await texts("#answer td");
  const rows = columns.length
    ? Array.from(
      { length: cells.length / columns.length },
      (_, i) => cells.slice(i * columns.length, (i + 1) * columns.length),
    )
    : [];
  const note = (await texts("#answer .note")).join("");
  return { columns, rows, note, problem: (await problem?.textContent()) ?? undefined };
}
