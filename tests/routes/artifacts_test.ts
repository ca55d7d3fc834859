import { assert, assertEquals } from "@std/assert";
import { artifactPath, type Mirror } from "../../lib/mirror/mirror.ts";
import { untilNoneIsSent } from "../helpers/large_answers.ts";
import { type TestService, withService } from "../helpers/service.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

/** A request on a file of `n` bytes, and what is answered: status, first and last byte. */
interface Case {
  readonly title: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly status: number;
  /** The bytes of the body; the whole file when left out. */
  readonly bytes?: [start: number, end: number];
}

/** The cases for one artifact of `n` bytes with the digest `sha`. */
function cases(n: number, sha: string): Case[] {
  const etag = `"${sha}"`;
  const range = (range: string, more: Record<string, string> = {}) => ({ range, ...more });
  const last = n - 1;
  return [
    { title: "no range", status: 200 },
    { title: "first-last", headers: range("bytes=0-9"), status: 206, bytes: [0, 9] },
    { title: "inside", headers: range("bytes=5-5"), status: 206, bytes: [5, 5] },
    { title: "open end", headers: range("bytes=10-"), status: 206, bytes: [10, last] },
    { title: "from 0, open end", headers: range("bytes=0-"), status: 206, bytes: [0, last] },
    { title: "the last byte", headers: range(`bytes=${last}-`), status: 206, bytes: [last, last] },
    { title: "past the end", headers: range("bytes=3-999999"), status: 206, bytes: [3, last] },
    { title: "suffix", headers: range("bytes=-7"), status: 206, bytes: [n - 7, last] },
    { title: "suffix of all", headers: range(`bytes=-${n}`), status: 206, bytes: [0, last] },
    { title: "suffix too long", headers: range("bytes=-999999"), status: 206, bytes: [0, last] },
    { title: "unit in capitals", headers: range("BYTES=1-2"), status: 206, bytes: [1, 2] },
    { title: "spaces", headers: range("bytes= 1-2 "), status: 206, bytes: [1, 2] },

    { title: "starts at the end", headers: range(`bytes=${n}-`), status: 416 },
    { title: "starts after the end", headers: range("bytes=999999-9999999"), status: 416 },
    { title: "suffix of nothing", headers: range("bytes=-0"), status: 416 },

    { title: "ends before it starts", headers: range("bytes=9-5"), status: 200 },
    { title: "no numbers", headers: range("bytes=-"), status: 200 },
    { title: "letters", headers: range("bytes=a-b"), status: 200 },
    { title: "another unit", headers: range("lines=0-1"), status: 200 },
    { title: "no unit", headers: range("0-1"), status: 200 },
    { title: "negative", headers: range("bytes=--5"), status: 200 },
    { title: "fraction", headers: range("bytes=0.5-1"), status: 200 },
    { title: "empty", headers: range(""), status: 200 },
    { title: "absurd number", headers: range(`bytes=0-${"9".repeat(30)}`), status: 200 },
    { title: "two ranges", headers: range("bytes=0-1,4-5"), status: 200 },
    { title: "two ranges, spaced", headers: range("bytes=0-1, -1"), status: 200 },
    { title: "a thousand ranges", headers: range(`bytes=${"0-,".repeat(999)}0-`), status: 200 },

    {
      title: "If-Range matches",
      headers: range("bytes=1-2", { "if-range": etag }),
      status: 206,
      bytes: [1, 2],
    },
    { title: "If-Range differs", headers: range("bytes=1-2", { "if-range": '"x"' }), status: 200 },
    {
      title: "If-Range weak",
      headers: range("bytes=1-2", { "if-range": `W/${etag}` }),
      status: 200,
    },
    {
      title: "If-Range date",
      headers: range("bytes=1-2", { "if-range": "Mon, 01 Apr 2024 00:00:00 GMT" }),
      status: 200,
    },
    {
      title: "If-Range differs, range after the end",
      headers: range("bytes=999999-", { "if-range": '"x"' }),
      status: 200,
    },

    { title: "If-None-Match", headers: { "if-none-match": etag }, status: 304 },
    { title: "If-None-Match weak", headers: { "if-none-match": `W/${etag}` }, status: 304 },
    { title: "If-None-Match *", headers: { "if-none-match": "*" }, status: 304 },
    { title: "If-None-Match list", headers: { "if-none-match": `"x", ${etag}` }, status: 304 },
    { title: "If-None-Match other", headers: { "if-none-match": '"x"' }, status: 200 },
    {
      title: "If-None-Match with Range",
      headers: range("bytes=0-1", { "if-none-match": etag }),
      status: 304,
    },
    {
      title: "If-None-Match other, with Range",
      headers: range("bytes=0-1", { "if-none-match": '"x"' }),
      status: 206,
      bytes: [0, 1],
    },

    { title: "HEAD", method: "HEAD", status: 200 },
    { title: "HEAD with Range", method: "HEAD", headers: range("bytes=0-1"), status: 200 },
    {
      title: "HEAD, Range after the end",
      method: "HEAD",
      headers: range("bytes=9999-"),
      status: 200,
    },
    {
      title: "HEAD with If-None-Match",
      method: "HEAD",
      headers: { "if-none-match": etag },
      status: 304,
    },
    { title: "Accept-Encoding", headers: { "accept-encoding": "gzip" }, status: 200 },
  ];
}

