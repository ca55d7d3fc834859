import { assertEquals, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { readBucketPage } from "../../lib/source/bucket_page.ts";

const P = "data/futures/um/daily/klines/BTCUSDT/1h/";
const XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const object = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2022-03-21T08:58:02.000Z</LastModified>` +
  `<ETag>&quot;4c65e8f6&quot;</ETag><Size>1387</Size><StorageClass>STANDARD</StorageClass></Contents>`;
const page = (body: string, { prefix = P, truncated = "false" } = {}) =>
  `<ListBucketResult><Prefix>${prefix}</Prefix><IsTruncated>${truncated}</IsTruncated>${body}</ListBucketResult>`;
const full = (xml: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${
    xml.replace("<ListBucketResult>", `<ListBucketResult ${XMLNS}>`)
  }`;

Deno.test("`readBucketPage()` reads objects, with and without declaration and namespace", () => {
  const xml = page(object(`${P}a.zip`) + object(`${P}b.zip`));
  const expected = {
    objects: ["a.zip", "b.zip"].map((name) => ({
      key: P + name,
      size: 1387,
      lastModified: "2022-03-21T08:58:02.000Z",
      etag: "4c65e8f6",
    })),
    prefixes: [],
    next: undefined,
  };
  assertEquals(readBucketPage(xml, P, ""), expected);
  assertEquals(readBucketPage(full(xml) + "\n", P, ""), expected);
});

Deno.test("`readBucketPage()` goes on after the last key, or where NextMarker says", () => {
  const keys = page(object(`${P}a.zip`), { truncated: "true" });
  assertEquals(readBucketPage(keys, P, "").next, `${P}a.zip`);
  const groups = page(
    `<NextMarker>${P}Z/</NextMarker><CommonPrefixes><Prefix>${P}A/</Prefix></CommonPrefixes>`,
    { truncated: "true" },
  );
  assertEquals(readBucketPage(groups, P, ""), {
    objects: [],
    prefixes: [`${P}A/`],
    next: `${P}Z/`,
  });
});

Deno.test("`readBucketPage()` reads an empty page, one object and an empty directory name", () => {
  assertEquals(readBucketPage(page(""), P, ""), { objects: [], prefixes: [], next: undefined });
  const one = page(`<CommonPrefixes><Prefix>${P}/</Prefix></CommonPrefixes>`);
  assertEquals(readBucketPage(one, P, "").prefixes, [`${P}/`]);
});

const NAMES: readonly (readonly [xml: string, key: string])[] = [
  ["A&lt;&amp;&gt;&quot;", 'A<&>"'],
  ["A&amp;lt;", "A&lt;"],
  ["A&#x41;&#66;", "AAB"],
  ["币安人生USDT", "币安人生USDT"],
  ["1e5", "1e5"],
  [" x ", " x "],
];
for (const [xml, key] of NAMES) {
  Deno.test(`\`readBucketPage()\` reads the name ${xml} as ${JSON.stringify(key)}`, () => {
    assertEquals(readBucketPage(page(object(P + xml)), P, "").objects[0]!.key, P + key);
  });
}

const good = page(object(`${P}a.zip`));
const REFUSED: readonly (readonly [why: string, xml: string, marker?: string])[] = [
  ["nothing", ""],
  ["HTML", "<!DOCTYPE html>\n<html><body>One moment</body></html>"],
  ["an error", "<Error><Code>SlowDown</Code></Error>"],
  ["a page that is cut", good.slice(0, good.length / 2)],
  ["a page without its last letter", good.slice(0, -1)],
  ["another prefix", page("", { prefix: `${P}x` })],
  ["no prefix", good.replace(/<Prefix>.*<\/Prefix>/, "")],
  ["no IsTruncated", good.replace(/<IsTruncated>.*<\/IsTruncated>/, "")],
  ["an IsTruncated that is neither", page("", { truncated: "maybe" })],
  ["a page that starts over", page(object(`${P}a.zip`), { truncated: "true" }), `${P}b.zip`],
  ["a page that stands still", page(object(`${P}a.zip`), { truncated: "true" }), `${P}a.zip`],
  ["more to come after nothing", page("", { truncated: "true" })],
  ["an object without a size", good.replace(/<Size>.*<\/Size>/, "")],
  ["a negative size", good.replace("1387", "-1")],
  ["an object without a time", good.replace(/<LastModified>.*<\/LastModified>/, "")],
  ["an object without a key", good.replace(/<Key>.*<\/Key>/, "")],
];
for (const [why, xml, marker = ""] of REFUSED) {
  Deno.test(`\`readBucketPage()\` refuses ${why}`, () => {
    const error = assertThrows(() => readBucketPage(xml, P, marker), BfaError);
    assertEquals([error.code, error.message.includes("\n")], ["integrity", false]);
  });
}
