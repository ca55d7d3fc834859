import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Zip, ZipDeflate, type Zippable, zipSync } from "fflate";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { parseDayKline } from "../../lib/core/kline.ts";
import { httpClient } from "../../lib/net/client.ts";
import { type DayKlineProblem, fetchDayKline } from "../../lib/source/klines.ts";
import { type RawReply, type RawServer, serveRaw } from "../helpers/fault_server.ts";

const CSV = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume," +
  "taker_buy_quote_volume,ignore\n" +
  "1788220800000,78549.60,79196.00,76368.00,77400.10,151357.832,1788307199999," +
  "11776717838.40160,3622828,72544.811,5646145648.39730,0\n";
const DAY = parseDay("2026-09-01");
const NAME = "BTCUSDT-1d-2026-09-01";
const FOLDER = "data/futures/um/daily/klines/";
const PATH = `${FOLDER}BTCUSDT/1d/${NAME}.zip`;
const NUMBERS = parseDayKline(CSV, DAY);

const utf8 = (text: string) => new TextEncoder().encode(text);
const GOOD_ZIP = zipOf({ [`${NAME}.csv`]: utf8(CSV) });
const NOT_FOUND: RawReply = { status: 404, body: utf8("<Error><Code>NoSuchKey</Code></Error>") };

type Bytes = Uint8Array<ArrayBuffer>;

function zipOf(files: Zippable): Bytes {
  return new Uint8Array(zipSync(files, { mtime: "2026-09-02T08:00:00Z" }));
}

/** A ZIP written in one go: sizes follow the data, and the entry's own header has none. */
function streamedZip(name: string, text: string): Bytes {
  const bytes: number[] = [];
  const zip = new Zip((_, chunk) => bytes.push(...chunk));
  const entry = new ZipDeflate(name);
  zip.add(entry);
  entry.push(utf8(text), true);
  zip.end();
  return new Uint8Array(bytes);
}

/** A copy of a ZIP with another 16-bit number in its central directory, or after that. */
function patched(zip: Bytes, offset: number, value: number): Bytes {
  const copy = zip.slice();
  const view = new DataView(copy.buffer);
  view.setUint16(view.getUint32(copy.length - 6, true) + offset, value, true);
  return copy;
}

/** What a test serves. */
interface Served {
  zip?: Bytes;
  /** Text of the CHECKSUM; the right one by default. */
  checksum?: (sha256: string) => string;
  /** Replies instead, by the number of the request. */
  replies?: Record<number, Partial<RawReply>>;
  symbol?: string;
}

/** Asks a server of a ZIP and its CHECKSUM for the numbers. */
async function ask(
  served: Served,
  test: (asked: {
    result: ReturnType<typeof fetchDayKline>;
    server: RawServer;
    sha256: string;
  }) => Promise<void>,
): Promise<void> {
  const { zip = GOOD_ZIP, replies = {}, symbol = "BTCUSDT" } = served;
  const { checksum = (hex: string) => `${hex}  ${symbol}-1d-${DAY}.zip\n` } = served;
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", zip)).toHex();
  const server = serveRaw(({ path, number }) => ({
    status: 200,
    body: path.endsWith(".CHECKSUM") ? utf8(checksum(sha256)) : zip,
    ...replies[number],
  }));
  try {
    const http = httpClient({ random: () => 0 });
    const result = fetchDayKline(http, server.url + FOLDER, symbol, DAY);
    await test({ result, server, sha256 });
  } finally {
    await server.close();
  }
}

