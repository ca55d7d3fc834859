import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { parse } from "@std/csv/parse";
import { tableFromIPC } from "apache-arrow";
import { parquetReadObjects } from "hyparquet";
import { ANSWER_FORMATS } from "../../routes/negotiation.ts";
import { QUESTIONS } from "../../routes/questions.ts";
import { VERSION, withService } from "../helpers/service.ts";

const DAY = "/v1/snapshot/2024-01-11";

Deno.test("a suffix and Accept give the same bytes, each with its media type and its own tag", async () => {
  await withService(async ({ ask }) => {
    const tags = new Set<string>();
    for (const [name, { mediaType }] of Object.entries(ANSWER_FORMATS)) {
      const bySuffix = await ask(`${DAY}.${name}`);
      const byAccept = await ask(DAY, { headers: { accept: mediaType } });
      assertEquals([bySuffix.status, byAccept.status], [200, 200], name);
      assertEquals(bySuffix.headers.get("content-type"), mediaType);
      assertEquals(bySuffix.headers.get("vary"), "Accept-Encoding");
      assertEquals(byAccept.headers.get("vary"), "Accept, Accept-Encoding");
      assertEquals(bySuffix.headers.get("etag"), byAccept.headers.get("etag"));
      assertEquals(await bySuffix.bytes(), await byAccept.bytes(), name);
      tags.add(bySuffix.headers.get("etag")!);
    }
    assertEquals(tags.size, Object.keys(ANSWER_FORMATS).length);
  });
});

