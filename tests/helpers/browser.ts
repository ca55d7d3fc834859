/** A module in a real browser. @module */

/** Programs that a Chromium may be. */
const BROWSERS = ["google-chrome", "chromium", "chromium-browser"];

/** Runs a module that exports `answer` in a page of a headless Chromium, with a profile of its own; returns the answer. */
export async function inBrowser(module: string): Promise<string> {
  const answered = Promise.withResolvers<string>();
  const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="module">
  const post = (text) => fetch("/answer", { method: "POST", body: text });
  import("/module.js").then(({ answer }) => post(answer), (error) => post(error.stack));
</script>`;
  const files: Record<string, [type: string, text: string]> = {
    "/": ["text/html", page],
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
  const profile = await Deno.makeTempDir({ prefix: "bfa-browser-" });
  const flags =
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
      .split(" ");
  const browser = await start([
    ...flags,
    `--user-data-dir=${profile}`,
    `http://127.0.0.1:${server.addr.port}/`,
  ]);
  const ended = browser.status.then(({ code }) => {
    answered.reject(new Error(`The browser ended with ${code} before the page answered`));
  });
  try {
    return await answered.promise;
  } finally {
    browser.kill("SIGTERM");
    await ended;
    await server.shutdown();
    await Deno.remove(profile, { recursive: true }).catch(() => {}); // its children may still write
  }
}

async function start(args: string[]): Promise<Deno.ChildProcess> {
  for (const place of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of BROWSERS) {
      const path = `${place}/${name}`;
      if (!await Deno.stat(path).then(({ isFile }) => isFile, () => false)) continue;
      return new Deno.Command(path, { args, stdin: "null", stdout: "null", stderr: "null" })
        .spawn();
    }
  }
  throw new Error("Cannot find a browser: install chromium (Debian: apt-get install chromium)");
}