const GOOD: { of: string; served: Served; requests?: number }[] = [
  { of: "a ZIP and its CHECKSUM", served: {} },
  { of: "one space", served: { checksum: (hex) => `${hex} ${NAME}.zip\n` } },
  { of: "a binary mark", served: { checksum: (hex) => `${hex} *${NAME}.zip\n` } },
  { of: "upper case", served: { checksum: (hex) => `${hex.toUpperCase()}  ${NAME}.zip\n` } },
  { of: "no LF", served: { checksum: (hex) => `${hex}  ${NAME}.zip` } },
  { of: "CRLF", served: { checksum: (hex) => `${hex}  ${NAME}.zip\r\n` } },
  {
    of: "a stored entry",
    served: { zip: zipOf({ [`${NAME}.csv`]: [utf8(CSV), { level: 0 }] }) },
  },
  { of: "a streamed ZIP", served: { zip: streamedZip(`${NAME}.csv`, CSV) } },
  { of: "429, then the ZIP", served: { replies: { 1: { status: 429 } } }, requests: 3 },
  { of: "503, then the CHECKSUM", served: { replies: { 2: { status: 503 } } }, requests: 3 },
  {
    of: "a connection that breaks once",
    served: { replies: { 1: { cutAfter: 50 } } },
    requests: 3,
  },
];

for (const { of, served, requests = 2 } of GOOD) {
  Deno.test(`fetchDayKline() reads ${of}: ${requests} requests`, async () => {
    await ask(served, async ({ result, server, sha256 }) => {
      assertEquals(await result, { numbers: NUMBERS, etag: null, sha256 });
      assertEquals(server.requests.length, requests);
      assertEquals(server.requests[0]!.path, PATH);
      assertEquals(server.requests.at(-1)!.path, `${PATH}.CHECKSUM`);
    });
  });
}

/** Where a central directory with one entry ends. */
const END = 46 + `${NAME}.csv`.length;
const BOMB = zipOf({ [`${NAME}.csv`]: new Uint8Array(4_000_000) });
const LYING_BOMB = patched(BOMB, 26, 0);

type Problem = DayKlineProblem["problem"];
const BAD: { of: string; served: Served; problem: Problem; says: string; requests?: number }[] = [
  {
    of: "no ZIP",
    served: { replies: { 1: NOT_FOUND } },
    problem: "missing",
    says: `there is no ${NAME}.zip`,
    requests: 1,
  },
  {
    of: "no CHECKSUM",
    served: { replies: { 2: NOT_FOUND } },
    problem: "missing",
    says: `there is no ${NAME}.zip.CHECKSUM`,
  },
  {
    of: "a wrong CHECKSUM",
    served: { checksum: () => `${"0".repeat(64)}  ${NAME}.zip\n` },
    problem: "checksum",
    says: `its CHECKSUM says ${"0".repeat(64)}`,
  },
  ...[
    ["of another file", (hex: string) => `${hex}  BTCUSDT-1d-2026-09-02.zip\n`],
    ["without a name", (hex: string) => `${hex}\n`],
    ["of an MD5", (hex: string) => `${hex.slice(32)}  ${NAME}.zip\n`],
    ["of two lines", (hex: string) => `${hex}  ${NAME}.zip\n`.repeat(2)],
    ["that is a page", () => "<!doctype html>"],
    ["that is empty", () => ""],
    ["of 5 KB", (hex: string) => `${hex}  ${NAME}.zip${"\n".repeat(5000)}`],
  ].map(([what, checksum]) => ({
    of: `a CHECKSUM ${what}`,
    served: { checksum: checksum as (hex: string) => string },
    problem: "checksum" as const,
    says: `${NAME}.zip.CHECKSUM is no checksum of ${NAME}.zip`,
  })),
  ...([
    ["a ZIP over 1 MB", new Uint8Array(1024 * 1024 + 1), "is over 1048576 bytes", 1],
    ["a ZIP cut in its data", GOOD_ZIP.slice(0, 100), "invalid zip data"],
    ["a ZIP cut at its end", GOOD_ZIP.slice(0, -1), "invalid zip data"],
    ["an empty file", new Uint8Array(), "invalid zip data"],
    ["a page", utf8("<!doctype html><title>Forbidden</title>"), "invalid zip data"],
    ["an empty ZIP", zipOf({}), "the ZIP is empty"],
    ["an entry over 1 MB", BOMB, "it is over 1048576 bytes"],
    ["an entry over 1 MB that says 2,304 bytes", LYING_BOMB, "it is longer than the ZIP says"],
    ["an entry that says 1,000 bytes", patched(GOOD_ZIP, 24, 1000), "it is shorter than the ZIP"],
    ["an entry that says 90 packed bytes", patched(GOOD_ZIP, 20, 90), "unexpected EOF"],
    ["an unknown compression", patched(GOOD_ZIP, 10, 93), "unknown compression 93"],
    [
      "a directory that says 65,535 entries",
      patched(GOOD_ZIP, END + 8, 65_535),
      "more than one entry",
    ],
    ["another start", new Uint8Array([0, ...GOOD_ZIP.slice(1)]), "no entry at its start"],
    ["another entry", zipOf({ "BTCUSDT-1m-2026-09-01.csv": utf8(CSV) }), 'holds "BTCUSDT-1m-2026'],
    ["a path", zipOf({ [`../${NAME}.csv`]: utf8(CSV) }), `the ZIP holds "../${NAME}.csv"`],
    ["two entries", zipOf({ [`${NAME}.csv`]: utf8(CSV), "x": utf8("") }), "more than one entry"],
    ["no UTF-8", zipOf({ [`${NAME}.csv`]: new Uint8Array([0xff]) }), "Cannot unpack"],
    ["an empty CSV", zipOf({ [`${NAME}.csv`]: utf8("") }), "it has 0 rows instead of 1"],
    ["a CSV cut short", zipOf({ [`${NAME}.csv`]: utf8(CSV.slice(0, -60)) }), "columns instead of"],
  ] as [string, Bytes, string, number?][]).map(([of, zip, says, requests = 2]) => ({
    of,
    served: { zip },
    problem: "malformed" as const,
    says,
    requests,
  })),
];

