/** Ranges over HTTP, from servers that are good, poor, and broken; and out of a mirror. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import type { Artifact } from "../../lib/core/manifest.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { httpMirror } from "../../lib/mirror/http.ts";
import { httpRanges, mirrorRanges } from "../../lib/mirror/ranges.ts";
import { httpClient } from "../../lib/net/client.ts";
import { type RawReply, type RawRequest, serveRaw } from "../helpers/fault_server.ts";
import { serveRanges } from "../helpers/range_server.ts";

const RETRY = { tries: 2, baseMs: 1, mostMs: 2 };
const FILE = new Uint8Array(24_000_000).map((_, i) => (i * 7919) >> 3);
const ARTIFACT: Artifact = {
  name: "availability.parquet",
  role: "availability",
  mediaType: "application/vnd.apache.parquet",
  bytes: FILE.length,
  sha256: "a".repeat(64),
};

function over(url: string | readonly string[]) {
  const bases = typeof url === "string" ? [url] : url;
  return httpRanges(bases, httpClient({ retry: RETRY }), RETRY);
}

/** What a good server answers, except for what is changed. */
function reply(request: RawRequest, changes: Partial<RawReply> = {}): RawReply {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!;
  const body = FILE.slice(Number(from), Number(to) + 1);
  const range = `bytes ${from}-${to}/${FILE.length}`;
  return { status: 206, headers: { etag: '"1"', "content-range": range }, body, ...changes };
}

/** What a server that knows no ranges answers. */
const whole: RawReply = { status: 200, headers: { etag: '"1"' }, body: FILE };

const GOOD: [what: string, answer: (request: RawRequest) => RawReply, requests: number][] = [
  ["a plain server", (request) => reply(request), 1],
  ["one that cuts its first answer", (r) => reply(r, r.number === 1 ? { cutAfter: 40 } : {}), 2],
  ["one that cuts two answers", (r) => reply(r, r.number <= 2 ? { cutAfter: 0 } : {}), 3],
  ["one that is busy at first", (r) => r.number === 1 ? { status: 503 } : reply(r), 2],
  ["one without ranges", () => whole, 1],
  ["one without an ETag", (r) => {
    const { headers, ...rest } = reply(r);
    return { ...rest, headers: { "content-range": headers!["content-range"]! } };
  }, 1],
];

for (const [what, answer, requests] of GOOD) {
  Deno.test(`\`httpRanges()\` reads exactly the range from ${what}`, async () => {
    const server = serveRaw(answer);
    try {
      const bytes = await over(server.url).read(ARTIFACT, 1000, 1100);
      assertEquals(bytes, FILE.slice(1000, 1100));
      assertEquals(server.requests.length, requests);
      assertEquals(server.requests[0]!.headers.get("range"), "bytes=1000-1099");
      assertEquals(server.requests[0]!.headers.get("accept-encoding"), "identity");
    } finally {
      await server.close();
    }
  });
}

const BAD: [what: string, answer: (r: RawRequest) => RawReply, code: string, says: string][] = [
  [
    "a file of another length",
    (r) => reply(r, { headers: { "content-range": "bytes 2000000-2000099/2000100" } }),
    "integrity",
    "it is 2000100 bytes long, the manifest says 24000000",
  ],
  [
    "another range",
    (r) => reply(r, { headers: { "content-range": "bytes 0-99/24000000" } }),
    "integrity",
    "another range",
  ],
  [
    "several ranges in one body",
    (r) => reply(r, { headers: { "content-type": "multipart/byteranges; boundary=x" } }),
    "integrity",
    "another range",
  ],
  [
    "a shorter file: 416",
    () => ({ status: 416, headers: { "content-range": "bytes */1000" } }),
    "integrity",
    "shorter than the manifest says",
  ],
  [
    "a whole file of another length",
    () => ({ ...whole, body: FILE.slice(1) }),
    "integrity",
    "it is 23999999 bytes long",
  ],
  [
    "a web page",
    () => ({
      status: 200,
      headers: { "content-type": "text/html" },
      body: FILE.slice(0, 99),
    }),
    "network",
    "a web page came instead",
  ],
  [
    "a part of a compressed file",
    (r) =>
      reply(r, {
        headers: { "content-encoding": "gzip", "content-range": "bytes 2000000-2000099/5000000" },
      }),
    "network",
    "it is compressed on its way",
  ],
  [
    "a file that is compressed whole",
    () => ({ ...whole, headers: { "content-encoding": "gzip" }, body: FILE.slice(0, 99) }),
    "network",
    "it is compressed on its way",
  ],
  ["a whole file, far from its start", () => whole, "network", "the server has no ranges"],
  ["bodies that break off, always", (r) => reply(r, { cutAfter: 99 }), "network", "broke"],
  ["nothing: 404", () => ({ status: 404 }), "network", "answered 404"],
  ["nothing: 403", () => ({ status: 403 }), "network", "answered 403"],
];

