import { assert, assertEquals, assertMatch } from "@std/assert";
import { SaxesParser } from "saxes";
import { parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import { listingsFeed } from "../../routes/feeds.ts";
import { operationsOf } from "../helpers/fuzz.ts";
import { LISTINGS, VERSION, withService } from "../helpers/service.ts";

/** An element of an XML document. */
interface Node {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: Node[];
  text: string;
}

/** Reads XML to the letter: what is not well-formed throws. */
function readXml(text: string): Node {
  const parser = new SaxesParser({ xmlns: true });
  const root: Node = { name: "", attributes: {}, children: [], text: "" };
  const path = [root];
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ local, attributes, uri }) => {
    assertEquals(uri, "http://www.w3.org/2005/Atom");
    const values = Object.values(attributes).map(({ name, value }) => [name, value]);
    const node: Node = {
      name: local,
      attributes: Object.fromEntries(values),
      children: [],
      text: "",
    };
    path.at(-1)!.children.push(node);
    path.push(node);
  });
  parser.on("text", (some) => path.at(-1)!.text += some);
  parser.on("cdata", (some) => path.at(-1)!.text += some);
  parser.on("closetag", () => path.pop());
  parser.write(text).close();
  return root.children[0]!;
}

const DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** The rules of RFC 4287 §4.1.1 and §4.1.2 that a feed like ours can break. */
function checkAtom(feed: Node): Node[] {
  const all = (node: Node, name: string) => node.children.filter((child) => child.name === name);
  const one = (node: Node, name: string) => {
    assertEquals(all(node, name).length, 1, `${node.name}: ${name}`);
    return all(node, name)[0]!;
  };
  assertEquals(feed.name, "feed");
  const entries = all(feed, "entry");
  for (const node of [feed, ...entries]) {
    assert(URL.canParse(one(node, "id").text), one(node, "id").text);
    assert(one(node, "title").text.length > 0);
    assertMatch(one(node, "updated").text, DATE);
    for (const link of all(node, "link")) assert(URL.canParse(link.attributes["href"]!));
    const relations = all(node, "link").map(({ attributes }) => attributes["rel"] ?? "alternate");
    assert(relations.includes("alternate"), node.name);
  }
  const authored = (node: Node) => all(node, "author").some((author) => one(author, "name").text);
  assert(authored(feed) || entries.every(authored));
  assertEquals(all(feed, "link").filter((link) => link.attributes["rel"] === "self").length, 1);
  assert(all(feed, "subtitle").length <= 1 && all(feed, "rights").length <= 1);
  const ids = entries.map((entry) => one(entry, "id").text);
  assertEquals(new Set(ids).size, ids.length, "ids are unique");
  return entries;
}

Deno.test("the Atom feed is well-formed, valid, and tells the same as the JSON feed, newest first", async () => {
  await withService(async ({ ask, json }) => {
    const response = await ask("/v1/feeds/listings.atom");
    assertEquals(response.headers.get("content-type"), "application/atom+xml");
    const entries = checkAtom(readXml(await response.text()));
    const titles = entries.map((entry) => entry.children.find((c) => c.name === "title")!.text);
    assertEquals(titles, [
      "EEEUSDT_240329 delisted",
      "币安人生USDT listed",
      "BBBUSDT listed again",
      "CCCUSDT delisted",
      "EEEUSDT_240329 listed",
      "BBBUSDT delisted",
      "DDDUSDC listed",
      "CCCUSDT listed",
    ]);
    const feed = await json("/v1/feeds/listings.json");
    assertMatch(feed.version, /^https:\/\/jsonfeed\.org\/version\/1(\.1)?$/);
    assert(
      feed.title.length > 0 && URL.canParse(feed.home_page_url) && URL.canParse(feed.feed_url),
    );
    assertEquals(feed.items.map((item: { title: string }) => item.title), titles);
    const ids = feed.items.map((item: { id: string }) => item.id);
    assertEquals(
      ids,
      entries.map((entry) => entry.children.find((child) => child.name === "id")!.text),
    );
    for (const item of feed.items) {
      assertMatch(item.date_modified ?? item.date_published, DATE);
      assert(URL.canParse(item.url) && (item.content_html || item.content_text || item.summary));
    }
  });
});

Deno.test("a name with the letters of markup is text in both feeds", () => {
  const odd = `A&B<b>"'é]]>USDT`;
  const listings = [listing(`${odd}#1`, "2024-03-30")];
  const index = new ListingIndex({ dataThrough: parseDay("2024-03-31"), listings });
  const source = { version: VERSION, index };
  const [entry] = checkAtom(readXml(listingsFeed(source, "atom", "http://a.test")));
  assertEquals(entry!.children.find(({ name }) => name === "title")!.text, `${odd} listed`);
  const { items } = JSON.parse(listingsFeed(source, "json", "http://a.test"));
  assertEquals(items[0].title, `${odd} listed`);
  assertEquals(decodeURIComponent(new URL(items[0].url).hash), `#symbol=${odd}`);
});

Deno.test("every entry of a feed leads to the page, at a symbol that it can show", async () => {
  await withService(async ({ ask, json }) => {
    for (const { url } of (await json("/v1/feeds/listings.json")).items) {
      const { pathname, hash } = new URL(url);
      const [, symbol] = /^#symbol=(.+)$/.exec(hash)!;
      assertEquals(pathname, "/");
      assertEquals((await ask(`/v1/timeline/${symbol}`)).status, 200, url);
    }
  });
});

