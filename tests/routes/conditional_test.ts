import { assert, assertEquals } from "@std/assert";
import { rawHttp } from "../helpers/raw_http.ts";
import { type TestService, withService } from "../helpers/service.ts";

/**
 * Conditional and range requests by RFC 9110 §13 and §14, against everything that has a tag, over a
 * real connection. artifacts_test.ts has more ranges of artifacts.
 */

/** What is asked for: the same for questions, files and documents. */
interface Target {
  readonly path: string;
  /** Ranges are for files; elsewhere they are ignored, as §14.2 allows. */
  readonly ranges: boolean;
  /** Sent compressed to whoever accepts that, with a tag of its own. */
  readonly zips: boolean;
  /** Another one took its place, or could, on a known day. */
  readonly dated: boolean;
}

/** A case: `{tag}`, `{gzip}` and `{n}` stand for the target's tags and length. */
interface Case {
  readonly title: string;
  readonly headers: Record<string, string>;
  readonly method?: string;
  /** With a range of bytes: what files answer; others answer 200. */
  readonly status: number;
  readonly bytes?: readonly [first: number | "-", last: number | "end"];
  readonly only?: "ranges" | "zips" | "dated" | "undated";
}

const none = (value: string, status: number, more: Partial<Case> = {}): Case => ({
  title: `If-None-Match: ${value}`,
  headers: { "if-none-match": value },
  status,
  ...more,
});
const match = (value: string, status: number, more: Partial<Case> = {}): Case => ({
  title: `If-Match: ${value}`,
  headers: { "if-match": value },
  status,
  ...more,
});
const since = (value: string, status: number, more: Partial<Case> = {}): Case => ({
  title: `If-Unmodified-Since: ${value}`,
  headers: { "if-unmodified-since": value },
  status,
  ...more,
});
const range = (value: string, status: number, bytes?: Case["bytes"], ifRange?: string): Case => ({
  title: `Range: ${value}${ifRange === undefined ? "" : `, If-Range: ${ifRange}`}`,
  headers: { range: value, ...(ifRange === undefined ? {} : { "if-range": ifRange }) },
  status,
  ...(bytes ? { bytes } : {}),
});

const several = (
  title: string,
  headers: Case["headers"],
  status: number,
  more: Partial<Case> = {},
): Case => ({ title, headers, status, ...more });