for (const [what, answer, code, says] of BAD) {
  Deno.test(`\`httpRanges()\` refuses ${what}`, async () => {
    const server = serveRaw(answer);
    try {
      const read = () => over(server.url).read(ARTIFACT, 2_000_000, 2_000_100);
      const error = await assertRejects(read, BfaError);
      assertStringIncludes(error.message, says);
      assertEquals(error.code, code);
      // A server without ranges is not read to its end to find that out.
      assertEquals(server.bytes < 20_000_000, true, `${server.bytes} bytes sent`);
    } finally {
      await server.close();
    }
  });
}

Deno.test("an object that changes between two reads is refused", async () => {
  const server = serveRaw((r) => {
    const range = reply(r).headers!["content-range"]!;
    return reply(r, { headers: { etag: `"${r.number}"`, "content-range": range } });
  });
  try {
    const ranges = over(server.url);
    await ranges.read(ARTIFACT, 0, 10);
    const error = await assertRejects(() => ranges.read(ARTIFACT, 10, 20), BfaError);
    assertEquals(error.code, "integrity");
    assertStringIncludes(error.message, "changed while it was read");
  } finally {
    await server.close();
  }
});

Deno.test("wrong bytes from one mirror send the question to the next, which is asked first from then on", async () => {
  const liar = serveRaw((r) => reply(r, { body: new Uint8Array(10) }));
  const good = serveRaw((r) => reply(r));
  try {
    const ranges = over([liar.url, good.url]);
    const isSound = (bytes: Uint8Array) => Promise.resolve(bytes[9] !== 0);
    assertEquals(await ranges.read(ARTIFACT, 500, 510, { isSound }), FILE.slice(500, 510));
    assertEquals(await ranges.read(ARTIFACT, 600, 610, { isSound }), FILE.slice(600, 610));
    assertEquals([liar.requests.length, good.requests.length], [1, 2]);
    const alone = over(liar.url);
    const error = await assertRejects(
      () => alone.read(ARTIFACT, 500, 510, { isSound }),
      BfaError,
      "not what the manifest promises",
    );
    assertEquals(error.code, "integrity");
  } finally {
    await liar.close();
    await good.close();
  }
});

Deno.test("an artifact's own address is asked before the mirrors", async () => {
  const own = serveRaw((r) => reply(r));
  try {
    const url = `${own.url}somewhere/else.parquet`;
    const ranges = over("http://127.0.0.1:1/");
    assertEquals(await ranges.read({ ...ARTIFACT, url }, 0, 4), FILE.slice(0, 4));
    assertEquals(own.requests[0]!.path, "somewhere/else.parquet");
  } finally {
    await own.close();
  }
});

Deno.test("an abort ends the request: the server sees its client leave", async () => {
  const left = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    let sent = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) return new Promise(() => {});
        controller.enqueue(FILE.slice(0, 10));
        sent = true;
        asked.resolve();
      },
      cancel: () => left.resolve(),
    });
    return new Response(body, {
      status: 206,
      headers: { "content-range": `bytes 0-99/${FILE.length}` },
    });
  });
  try {
    const stop = new AbortController();
    const ranges = over([`http://127.0.0.1:${server.addr.port}/`, "http://127.0.0.1:1/"]);
    const reading = ranges.read(ARTIFACT, 0, 100, { signal: stop.signal });
    await asked.promise;
    stop.abort(new Error("no longer wanted"));
    await assertRejects(() => reading, Error, "no longer wanted");
    await left.promise;
    await assertRejects(
      () => ranges.read(ARTIFACT, 0, 100, { signal: stop.signal }),
      Error,
      "no longer",
    );
  } finally {
    await server.shutdown();
  }
});

Deno.test("`mirrorRanges()` reads from a folder and from HTTP, and checks the length", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-ranges-" });
  await Deno.mkdir(`${dir}/${ARTIFACT.sha256}`);
  await Deno.writeFile(`${dir}/${ARTIFACT.sha256}/${ARTIFACT.name}`, FILE);
  const server = serveRanges(dir);
  try {
    const http = httpClient({ retry: RETRY });
    for (const mirror of [directoryMirror(dir), httpMirror(server.url, http)]) {
      const ranges = mirrorRanges(mirror);
      assertEquals(await ranges.read(ARTIFACT, 23_999_990, 24_000_000), FILE.slice(-10));
      assertEquals(await ranges.read(ARTIFACT, 70_000, 270_000), FILE.slice(70_000, 270_000));
      const longer = { ...ARTIFACT, bytes: FILE.length + 1 };
      const wrong = await assertRejects(() => ranges.read(longer, 0, 10), BfaError);
      assertEquals([wrong.code, wrong.message.includes("24000000 bytes long")], [
        "integrity",
        true,
      ]);
      const gone = { ...ARTIFACT, sha256: "b".repeat(64) };
      const missing = await assertRejects(() => ranges.read(gone, 0, 10), BfaError);
      assertEquals(missing.code, "unavailable");
      const isSound = () => Promise.resolve(false);
      const damaged = await assertRejects(
        () => ranges.read(ARTIFACT, 0, 10, { isSound }),
        BfaError,
      );
      assertEquals(damaged.code, "integrity");
    }
    assertEquals(server.take().filter(({ status }) => status === 206).length, 4);
  } finally {
    await server.close();
    await Deno.remove(dir, { recursive: true });
  }
});
