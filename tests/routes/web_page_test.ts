import { assert, assertEquals, assertMatch } from "@std/assert";
import { withService } from "../helpers/service.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

const WHO_GETS_WHAT: readonly [accept: string | undefined, type: string][] = [
  [BROWSER, "text/html; charset=utf-8"],
  ["text/html", "text/html; charset=utf-8"],
  ["text/plain;q=0.5, text/html", "text/html; charset=utf-8"],
  [undefined, "text/plain; charset=UTF-8"],
  ["*/*", "text/plain; charset=UTF-8"],
  ["application/json", "text/plain; charset=UTF-8"],
];

Deno.test("a browser gets the page at `/`, all others the list", async () => {
  await withService(async ({ ask: get }) => {
    for (const [accept, type] of WHO_GETS_WHAT) {
      const answer = await get("/", accept === undefined ? {} : { headers: { accept } });
      assertEquals([accept, answer.status], [accept, 200]);
      assertEquals([accept, answer.headers.get("content-type")], [accept, type]);
      assertMatch(answer.headers.get("vary")!, /^Accept\b/);
      await answer.text();
    }
  });
});

Deno.test("the page has no script and no style but its files, which are the ones in web/", async () => {
  await withService(async ({ ask: get }) => {
    const answer = await get("/", { headers: { accept: BROWSER } });
    const policy = answer.headers.get("content-security-policy")!;
    assertMatch(policy, /default-src 'none'/);
    assert(!policy.includes("unsafe"));
    const page = await answer.text();
    const described = /\s*<script type="application\/ld\+json">([^<]*)<\/script>/.exec(page)!;
    assertEquals(JSON.parse(described[1]!)["@type"], "Dataset");
    const html = page.replace(described[0], "");
    const plain = (text: string) => text.replace(/\s+/g, "");
    assertEquals(plain(html), plain(await Deno.readTextFile("web/page.html")));
    assertEquals(html.match(/<script|<style|\son\w+=|style=/g), ["<script"]);
    const files = [...html.matchAll(/(?:src|href)="(web\/[^"]+)"/g)].map((match) => match[1]!);
    assertEquals(files.sort(), ["web/app.css", "web/app.js"]);
    for (const name of [...files, "web/elements.js"]) {
      const path = `/${name}`;
      const file = await get(path);
      assertEquals(file.status, 200);
      assertEquals(await file.text(), await Deno.readTextFile(name));
      const again = await get(path, { headers: { "if-none-match": file.headers.get("etag")! } });
      assertEquals([path, again.status], [path, 304]);
    }
    const links = [...html.matchAll(/href="([^":]+)"/g)].map((match) => `/${match[1]!}`);
    assertEquals(links.length, 12);
    // This version was published without a descriptor, and the service has no folder of SQL in the browser.
    const missing = ["/datapackage.json", "/sql/"];
    assertMatch(html, /<p id="sql-here" hidden>/);
    for (const path of links) {
      const linked = await get(path);
      assertEquals([path, linked.status], [path, missing.includes(path) ? 404 : 200]);
      await linked.body?.cancel();
    }
  });
});