for (const { of, served, problem, says, requests = 2 } of BAD) {
  Deno.test(`fetchDayKline() tells of ${of}: ${problem}, ${requests} requests`, async () => {
    await ask(served, async ({ result, server }) => {
      const found = await result as DayKlineProblem;
      assertEquals(found.problem, problem, JSON.stringify(found));
      assertStringIncludes(found.detail, says);
      assertEquals(/[\r\n]/.test(found.detail), false);
      assertEquals(server.requests.length, requests);
    });
  });
}

const DOWN: { of: string; reply: Partial<RawReply>; requests: number }[] = [
  { of: "answers 503 for ever", reply: { status: 503 }, requests: 6 },
  { of: "refuses with 403", reply: { status: 403 }, requests: 1 },
  { of: "breaks off for ever", reply: { cutAfter: 50 }, requests: 3 },
];

for (const { of, reply, requests } of DOWN) {
  Deno.test(`fetchDayKline() throws when the source ${of}: ${requests} requests`, async () => {
    const replies = Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [number, reply]));
    await ask({ replies }, async ({ result, server }) => {
      assertEquals((await assertRejects(() => result, BfaError)).code, "network");
      assertEquals(server.requests.length, requests);
    });
  });
}

Deno.test("fetchDayKline() percent-encodes a Chinese symbol, with and without a UTF-8 flag", async () => {
  const symbol = "币安人生USDT";
  const zip = zipOf({ [`${symbol}-1d-${DAY}.csv`]: utf8(CSV) });
  const unflagged = patched(zip, 8, 0);
  const encoded = "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT";
  const path = `${FOLDER}${encoded}/1d/${encoded}-1d-${DAY}.zip`;
  for (const served of [{ symbol, zip }, { symbol, zip: unflagged }]) {
    await ask(served, async ({ result, server, sha256 }) => {
      assertEquals(await result, { numbers: NUMBERS, etag: null, sha256 });
      assertEquals(server.requests.map((request) => request.path), [path, `${path}.CHECKSUM`]);
    });
  }
});

Deno.test("fetchDayKline() asks nothing about what cannot be a symbol", async () => {
  for (const symbol of ["..", "../x", "", "BTC\0USDT", "BTCUSDT/1m"]) {
    await ask({ symbol }, async ({ result, server }) => {
      assertEquals((await assertRejects(() => result, BfaError)).code, "usage");
      assertEquals(server.requests.length, 0);
    });
  }
});