const CASES: readonly Case[] = [
  { title: "no condition", headers: {}, status: 200 },
  { title: "HEAD", method: "HEAD", headers: {}, status: 200 },
  // §13.1.2: weak comparison, lists, and the asterisk
  none("{tag}", 304),
  none("W/{tag}", 304),
  none('"x", {tag}', 304),
  none('"x",W/{tag} ,"y"', 304),
  none(",, {tag} ,", 304),
  none("*", 304),
  none(" * ", 304),
  none('"x"', 200),
  none('W/"x"', 200),
  none('"x", "y", W/"z"', 200),
  none('"*"', 200),
  none("garbage", 200),
  none('"unclosed', 200),
  none("", 200),
  none('w/"x"', 200),
  none(`${'"x",'.repeat(500)} {tag}`, 304),
  none("{tag}", 304, { method: "HEAD", title: "HEAD with its tag" }),
  none('"x"', 200, { method: "HEAD", title: "HEAD with another tag" }),
  // both encodings are the same answer, each with a tag of its own
  none("{gzip}", 304, { only: "zips" }),
  none("W/{gzip}", 304, { only: "zips" }),
  // §13.2.2: without If-None-Match, If-Modified-Since counts only for what has a date; this has none
  several("If-Modified-Since", { "if-modified-since": "Mon, 01 Apr 2030 00:00:00 GMT" }, 200),
  several("If-None-Match wins over If-Modified-Since", {
    "if-none-match": '"x"',
    "if-modified-since": "Mon, 01 Apr 2030 00:00:00 GMT",
  }, 200),
  // §13.1.1: strong comparison, lists, and the asterisk
  match("{tag}", 200),
  match(" {tag} ", 200),
  match('"x", {tag}', 200),
  match('"x",,{tag},"y"', 200),
  match("*", 200),
  match("{gzip}", 200, { only: "zips" }),
  match("W/{tag}", 412),
  match('"x"', 412),
  match('"x", "y", W/{tag}', 412),
  match('"*"', 412),
  match("garbage", 412),
  match("", 412),
  match(`${'"x",'.repeat(500)} {tag}`, 200),
  match("{tag}", 200, { method: "HEAD", title: "HEAD with If-Match" }),
  match('"x"', 412, { method: "HEAD", title: "HEAD with a failing If-Match" }),
  // §13.1.4: dates count for what was published on one; everything here was on 2024-04-01 at 12:05
  since("Mon, 01 Apr 2024 12:05:00 GMT", 200),
  since("Mon, 01 Apr 2030 00:00:00 GMT", 200),
  since("Mon, 01 Apr 2024 12:04:59 GMT", 412, { only: "dated" }),
  since("Thu, 01 Jan 1970 00:00:00 GMT", 412, { only: "dated" }),
  since("Thursday, 01-Jan-70 00:00:00 GMT", 412, { only: "dated" }),
  since("Thu Jan  1 00:00:00 1970", 412, { only: "dated" }),
  since("Thu, 01 Jan 1970 00:00:00 GMT", 200, { only: "undated" }),
  since("1970-01-01", 200),
  since("0", 200),
  since("garbage", 200),
  since("", 200),
  // §13.2.2: which condition counts
  several("If-Match holds: If-Unmodified-Since is not read", {
    "if-match": "{tag}",
    "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT",
  }, 200),
  several("If-Match fails before If-None-Match is read", {
    "if-match": '"x"',
    "if-none-match": "{tag}",
  }, 412),
  several("If-Match holds, then If-None-Match is read", {
    "if-match": "{tag}",
    "if-none-match": "{tag}",
  }, 304),
  several(
    "If-Unmodified-Since fails before If-None-Match is read",
    { "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT", "if-none-match": "{tag}" },
    412,
    { only: "dated" },
  ),
  several("If-Match fails before Range is read", { "if-match": '"x"', range: "bytes=0-1" }, 412),
  several("If-Match fails before a range past the end is read", {
    "if-match": '"x"',
    range: "bytes={n}-",
  }, 412),
  several(
    "If-Match holds, then Range and If-Range are read",
    { "if-match": "{tag}", range: "bytes=1-2", "if-range": "{tag}" },
    206,
    { bytes: [1, 2] },
  ),
  // §14.1.2, §14.2: single ranges
  range("bytes=0-0", 206, [0, 0]),
  range("bytes=0-9", 206, [0, 9]),
  range("bytes=7-", 206, [7, "end"]),
  range("bytes=0-", 206, [0, "end"]),
  range("bytes=-3", 206, ["-", 3]),
  range("bytes=-999999999", 206, [0, "end"]),
  range("bytes=2-999999999", 206, [2, "end"]),
  range("bytes={n}-", 416),
  range("bytes=999999999-", 416),
  range("bytes=999999999-9999999999", 416),
  range("bytes=-0", 416),
  // …and what may be ignored
  range("bytes=9-2", 200),
  range("bytes=-", 200),
  range("bytes=", 200),
  range("bytes=1-2-3", 200),
  range("bytes=a-b", 200),
  range("bytes=--1", 200),
  range("bytes=0-1,3-4", 200),
  range("bytes=0-1, -1", 200),
  range(`bytes=${"0-1,".repeat(300)}0-1`, 200),
  range(`bytes=0-${"9".repeat(40)}`, 200),
  range("lines=0-1", 200),
  range("none", 200),
  range("0-1", 200),
  // §13.1.5: strong comparison, no list, no asterisk; a date never matches
  range("bytes=1-2", 206, [1, 2], "{tag}"),
  range("bytes=1-2", 200, undefined, "W/{tag}"),
  range("bytes=1-2", 200, undefined, '"x"'),
  range("bytes=1-2", 200, undefined, '{tag}, "x"'),
  range("bytes=1-2", 200, undefined, "*"),
  range("bytes=1-2", 200, undefined, "garbage"),
  range("bytes=1-2", 200, undefined, ""),
  range("bytes=1-2", 200, undefined, "Mon, 01 Apr 2024 00:00:00 GMT"),
  range("bytes=1-2", 200, undefined, "Mon, 01 Apr 2030 00:00:00 GMT"),
  range("bytes={n}-", 200, undefined, '"x"'),
  range("bytes={n}-", 416, undefined, "{tag}"),
  { title: "If-Range alone", headers: { "if-range": "{tag}" }, status: 200 },
  // §13.2.2: If-None-Match before Range; §14.2: Range is for GET alone
  several("Range with its own tag in If-None-Match", {
    range: "bytes=0-1",
    "if-none-match": "{tag}",
  }, 304),
  several("a range past the end with its own tag in If-None-Match", {
    range: "bytes={n}-",
    "if-none-match": "{tag}",
  }, 304),
  several(
    "Range with another tag in If-None-Match",
    { range: "bytes=0-1", "if-none-match": '"x"' },
    206,
    { bytes: [0, 1] },
  ),
  { title: "HEAD with Range", method: "HEAD", headers: { range: "bytes=0-1" }, status: 200 },
  {
    title: "HEAD with a range past the end",
    method: "HEAD",
    headers: { range: "bytes={n}-" },
    status: 200,
  },
];

async function targetsOf({ json }: TestService): Promise<Target[]> {
  const { sha256, name } = (await json("/v1/manifest")).signed.artifacts[0];
  const plain = { ranges: false, zips: false, dated: false };
  const dated = { ...plain, dated: true };
  return [
    { ...dated, path: "/v1/snapshot/2024-01-11" },
    { ...dated, path: "/v1/summary?from=2024-01-01&to=latest", zips: true },
    { ...dated, path: "/v1/summary.csv?from=2024-01-01&to=latest", zips: true },
    { ...dated, path: "/v1/symbols.parquet" },
    { ...plain, path: `/v1/artifacts/${sha256}/${name}`, ranges: true },
    { ...dated, path: "/v1/manifest" },
    { ...plain, path: "/v1/manifests/1" },
    { ...plain, path: "/v1/feeds/listings.atom" },
    { ...plain, path: "/openapi.json", zips: true },
  ];
}

