import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { inPieces } from "../helpers/in_pieces.ts";
import { readBucketPage, receiveBucketPage } from "../../lib/source/bucket_page.ts";

const P = "data/futures/um/daily/klines/BTCUSDT/1h/";
const XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const object = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2022-03-21T08:58:02.000Z</LastModified>` +
  `<ETag>&quot;4c65e8f6&quot;</ETag><Size>1387</Size><StorageClass>STANDARD</StorageClass></Contents>`;
const page = (body: string, { prefix = P, truncated = "false" } = {}) =>
  `<ListBucketResult><Prefix>${prefix}</Prefix><IsTruncated>${truncated}</IsTruncated>${body}</ListBucketResult>`;
const read = (xml: string, marker = "") => readBucketPage(xml, { prefix: P, marker });
const full = (xml: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${
    xml.replace("<ListBucketResult>", `<ListBucketResult ${XMLNS}>`)
  }`;

Deno.test("`readBucketPage()` reads objects, with and without declaration and namespace", () => {
  const xml = page(object(`${P}a.zip`) + object(`${P}b.zip`));
  const expected = {
    keys: 2,
    objects: ["a.zip", "b.zip"].map((name) => ({
      key: P + name,
      size: 1387,
      lastModified: "2022-03-21T08:58:02.000Z",
      etag: "4c65e8f6",
    })),
    prefixes: [],
    next: undefined,
  };
  assertEquals(read(xml), expected);
  assertEquals(read(full(xml) + "\n"), expected);
});

Deno.test("`readBucketPage()` goes on after the last key, or where NextMarker says", () => {
  const keys = page(object(`${P}a.zip`), { truncated: "true" });
  assertEquals(read(keys).next, `${P}a.zip`);
  const groups = page(
    `<NextMarker>${P}Z/</NextMarker><CommonPrefixes><Prefix>${P}A/</Prefix></CommonPrefixes>`,
    { truncated: "true" },
  );
  assertEquals(read(groups), {
    keys: 0,
    objects: [],
    prefixes: [`${P}A/`],
    next: `${P}Z/`,
  });
});

Deno.test("`readBucketPage()` reads an empty page, one object and an empty directory name", () => {
  assertEquals(read(page("")), { keys: 0, objects: [], prefixes: [], next: undefined });
  const one = page(`<CommonPrefixes><Prefix>${P}/</Prefix></CommonPrefixes>`);
  assertEquals(read(one).prefixes, [`${P}/`]);
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
    assertEquals(read(page(object(P + xml))).objects[0]!.key, P + key);
  });
}

const good = page(object(`${P}a.zip`));
const REFUSED: readonly (readonly [why: string, xml: string, marker?: string])[] = [
  ["nothing", ""],
  ["white space", " \n"],
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
  ["a time that does not exist", good.replace("T08:58", "T25:58")],
  ["a day that does not exist", good.replace("2022-03-21", "2022-13-21")],
  ["an object from before its marker", page(object(`${P}a.zip`)), `${P}b.zip`],
  ["two listings in one", good + good],
  ["text after the listing", `${good}more`],
  ["text before the listing", `more${good}`],
  ["a DOCTYPE", `<!DOCTYPE ListBucketResult>${good}`],
  ["elements that are closed in the wrong order", good.replace("</Key>", "</ETag>")],
  ["an attribute without quotes", good.replace("<ListBucketResult>", "<ListBucketResult a=1>")],
  ["an attribute that is given twice", good.replace("<Key>", '<Key a="1" a="2">')],
  ["an ampersand that begins no reference", good.replace("a.zip", "a&b.zip")],
  ["a reference XML does not have", good.replace("a.zip", "a&nbsp;b.zip")],
  ["a reference without its end", good.replace("a.zip", "a&amp b.zip")],
  ["a reference to no character", good.replace("a.zip", "a&#x110000;b.zip")],
  ["a broken reference where nobody looks", good.replace("STANDARD", "&STANDARD")],
  ["a broken reference in an attribute", good.replace("<Key>", '<Key a="&b">')],
  ["a NUL", good.replace("a.zip", "a\0.zip")],
  ["a control character", good.replace("STANDARD", "\x1b[0m")],
  ["an element within a tag", good.replace("<Key>", "<Key <b>")],
];
for (const [why, xml, marker = ""] of REFUSED) {
  Deno.test(`\`readBucketPage()\` refuses ${why}`, () => {
    const error = assertThrows(() => read(xml, marker), BfaError);
    assertEquals([error.code, error.message.includes("\n")], ["integrity", false]);
  });
}

Deno.test("a page is the same in whatever pieces it arrives", async () => {
  const name = "币安&amp;人生-𝒳";
  const xml = full(page(object(`${P}a.zip`) + object(P + name) + object(`${P}币.CHECKSUM`)));
  const bytes = new TextEncoder().encode(xml);
  const asked = {
    prefix: P,
    marker: "",
    isUnwanted: (key: string) => key.endsWith(".CHECKSUM"),
  };
  const whole = readBucketPage(xml, asked);
  assertEquals(whole.keys, 3);
  assertEquals(whole.objects.map(({ key }) => key), [`${P}a.zip`, `${P}币安&人生-𝒳`]);
  for (const size of [1, 2, 3, 7, 64, 1000]) {
    assertEquals(await receiveBucketPage(inPieces(bytes, size), asked), whole);
  }
});

for (
  const [why, bytes] of [
    ["nothing", new Uint8Array()],
    ["a page that is cut", new TextEncoder().encode(good.slice(0, -1))],
    ["bytes that are no UTF-8", Uint8Array.from(good, (c) => c === "z" ? 0xff : c.charCodeAt(0))],
  ] as const
) {
  Deno.test(`\`receiveBucketPage()\` refuses ${why}`, async () => {
    const body = bytes.length ? inPieces(bytes, bytes.length) : null;
    const error = await assertRejects(() => receiveBucketPage(body, { prefix: P, marker: "" }));
    assertEquals(error instanceof BfaError ? error.code : error, "integrity");
  });
}