Deno.test("feeds follow the version, have a tag, and 304", async () => {
  await withService(async ({ ask, publish }) => {
    for (const path of ["/v1/feeds/listings.atom", "/v1/feeds/listings.json"]) {
      const first = await ask(path);
      assertEquals(first.headers.get("x-dataset-version"), VERSION);
      const headers = { "if-none-match": first.headers.get("etag")! };
      assertEquals((await ask(path, { headers })).status, 304);
    }
    const before = (await ask("/v1/feeds/listings.atom")).headers.get("etag")!;
    const more = [
      ...LISTINGS.slice(0, -1),
      listing("FFFUSDT#1", "2024-04-01"),
      ...LISTINGS.slice(-1),
    ];
    await publish("2024-04-01.1", more);
    const after = await ask("/v1/feeds/listings.atom", { headers: { "if-none-match": before } });
    assertEquals([after.status, after.headers.get("x-dataset-version")], [200, "2024-04-01.1"]);
    assert((await after.text()).includes("FFFUSDT listed"));
  });
});

Deno.test("a feed asked for at one address never links to another", async () => {
  await withService(async ({ service }) => {
    for (const host of ["a.test", "b.test:8080", "a.test"]) {
      for (const path of ["/v1/feeds/listings.atom", "/v1/feeds/listings.json", "/llms.txt", "/"]) {
        const text = await (await service.fetch(new Request(`http://${host}${path}`))).text();
        const hosts = new Set(
          [...text.matchAll(/http:\/\/([^\s/"')]+\.test[^\s/"')]*)/g)].map((m) => m[1]),
        );
        assertEquals([...hosts], [host], path);
      }
    }
  });
});

Deno.test("a pairlist is what freqtrade's RemotePairList reads", async () => {
  await withService(async ({ json }) => {
    for (const day of ["latest", parseDay("2024-01-11")]) {
      const body = await json(`/v1/pairlist/${day}.json`);
      assertEquals(Object.keys(body), ["pairs", "refresh_period"]);
      assert(Number.isInteger(body.refresh_period) && body.refresh_period > 0);
      for (const pair of body.pairs) assertMatch(pair, /^[^\s/:]+\/USDT:USDT$/);
      assertEquals(body.pairs, body.pairs.toSorted());
    }
  });
});

Deno.test("every link of /llms.txt answers 200, and every question has one", async () => {
  const lit = LISTINGS.map((one) =>
    one.symbol === "AAAUSDT" ? listing("LITUSDT#1", "2024-01-01") : one
  ).toSorted((a, b) => a.id < b.id ? -1 : 1);
  await withService(async ({ ask }) => {
    const response = await ask("/llms.txt");
    assertEquals(response.headers.get("content-type"), "text/markdown; charset=utf-8");
    const text = await response.text();
    assertMatch(text, /^# bfa\n\n> \S/);
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]!);
    assert(links.length >= 12);
    for (const link of links) {
      const url = new URL(link);
      assertEquals((await ask(url.pathname + url.search)).status, 200, link);
    }
    // This version has no numbers: nobody is sent to ask for them.
    for (const path of ["/v1/top/{day}", "/v1/rows"]) {
      assertMatch(text, new RegExp(`- \`${RegExp.escape(path)}\`: .* published without numbers`));
    }
  }, { listings: lit });
});

/** The description of the dataset in a page, which is data and no script; and the page without it. */
function withoutDescription(page: string): [described: Record<string, unknown>, rest: string] {
  const [block, json] = /<script type="application\/ld\+json">([^<]*)<\/script>/.exec(page)!;
  return [JSON.parse(json!), page.replace(block, "")];
}

Deno.test("/reference has every operation and every parameter, and no script", async () => {
  await withService(async ({ ask, json }) => {
    const response = await ask("/reference");
    assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
    assertMatch(response.headers.get("content-security-policy")!, /style-src 'self'/);
    const [described, page] = withoutDescription(await response.text());
    assertEquals(described["@type"], "Dataset");
    // A proxy may serve it under any path.
    for (const [, link] of page.matchAll(/(?:href|src)="([^"]+)"/g)) {
      assert(!link!.startsWith("/"), link);
      if (/^#|^data:|^\.\/$/.test(link!)) continue;
      const linked = await ask(`/${link!.replaceAll("&amp;", "&")}`);
      // What an example names may not be in the data of this test, but the path is there.
      assert(!(await linked.text()).includes("no such path"), link);
    }
    assert(!/<script|<iframe|\son\w+=|javascript:|<style|style=/i.test(page));
    for (const { operationId, parameters } of operationsOf(await json("/openapi.json"))) {
      if (operationId.endsWith("OfVersion")) continue;
      assert(page.includes(`id="${operationId}"`), operationId);
      const section = page.split(`id="${operationId}"`)[1]!.split("<h2")[0]!;
      for (const { name } of parameters) assert(section.includes(`<code>${name}</code>`), name);
    }
    const ids = [...page.matchAll(/href="#(\w+)"/g)].map((match) => match[1]!);
    for (const id of ids) assert(page.includes(`<h2 id="${id}"`), id);
  });
});