/** An answer over a connection of its own: nothing between us and the bytes. */
async function ask(
  base: string,
  path: string,
  { method = "GET", headers }: Pick<Case, "method" | "headers">,
) {
  const lines = Object.entries({ host: "a.test", connection: "close", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const text = await rawHttp(base, `${method} ${path} HTTP/1.1\r\n${lines}\r\n`, "latin1");
  const end = text.indexOf("\r\n\r\n");
  const [status, ...fields] = text.slice(0, end).split("\r\n");
  const found = new Headers(
    fields.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(status!.split(" ")[1]), headers: found, body: text.slice(end + 4) };
}

Deno.test(`${CASES.length} conditional and range requests, each on questions, files and documents`, async () => {
  await withService(async (service) => {
    const base = service.listen();
    for (const target of await targetsOf(service)) {
      const whole = await ask(base, target.path, { headers: {} });
      const n = whole.body.length;
      const tag = whole.headers.get("etag")!;
      assertEquals([whole.status, whole.headers.get("content-length")], [200, String(n)]);
      const fill = (value: string) =>
        value.replaceAll("{tag}", tag).replaceAll("{gzip}", tag.replace(/"$/, '-gzip"'))
          .replaceAll("{n}", String(n));
      for (const { title, headers, method = "GET", bytes, only, ...wanted } of CASES) {
        if (only && (only === "undated" ? target.dated : !target[only])) continue;
        const said = `${target.path}: ${title.slice(0, 80)}`;
        const filled = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, fill(value)]),
        );
        const found = await ask(base, target.path, { method, headers: filled });
        const ranged = wanted.status === 206 || wanted.status === 416;
        const status = ranged && !target.ranges ? 200 : wanted.status;
        assertEquals(found.status, status, said);
        const length = found.headers.get("content-length");
        const contentRange = found.headers.get("content-range");
        if (status === 412) {
          const code = method === "HEAD" ? "" : JSON.parse(found.body).code;
          assertEquals(code, method === "HEAD" ? "" : "precondition_failed", said);
          continue;
        }
        if (status === 416) {
          assertEquals([contentRange, JSON.parse(found.body).status], [`bytes */${n}`, 416], said);
          continue;
        }
        assertEquals(found.headers.get("etag"), tag, said);
        for (const name of ["cache-control", "vary"]) {
          assertEquals(found.headers.get(name), whole.headers.get(name), `${said} ${name}`);
        }
        assertEquals(
          found.headers.get("accept-ranges"),
          target.ranges ? "bytes" : null,
          said,
        );
        if (status === 304) {
          assertEquals([found.body, contentRange], ["", null], said);
        } else if (status === 206) {
          const [a, b] = bytes!;
          const first = a === "-" ? n - Number(b) : a;
          const last = a === "-" || b === "end" ? n - 1 : b;
          assertEquals(contentRange, `bytes ${first}-${last}/${n}`, said);
          assertEquals([length, found.body], [
            String(last - first + 1),
            whole.body.slice(first, last + 1),
          ], said);
        } else {
          const body = method === "HEAD" ? "" : whole.body;
          assertEquals([length, contentRange, found.body], [String(n), null, body], said);
        }
      }
    }
    assertEquals(service.problems, []);
  });
});

Deno.test("with gzip accepted, tag and body are the gzip's; either tag means that the client has it", async () => {
  await withService(async (service) => {
    const base = service.listen();
    for (const target of (await targetsOf(service)).filter(({ zips }) => zips)) {
      const plain = await ask(base, target.path, { headers: {} });
      const gzip = { "accept-encoding": "gzip" };
      const zipped = await ask(base, target.path, { headers: gzip });
      const [tag, zippedTag] = [plain.headers.get("etag")!, zipped.headers.get("etag")!];
      assertEquals(zippedTag, tag.replace(/"$/, '-gzip"'));
      assertEquals(zipped.headers.get("content-encoding"), "gzip");
      assertEquals(zipped.headers.get("content-length"), String(zipped.body.length));
      assert(zipped.body.length < plain.body.length);
      assert(zipped.headers.get("vary")!.includes("Accept-Encoding"));
      for (const known of [tag, zippedTag, `W/${tag}`, `"x", ${zippedTag}`]) {
        const { status, headers } = await ask(base, target.path, {
          headers: { ...gzip, "if-none-match": known },
        });
        assertEquals([status, headers.get("etag")], [304, zippedTag], known);
      }
      const head = await ask(base, target.path, { method: "HEAD", headers: gzip });
      assertEquals([head.headers.get("etag"), head.body], [zippedTag, ""]);
      assertEquals(head.headers.get("content-length"), String(zipped.body.length));
    }
  });
});
