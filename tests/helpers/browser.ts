/** A real browser: Debian's `chromium`, or another named by `CHROMIUM_BIN`. @module */

import { chromium, type Page } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long anything may take on a busy machine, ms. */
const PATIENCE_MS = 240_000;

/** A page, what it asked for, and what it complained of. */
export interface BrowserPage {
  readonly page: Page;
  /** The addresses of all requests. */
  readonly requests: string[];
  readonly complaints: string[];
}

/** Runs a test with a page of a browser of its own. */
export async function withBrowser(test: (seen: BrowserPage) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({
    executablePath: Deno.env.get("CHROMIUM_BIN") ?? "/usr/bin/chromium",
    args: FLAGS,
    timeout: PATIENCE_MS,
  }).catch((error) => {
    throw new Error("Cannot start a browser: apt-get install chromium, or set CHROMIUM_BIN", {
      cause: error,
    });
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", async (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
    await test({ page, requests, complaints });
  } finally {
    await browser.close();
  }
}

/** Runs a module that exports `answer` in a page; returns the answer. */
export async function inBrowser(module: string): Promise<string> {
  const answered = Promise.withResolvers<string>();
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="module">
  const post = (text) => fetch("/answer", { method: "POST", body: text });
  import("/module.js").then(({ answer }) => post(answer), (error) => post(error.stack));
</script>`;
  const files: Record<string, [type: string, text: string]> = {
    "/": ["text/html", html],
    "/module.js": ["text/javascript", module],
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/answer") answered.resolve(await request.text());
    const file = files[pathname];
    return file
      ? new Response(file[1], { headers: { "content-type": file[0] } })
      : new Response(null, { status: 404 });
  });
  try {
    await withBrowser(async ({ page }) => {
      await page.goto(`http://127.0.0.1:${server.addr.port}/`);
      await answered.promise;
    });
  } finally {
    await server.shutdown();
  }
  return await answered.promise;
}