async function listingsArtifact({ world, json }: TestService) {
  const { signed } = await json("/v1/manifest");
  const { sha256, name, bytes } = signed.artifacts[0];
  const file = await Deno.readFile(`${world.mirrorDir}/${sha256}/${name}`);
  assertEquals(file.length, bytes);
  return { path: `/v1/artifacts/${sha256}/${name}`, sha256: sha256 as string, file };
}

async function checkCase(response: Response, test: Case, file: Uint8Array, sha: string) {
  const { headers } = response;
  const body = await response.bytes();
  assertEquals(response.status, test.status, test.title);
  const [start, end] = test.bytes ?? [0, file.length - 1];
  const found = {
    etag: headers.get("etag"),
    length: headers.get("content-length"),
    range: headers.get("content-range"),
    cache: headers.get("cache-control"),
    encoding: headers.get("content-encoding"),
  };
  const base = { etag: `"${sha}"`, cache: IMMUTABLE, encoding: null };
  if (test.status === 416) {
    assertEquals(found.range, `bytes */${file.length}`, test.title);
    assertEquals(JSON.parse(new TextDecoder().decode(body)).status, 416);
  } else if (test.status === 304) {
    assertEquals({ ...found, length: null }, { ...base, length: null, range: null }, test.title);
    assertEquals(body.length, 0);
  } else {
    const range = test.bytes ? `bytes ${start}-${end}/${file.length}` : null;
    assertEquals(found, { ...base, length: String(end - start + 1), range }, test.title);
    const wanted = test.method === "HEAD" ? new Uint8Array() : file.slice(start, end + 1);
    assertEquals(body, wanted, test.title);
    assertEquals(headers.get("accept-ranges"), "bytes");
    assertEquals(headers.get("content-type"), "application/json");
  }
}

Deno.test("GET and HEAD /v1/artifacts: ranges and conditions, in process", async () => {
  await withService(async (service) => {
    const { path, file, sha256 } = await listingsArtifact(service);
    for (const test of cases(file.length, sha256)) {
      const { method = "GET", headers = {} } = test;
      await checkCase(await service.ask(path, { method, headers }), test, file, sha256);
    }
  });
});

Deno.test("GET and HEAD /v1/artifacts: ranges and conditions, over a real connection", async () => {
  await withService(async (service) => {
    const { path, file, sha256 } = await listingsArtifact(service);
    const base = service.listen();
    for (const test of cases(file.length, sha256)) {
      const { method = "GET", headers = {} } = test;
      const init = { method, headers: { "accept-encoding": "identity", ...headers } };
      await checkCase(await fetch(base + path, init), test, file, sha256);
    }
  });
});

Deno.test("HEAD, 304 and 416 open no file", async () => {
  let opened = 0;
  const wrapMirror = (mirror: Mirror): Mirror => ({
    ...mirror,
    open: (path, range) => (opened++, mirror.open(path, range)),
  });
  await withService(async (service) => {
    const { path, sha256 } = await listingsArtifact(service);
    const before = opened;
    for (
      const init of [
        { method: "HEAD" },
        { headers: { "if-none-match": `"${sha256}"` } },
        { headers: { range: "bytes=999999-" } },
      ]
    ) await (await service.ask(path, init)).body?.cancel();
    assertEquals(opened, before);
  }, { wrapMirror });
});

Deno.test("a client that leaves in the middle of a large artifact closes the file", async () => {
  await withService(async ({ world, listen }) => {
    const bytes = new Uint8Array(8 * 1024 * 1024).fill(7);
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    const path = artifactPath({ sha256, name: "parts/2024.parquet" });
    await world.publisher.mirrors[0]!.put(path, new Blob([bytes]).stream());
    const base = listen();
    for (const headers of [{}, { range: "bytes=1-8000000" }]) {
      const response = await fetch(`${base}/v1/artifacts/${path}`, { headers });
      assertEquals(response.headers.get("content-type"), "application/vnd.apache.parquet");
      const reader = response.body!.getReader();
      assert((await reader.read()).value!.length > 0);
      await reader.cancel();
      await untilNoneIsSent(base);
    }
  });
});

Deno.test("an artifact that the mirror lost answers 404", async () => {
  await withService(async (service) => {
    const { path, sha256 } = await listingsArtifact(service);
    await Deno.remove(`${service.world.mirrorDir}/${sha256}`, { recursive: true });
    const response = await service.ask(path);
    assertEquals([response.status, (await response.json()).code], [404, "not_found"]);
    assertEquals((await service.ask("/v1/snapshot/latest")).status, 200);
  });
});