Deno.test("a suffix is one however it is written: no cache gets JSON under the name of CSV", async () => {
  await withService(async ({ ask }) => {
    const whole = await (await ask(`${DAY}.csv`)).text();
    for (const suffix of ["%2ecsv", "%2Ecsv", ".%63sv", "%2e%63%73%76"]) {
      const answer = await ask(DAY + suffix);
      assertEquals(answer.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
      assertEquals(answer.headers.get("vary"), "Accept-Encoding");
      assertEquals(await answer.text(), whole, suffix);
    }
  });
});

/** What a client accepts, and what it gets. */
const ACCEPT: [accept: string, mediaType: string | 406][] = [
  ["application/json; charset=utf-8", "application/json"],
  ["application/json;charset=UTF-8, text/csv;q=0.5", "application/json"],
  ["application/x-ndjson; charset=utf-8", "application/x-ndjson"],
  ["application/json; charset=utf-16", 406],
  ["*/*", "application/json"],
  ["application/*", "application/json"],
  ["text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/json"],
  ["text/csv", "text/csv; charset=utf-8; header=present"],
  ["text/*", "text/csv; charset=utf-8; header=present"],
  ["application/json;q=0.5, text/markdown", "text/markdown; charset=utf-8"],
  ["application/ndjson", "application/x-ndjson"],
  ["application/json;q=0, application/x-ndjson", "application/x-ndjson"],
  ["text/html", 406],
  ["application/xml", 406],
  ["application/json;q=0", 406],
];

for (const [accept, expected] of ACCEPT) {
  Deno.test(`Accept: ${accept} gets ${expected}`, async () => {
    await withService(async ({ ask }) => {
      const response = await ask(DAY, { headers: { accept } });
      const text = await response.text();
      if (expected !== 406) {
        assertEquals(response.headers.get("content-type"), expected);
        assertEquals(response.status, 200);
      } else {
        assertEquals([response.status, JSON.parse(text).code], [406, "not_acceptable"]);
        assertMatch(JSON.parse(text).detail, /json, ndjson, csv, md, arrow, parquet/);
      }
    });
  });
}

Deno.test("a kept answer in one format is never given for another", async () => {
  await withService(async ({ ask }) => {
    const json = await (await ask(DAY)).text();
    const csv = await (await ask(DAY, { headers: { accept: "text/csv" } })).text();
    assertNotEquals(json, csv);
    for (let again = 0; again < 2; again++) {
      assertEquals(await (await ask(DAY)).text(), json);
      assertEquals(await (await ask(DAY, { headers: { accept: "text/csv" } })).text(), csv);
      const none = await ask(DAY, { headers: { accept: "text/html" } });
      assertEquals(none.status, 406);
      await none.body?.cancel();
    }
  });
});

Deno.test("every tabular question has the same rows in CSV, NDJSON, Arrow and Parquet", async () => {
  const asked = [
    `${DAY}?state=archived&state=traded`,
    `${DAY}?detail=1`,
    "/v1/timeline/BBBUSDT",
    "/v1/timeline/BBBUSDT?detail=1",
    "/v1/range?from=2024-01-01&to=latest",
    "/v1/new-listings?from=2024-01-01&to=latest",
    "/v1/delistings?from=2024-01-01&to=latest",
    "/v1/summary?from=2024-01-01&to=latest",
    "/v1/symbols",
    "/v1/diff/latest..latest",
  ];
  const questions = QUESTIONS.map(({ path }) => path.split("/")[1]).filter((q) =>
    !["pairlist", "top", "rows"].includes(q!)
  );
  assertEquals(new Set(asked.map((path) => path.split(/[/?]/)[2])), new Set(questions));
  await withService(async ({ ask }) => {
    for (const path of asked) {
      const get = async (format: string) => {
        const [before, query = ""] = path.split("?");
        const response = await ask(`${before}.${format}?${query}`);
        assertEquals(response.status, 200, `${path} ${format}`);
        return await response.bytes();
      };
      const lines = new TextDecoder().decode(await get("ndjson")).trimEnd().split("\n");
      const rows = lines.filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
      assert(rows.length > 0 || path.includes("diff"), path);
      const texts = rows.map((row) => Object.values(row).map((cell) => String(cell ?? "")));
      const csv = parse(new TextDecoder().decode(await get("csv")), { skipFirstRow: true });
      assertEquals(csv.map((row) => Object.values(row)), texts, `${path} csv`);
      const arrow = tableFromIPC(await get("arrow")).toArray().map((row) => row.toJSON());
      assertEquals(arrow.map(asTexts), texts, `${path} arrow`);
      const parquet = await parquetReadObjects({ file: (await get("parquet")).buffer });
      assertEquals(parquet.map(asTexts), texts, `${path} parquet`);
    }
  });
});

/** Days are Date in one reader and milliseconds in the other. */
function asTexts(row: Record<string, unknown>): string[] {
  return Object.entries(row).map(([name, cell]) => {
    const isDay = ["date", "first", "last", "last_traded"].includes(name);
    if (isDay && cell !== null) return new Date(cell as number).toISOString().slice(0, 10);
    return String(cell ?? "");
  });
}

Deno.test("what has no rows says 406 for tabular formats, and which there is", async () => {
  await withService(async ({ ask }) => {
    const response = await ask("/v1/pairlist/latest.csv");
    assertEquals(response.status, 406);
    assertMatch((await response.json()).detail, /there is json$/);
  });
});

Deno.test("GET /v1/pairlist/{day} names perpetual contracts as freqtrade does", async () => {
  await withService(async ({ json, ask }) => {
    assertEquals(await json("/v1/pairlist/2024-01-11.json"), {
      pairs: ["AAA/USDT:USDT"],
      refresh_period: 86_400,
    });
    assertEquals(await json("/v1/pairlist/latest?quote=USDC"), {
      pairs: ["DDD/USDC:USDC"],
      refresh_period: 3_600,
    });
    const none = await ask("/v1/pairlist/latest?quote=EUR");
    assertEquals(none.status, 400);
    assertMatch((await none.json()).detail, /"EUR".*quoted in USDC, USDT/);
  });
});

Deno.test("an answer over 1 MB is streamed, with the same tag, and is not kept", async () => {
  const { listing } = await import("../helpers/listing.ts");
  const many = Array.from(
    { length: 40_000 },
    (_, i) => listing(`S${String(i).padStart(5, "0")}USDT#1`, "2024-01-01"),
  );
  await withService(async ({ ask, listen }) => {
    const base = listen();
    const path = "/v1/symbols.csv";
    const streamed = await fetch(base + path, { headers: { "accept-encoding": "identity" } });
    assertEquals(streamed.headers.get("content-length"), null);
    const text = await streamed.text();
    assertEquals(text.trimEnd().split("\r\n").length, 40_001);
    assert(text.length > 1024 * 1024);
    const etag = streamed.headers.get("etag")!;
    const known = await ask(path, { headers: { "if-none-match": etag } });
    assertEquals([known.status, known.body], [304, null]);
    const gzip = await fetch(base + path, { headers: { "accept-encoding": "gzip" } });
    assertEquals(gzip.headers.get("etag"), etag.replace(/"$/, '-gzip"'));
    assertEquals(await gzip.text(), text);
    const head = await ask(path, { method: "HEAD" });
    assertEquals([head.status, await head.text(), head.headers.get("etag")], [200, "", etag]);
    assertEquals(head.headers.get("x-dataset-version"), VERSION);
    const sent = await fetch(base + path, { method: "HEAD" });
    assertEquals([await sent.text(), sent.headers.get("content-length")], ["", null]);
  }, { listings: many });
});
