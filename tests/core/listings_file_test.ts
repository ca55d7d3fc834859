import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { addDays, parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { listing } from "../helpers/listing.ts";
import { formatListings, parseListings, readListings } from "../../lib/core/listings_file.ts";
import { listingsFile } from "../helpers/arbitraries.ts";

const DAY = "2024-01-15";

/** A file with these rows, as it would come out of `JSON.parse()`. */
function fileOf(...rows: unknown[]): Record<string, unknown> {
  return { listingsFormat: 1, dataThrough: "2024-03-01", listings: rows };
}

/** Reads every case and expects `integrity` from each; the diff names those that were accepted. */
function assertAllRefused<T>(cases: readonly [what: string, T][], read: (value: T) => unknown) {
  const outcomes = cases.map(([what, value]) => {
    try {
      read(value);
      return `${what}: accepted`;
    } catch (error) {
      return `${what}: ${error instanceof BfaError ? error.code : error}`;
    }
  });
  assertEquals(outcomes, cases.map(([what]) => `${what}: integrity`));
}

Deno.test("`formatListings()` writes one line per listing, without trailing nulls", () => {
  const text = formatListings({
    dataThrough: parseDay("2024-03-01"),
    listings: [
      listing("AAAUSDT#1", "2024-01-01", null, null, {
        contractType: "perpetual",
        quoteAsset: "USDT",
      }),
      listing("BBBUSDT#1", "2024-01-01", "2024-01-10", "2024-01-12", {
        contractType: "tradifi_perpetual",
        halts: [[parseDay("2024-01-02"), parseDay("2024-01-03")]],
      }),
      listing("BBBUSDT#2", "2024-02-01", null, null, {
        contractType: "delivery",
        gaps: [[parseDay("2024-02-02"), parseDay("2024-02-02")]],
      }),
    ],
  });
  assertEquals(
    text,
    '{"listingsFormat":1,"dataThrough":"2024-03-01",' +
      '"contractTypes":{"P":"perpetual","T":"tradifi_perpetual","D":"delivery"},' +
      '"columns":["symbol","contractType","quoteAsset","first","lastTraded","last","gaps","halts"],' +
      '"listings":[\n' +
      '["AAAUSDT","P","USDT","2024-01-01"],\n' +
      '["BBBUSDT","T",null,"2024-01-01","2024-01-10","2024-01-12",null,[["2024-01-02","2024-01-03"]]],\n' +
      '["BBBUSDT","D",null,"2024-02-01",null,null,[["2024-02-02","2024-02-02"]]]\n' +
      "]}\n",
  );
});

Deno.test("`parseListings()` gives back what `formatListings()` wrote, and the text again", () => {
  fc.assert(fc.property(listingsFile(), (file) => {
    const text = formatListings(file);
    assertEquals(parseListings(text), file);
    assertEquals(formatListings(parseListings(text)), text);
  }));
});

Deno.test("`parseListings()` numbers the lives of a symbol", () => {
  const { listings } = readListings(fileOf(
    ["AAAUSDT", "P", "USDT", "2024-01-01", "2024-01-02", "2024-01-02"],
    ["AAAUSDT", "P", "USDT", "2024-01-04", "2024-01-05", "2024-01-05"],
    ["AAAUSDT", "P", "USDT", "2024-01-06"],
    ["BBBUSDT", null, null, "2024-01-01"],
  ));
  assertEquals(listings.map((l) => l.id), ["AAAUSDT#1", "AAAUSDT#2", "AAAUSDT#3", "BBBUSDT#1"]);
});

Deno.test("`parseListings()` refuses a later format and says what to do", () => {
  const error = assertThrows(
    () => readListings({ ...fileOf(), listingsFormat: 2, listings: "unknown shape" }),
    BfaError,
  );
  assertEquals(error.code, "format_too_new");
  assertStringIncludes(error.message, "this program knows up to 1; update bfa");
});

Deno.test("`parseListings()` refuses text that is not JSON, or torn", () => {
  const whole = formatListings({ dataThrough: parseDay(DAY), listings: [] });
  const texts = ["", "<html>", whole.slice(0, -3), `${whole}x`];
  assertAllRefused(texts.map((text) => [text, text]), parseListings);
});

Deno.test("`parseListings()` refuses a malformed file", () => {
  const files: [string, unknown][] = [
    ["null", null],
    ["a list", []],
    ["a text", "listings"],
    ["no format", { ...fileOf(), listingsFormat: undefined }],
    ["format is text", { ...fileOf(), listingsFormat: "1" }],
    ["no dataThrough", { ...fileOf(), dataThrough: undefined }],
    ["dataThrough is a number", { ...fileOf(), dataThrough: 20240301 }],
    ["dataThrough is no day", { ...fileOf(), dataThrough: "2024-02-30" }],
    ["no listings", { ...fileOf(), listings: undefined }],
    ["listings is an object", { ...fileOf(), listings: {} }],
  ];
  assertAllRefused(files, readListings);
});

Deno.test("`parseListings()` refuses a format that never was", () => {
  const formats: [string, number][] = [["0", 0], ["-1", -1], ["0.5", 0.5]];
  assertAllRefused(formats, (format) => readListings({ ...fileOf(), listingsFormat: format }));
});

const MALFORMED_ROWS: [string, unknown][] = [
  ["null", null],
  ["an object", { symbol: "AAAUSDT" }],
  ["empty", []],
  ["only a symbol", ["AAAUSDT"]],
  ["no first day", ["AAAUSDT", "P", "USDT"]],
  ["symbol is a number", [1, "P", "USDT", DAY]],
  ["symbol is empty", ["", "P", "USDT", DAY]],
  ["quote asset is empty", ["AAAUSDT", "P", "", DAY]],
  ["quote asset tells a terminal something", ["AAAUSDT", "P", "\x1b]0;x\x07USDT", DAY]],
  ["quote asset is a second line", ["AAAUSDT", "P", "USDT\nfresh", DAY]],
  ["symbol is a path", ["../x", "P", "USDT", DAY]],
  ["symbol with NUL", ["a\0b", "P", "USDT", DAY]],
  ["type is unknown", ["AAAUSDT", "X", "USDT", DAY]],
  ["type is a member of Object", ["AAAUSDT", "constructor", "USDT", DAY]],
  ["type is a number", ["AAAUSDT", 0, "USDT", DAY]],
  ["quote asset is a number", ["AAAUSDT", "P", 1, DAY]],
  ["first is no day", ["AAAUSDT", "P", "USDT", "2024-02-30"]],
  ["first is null", ["AAAUSDT", "P", "USDT", null]],
  ["last traded is no day", ["AAAUSDT", "P", "USDT", DAY, "yesterday", "2024-02-01"]],
  ["last is no day", ["AAAUSDT", "P", "USDT", DAY, DAY, "2024-1-16"]],
  ["last is before first", ["AAAUSDT", "P", "USDT", DAY, "2024-01-14", "2024-01-14"]],
  ["last traded is after last", ["AAAUSDT", "P", "USDT", DAY, "2024-01-20", "2024-01-19"]],
  ["ended without a last traded day", ["AAAUSDT", "P", "USDT", DAY, null, "2024-01-19"]],
];

const MALFORMED_RANGES: [string, unknown][] = [
  ["a text", "2024-01-16"],
  ["an object", {}],
  ["a day instead of a range", ["2024-01-16"]],
  ["half a range", [["2024-01-16"]]],
  ["no days", [["a", "b"]]],
  ["numbers", [[1, 2]]],
  ["reversed", [["2024-01-17", "2024-01-16"]]],
  ["before the first day", [["2024-01-14", "2024-01-16"]]],
  ["overlapping", [["2024-01-16", "2024-01-18"], ["2024-01-18", "2024-01-19"]]],
  ["not sorted", [["2024-01-18", "2024-01-18"], ["2024-01-16", "2024-01-16"]]],
];

Deno.test("`parseListings()` refuses a malformed row", () => {
  assertAllRefused(MALFORMED_ROWS, (row) => readListings(fileOf(row)));
});

Deno.test("`parseListings()` refuses a last traded day before the first day", () => {
  const rows: [string, unknown][] = [
    ["ended", ["AAAUSDT", "P", "USDT", DAY, "2024-01-10", "2024-01-19"]],
    ["still with files", ["AAAUSDT", "P", "USDT", DAY, "2024-01-10"]],
  ];
  assertAllRefused(rows, (row) => readListings(fileOf(row)));
});

Deno.test("`parseListings()` refuses malformed gaps and halts", () => {
  const row = ["AAAUSDT", "P", "USDT", DAY, null, null];
  assertAllRefused(MALFORMED_RANGES, (ranges) => readListings(fileOf([...row, ranges])));
  assertAllRefused(MALFORMED_RANGES, (ranges) => readListings(fileOf([...row, null, ranges])));
});

Deno.test("`parseListings()` takes nothing but null for no gaps and no halts", () => {
  const row = ["AAAUSDT", "P", "USDT", DAY, null, null];
  assertEquals(readListings(fileOf([...row, null, null])), readListings(fileOf(row)));
  assertEquals(readListings(fileOf([...row, [], []])), readListings(fileOf(row)));
  const cases: [string, unknown][] = [["0", 0], ["false", false], ["empty text", ""]];
  assertAllRefused(cases, (gaps) => readListings(fileOf([...row, gaps])));
  assertAllRefused(cases, (halts) => readListings(fileOf([...row, null, halts])));
});

Deno.test("`parseListings()` refuses gaps after the last day, and halts after the last traded one", () => {
  const row = ["AAAUSDT", "P", "USDT", DAY, "2024-01-20", "2024-01-25"];
  const cases: [string, unknown[]][] = [
    ["gap after last", [[["2024-01-26", "2024-01-27"]]]],
    ["gap over last", [[["2024-01-24", "2024-01-26"]]]],
    ["halt after last traded", [null, [["2024-01-21", "2024-01-22"]]]],
  ];
  assertAllRefused(cases, (ranges) => readListings(fileOf([...row, ...ranges])));
});

Deno.test("`parseListings()` refuses a symbol of more than 100 lives: counting them would take their square", () => {
  const lives = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const day = addDays(parseDay("2000-01-01"), i);
      return ["AAAUSDT", "P", "USDT", day, day, day];
    });
  assertEquals(readListings(fileOf(...lives(100))).listings.at(-1)!.id, "AAAUSDT#100");
  assertAllRefused([["101", lives(101)]], (rows) => readListings(fileOf(...rows)));
});

Deno.test("`parseListings()` refuses rows out of order, and lives that overlap", () => {
  const ended = ["BBBUSDT", "P", "USDT", "2024-01-01", "2024-01-10", "2024-01-12"];
  const cases: [string, unknown[]][] = [
    ["symbols out of order", [ended, ["AAAUSDT", "P", "USDT", DAY]]],
    ["next life starts on the last day", [ended, ["BBBUSDT", "P", "USDT", "2024-01-12"]]],
    ["next life starts before", [ended, ["BBBUSDT", "P", "USDT", "2023-12-01"]]],
    ["a life after one that goes on", [ended.slice(0, 4), ["BBBUSDT", "P", "USDT", DAY]]],
    ["the same row twice", [ended, ended]],
  ];
  assertAllRefused(cases, (rows) => readListings(fileOf(...rows)));
  assertEquals(
    readListings(fileOf(ended, ["BBBUSDT", "P", "USDT", "2024-01-13"])).listings.length,
    2,
  );
});
