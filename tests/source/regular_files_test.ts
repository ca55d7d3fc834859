import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Day, isDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { FILE_COLUMNS, FileColumns, VALUE_END } from "../../lib/core/file_columns.ts";
import { readKey } from "../../lib/core/vision_keys.ts";
import { inPieces } from "../helpers/in_pieces.ts";
import { type BucketPage, receiveBucketPage } from "../../lib/source/bucket_page.ts";
import { RegularTaker } from "../../lib/source/regular_files.ts";

const SYMBOL = "币安人生USDT";
const P = `data/futures/um/daily/klines/${SYMBOL}/1m/`;
const THROUGH = "2026-08-09" as Day;
const encoder = new TextEncoder();
const isUnwanted = (key: string) => key.endsWith(".zip.CHECKSUM");

const TIME = "2022-03-21T08:58:02.000Z";
const MD5 = "4c65e8f69a3ebae0cebef683f18dff3c";
const key = (name: string) => `${P}${SYMBOL}-1m-${name}`;
const zip = (day: string, facts = {}) => object(`${day}.zip`, facts);
function object(name: string, facts: { time?: string; etag?: string; size?: string } = {}): string {
  const { time = TIME, etag = `&quot;${MD5}&quot;`, size = "1387" } = facts;
  return `<Contents><Key>${key(name)}</Key><LastModified>${time}</LastModified>` +
    `<ETag>${etag}</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
}
const HEAD = `<?xml version="1.0" encoding="UTF-8"?>\n` +
  `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>data.binance.vision</Name>` +
  `<Prefix>${P}</Prefix><Marker></Marker><MaxKeys>1000</MaxKeys>`;
const page = (objects: string, { head = HEAD, truncated = false } = {}) =>
  `${head}<IsTruncated>${truncated}</IsTruncated>${objects}</ListBucketResult>`;

function valuesOf(files: FileColumns): string[][] {
  const columns = FILE_COLUMNS.map((name) =>
    new TextDecoder().decode(files.column(name)).split(VALUE_END).slice(0, -1)
  );
  return Array.from({ length: files.count }, (_, i) => columns.map((column) => column[i]!));
}

/** Takes regular files where told so, reads keys as `collect()` does, and returns all there is. */
async function read(bytes: Uint8Array, marker: string, chunk: number, isRegular: boolean) {
  const files = new FileColumns([{
    date: "2019-12-31" as Day,
    bytes: 1,
    lastModified: "",
    etag: "",
  }]);
  const regular = isRegular ? { files, symbol: SYMBOL, through: THROUGH } : undefined;
  let read: BucketPage;
  try {
    read = await receiveBucketPage(inPieces(bytes, chunk), {
      prefix: P,
      marker,
      isUnwanted,
      regular,
    });
  } catch (error) {
    assert(error instanceof BfaError, String(error));
    // Of a page with several faults, another may be the first that is found.
    return { refused: error.code, files: valuesOf(files), taken: 0 };
  }
  const { objects, ...rest } = read;
  const taken = files.count - 1;
  const odd: string[] = [];
  for (const { key, size, lastModified, etag } of objects) {
    const found = readKey(key, SYMBOL);
    if (found.kind === "file" && size > 0 && found.date <= THROUGH) {
      files.add({ date: found.date, bytes: size, lastModified, etag });
    } else odd.push(key);
  }
  return { ...rest, odd, files: valuesOf(files), taken };
}

/** Both ways must agree; returns how many files were taken as regular. */
async function assertSame(xml: string | Uint8Array, marker = "", chunk = 997): Promise<number> {
  const bytes = typeof xml === "string" ? encoder.encode(xml) : xml;
  const { taken, ...regular } = await read(bytes, marker, chunk, true);
  const { taken: _none, ...parsed } = await read(bytes, marker, chunk, false);
  if (JSON.stringify(regular) === JSON.stringify(parsed)) return taken;
  // Where a `>` stands in a text, saxen may refuse pieces of what it reads whole.
  const { taken: _none2, ...whole } = await read(bytes, marker, bytes.length, false);
  assertEquals<unknown>(regular, whole);
  return taken;
}

const day = (i: number) => new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10);

Deno.test("a whole page is regular, over leap days, in whatever pieces it arrives", async () => {
  const objects = Array.from(
    { length: 500 },
    (_, i) =>
      zip(day(i), { size: String(i + 1) }) + object(`${day(i)}.zip.CHECKSUM`, { size: "92" }),
  );
  for (const truncated of [true, false]) {
    const bytes = encoder.encode(page(objects.join(""), { truncated }));
    for (const chunk of [1_000, 16_384, 65_536, 1e9]) {
      const files = new FileColumns();
      const regular = { files, symbol: SYMBOL, through: THROUGH };
      const asked = { prefix: P, marker: "", isUnwanted, regular };
      assertEquals(await receiveBucketPage(inPieces(bytes, chunk), asked), {
        keys: 1000,
        objects: [],
        prefixes: [],
        next: truncated ? key(`${day(499)}.zip.CHECKSUM`) : undefined,
      });
      assertEquals(
        valuesOf(files),
        Array.from({ length: 500 }, (_, i) => [day(i), String(i + 1), TIME, MD5]),
      );
      assertEquals(await assertSame(bytes, "", chunk), 500);
    }
  }
});

const a = zip("2024-01-01");
const c = zip("2024-01-02");
const b = zip("2024-01-03");
/** What stands between two regular files, and how many are taken of a page that can be read. */
const BETWEEN: readonly (readonly [what: string, xml: string, taken: number])[] = [
  ["nothing", "", 2],
  ["a CHECKSUM", object("2024-01-01.zip.CHECKSUM"), 2],
  ["a CHECKSUM that is out of order", object("2023-01-01.zip.CHECKSUM"), 1],
  ["the same file once more", a, 1],
  ["an earlier file", zip("2023-12-31"), 1],
  ["white space", "\n  ", 1],
  ["a comment", `<!-- ${c} -->`, 1],
  ["the start of a comment", "<!--", 0],
  ["CDATA", `<![CDATA[${c}]]>`, 1],
  ["an element around the next", "<Contents>", 0],
  ["another element", "<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>", 1],
  ["the end of the root", "</ListBucketResult>", 0],
  ["a second root", "</ListBucketResult><ListBucketResult>", 0],
  ["a broken reference", "&", 0],
  ["a NUL", "\0", 0],
  ["a day that does not exist", zip("2024-02-30"), 1],
  ["a leap day that does not exist", zip("2100-02-29"), 1],
  ["a day that has not been", zip("2026-08-10"), 1],
  ["an empty file", zip("2024-01-02", { size: "0" }), 1],
  ["a size with leading zeros", zip("2024-01-02", { size: "007" }), 1],
  ["a size that is none", zip("2024-01-02", { size: "1e3" }), 0],
  ["a time that does not exist", zip("2024-01-02", { time: "2024-01-02T24:00:01.000Z" }), 0],
  ["a time of another form", zip("2024-01-02", { time: "2024-01-02T08:00:00Z" }), 1],
  ["an ETag of parts", zip("2024-01-02", { etag: `&quot;${MD5}-2&quot;` }), 3],
  ["an ETag without quotes", zip("2024-01-02", { etag: MD5 }), 1],
  ["an ETag in plain quotes", zip("2024-01-02", { etag: `"${MD5}"` }), 1],
  ["no ETag", c.replace(/<ETag>.*<\/ETag>/, ""), 1],
  ["two sizes", c.replace("</Contents>", "<Size>2</Size></Contents>"), 1],
  ["an attribute", c.replace("<Key>", '<Key a="1">'), 1],
  ["elements in another order", "<Contents><Size>5</Size><Key>x</Key></Contents>", 0],
  ["another symbol's file", c.replaceAll(SYMBOL, "BTCUSDT"), 1],
  ["a name that needs escaping", c.replace(".zip", "&amp;.zip"), 1],
  ["another ending", object("2024-01-02.zip.tmp"), 1],
];
for (const [what, xml, taken] of BETWEEN) {
  Deno.test(`between regular files, ${what}: as the XML parser reads it`, async () => {
    assertEquals(await assertSame(page(a + xml + b)), taken);
  });
}

Deno.test("what S3 may add to an object does not make it irregular; an owner does", async () => {
  const algorithm =
    "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>";
  const more = b.replace("<Size>", `${algorithm}<Size>`);
  assertEquals(await assertSame(page(a + more)), 2);
  const owned = b.replace("<Storage", "<Owner><ID>1</ID><DisplayName/></Owner><Storage");
  assertEquals(await assertSame(page(a + owned)), 1);
});

Deno.test("a page goes on after its marker: a day's start, a key, or anything else", async () => {
  const markers: readonly (readonly [marker: string, taken: number])[] = [
    [key("2024-01-01"), 2],
    [key("2024-01-02"), 0],
    [key("2023-12-31.zip"), 2],
    [key("2024-01-01.zip"), 0],
    [key("2023-12-31.zip.CHECKSUM"), 2],
    [key("2024-01-01.zip.tmp"), 0],
    [key("0"), 0],
    [`${P}A`, 0],
    ["a", 0],
  ];
  for (const [marker, taken] of markers) {
    assertEquals([marker, await assertSame(page(a + b), marker)], [marker, taken]);
  }
});

Deno.test("heads of another form leave the page to the parser", async () => {
  const heads = [
    HEAD.replace("<Marker></Marker>", "<Marker/>"),
    HEAD.replace("<?xml", " <?xml"),
    HEAD.replace("<Name>", "<!-- -->\n<Name>"),
    HEAD.replace("<Name>", "<Name a='>'>"),
    HEAD.replace("<Name>", "<Contents>"),
    HEAD.replace("<ListBucketResult", "<!DOCTYPE a><ListBucketResult"),
    HEAD.replace("data.binance.vision", "&lt;"),
    `${HEAD}<Name>${"x".repeat(20_000)}</Name>`,
    "<ListBucketResult>",
    "<Other>",
    "",
  ];
  const taken = [];
  for (const head of heads) taken.push(await assertSame(page(a + b, { head })));
  assertEquals(taken, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("a page that breaks off leaves no file behind", async () => {
  const whole = page(a + b);
  for (let length = 0; length < whole.length; length += 7) {
    assertEquals(await assertSame(whole.slice(0, length)), 0);
  }
});

/** Pages of such objects, with pieces of bytes taken out, doubled or replaced. */
const hostile = fc.record({
  objects: fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: fc.constantFrom(...BETWEEN.map(([, xml]) => xml)) },
    ),
    { maxLength: 12 },
  ),
  truncated: fc.boolean(),
  marker: fc.constantFrom("", "", "", "", key("2020-01-01"), key("2020-01-02.zip"), `${P}A`),
  chunk: fc.integer({ min: 1, max: 3_000 }),
  edits: fc.array(
    fc.record({
      at: fc.nat({ max: 10_000 }),
      remove: fc.nat({ max: 40 }),
      insert: fc.oneof(
        fc.constantFrom(
          "",
          "<",
          ">",
          "&",
          "<Contents>",
          "</Contents>",
          "<!--",
          "-->",
          "\0",
          "0",
          '"',
          "]]>",
          "é",
        ),
        fc.string({ maxLength: 6 }),
      ),
    }),
    { maxLength: 1 },
  ),
});

Deno.test("hostile pages are read, or refused, as by the XML parser alone", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(hostile, async ({ objects, truncated, marker, chunk, edits }) => {
      let xml = page(objects.map((between, i) => zip(day(i)) + between).join(""), { truncated });
      for (const { at, remove, insert } of edits) {
        const from = at % xml.length;
        xml = xml.slice(0, from) + insert + xml.slice(from + remove);
      }
      taken += await assertSame(xml, marker, chunk);
    }),
    { numRuns: 400 },
  );
  assert(taken > 300, `${taken} files`);
});

Deno.test("bytes that are no UTF-8 are refused wherever they are", async () => {
  const whole = encoder.encode(page(a + b));
  for (let at = 0; at < whole.length; at += 11) {
    const bytes = whole.slice();
    bytes[at] = 0xff;
    await assertSame(bytes);
  }
});

Deno.test("every day since there were futures is regular, and no other text", () => {
  const files = new FileColumns();
  const takes = (text: string) => {
    const taker = new RegularTaker({ files, symbol: SYMBOL, through: "9999-12-31" as Day }, "");
    const xml = encoder.encode(zip(text));
    return taker.take(xml, 0) === xml.length && taker.lastKey === key(`${text}.zip`);
  };
  for (const year of [1900, 2000, 2019, 2023, 2024, 2100]) {
    for (let month = 0; month <= 13; month++) {
      for (let date = 0; date <= 32; date++) {
        const text = `${year}-${String(month).padStart(2, "0")}-${String(date).padStart(2, "0")}`;
        assertEquals([text, takes(text)], [text, isDay(text) && text >= "2019-09-01"]);
      }
    }
  }
});
