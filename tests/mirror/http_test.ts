import { assertEquals, assertRejects } from "@std/assert";
import { BfaError, HttpError } from "../../lib/core/errors.ts";
import { httpMirror } from "../../lib/mirror/http.ts";
import type { MirrorReader } from "../../lib/mirror/mirror.ts";
import { httpClient } from "../../lib/net/client.ts";

const BYTES = crypto.getRandomValues(new Uint8Array(60_000));
const PATH = "parts/2024.parquet";

/** A small server with one file. */
interface FileServer {
  readonly url: string;
  readonly seen: { path: string; method: string; headers: Headers }[];
  /** Answers instead of the file. */
  fault: ((request: Request, path: string) => Response | undefined) | undefined;
}

/** A mirror over a small server, with two tries per request. */
async function withMirror(
  test: (mirror: MirrorReader, server: FileServer) => Promise<void>,
): Promise<void> {
  const http = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { method, headers, url } = request;
    const path = new URL(url).pathname.slice(1);
    server.seen.push({ path, method, headers });
    return server.fault?.(request, path) ?? fileAnswer(path, headers.get("range"));
  });
  const server: FileServer = {
    url: `http://127.0.0.1:${http.addr.port}/`,
    seen: [],
    fault: undefined,
  };
  const client = httpClient({ retry: { tries: 2, baseMs: 1, mostMs: 1 } });
  try {
    await test(httpMirror(server.url, client), server);
  } finally {
    await http.shutdown();
  }
}

function fileAnswer(path: string, range: string | null): Response {
  if (path !== PATH) return new Response("no such file", { status: 404 });
  if (range === null) return new Response(BYTES);
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range)!.map(Number) as [number, number, number];
  const headers = { "content-range": `bytes ${start}-${end}/${BYTES.length}` };
  return new Response(BYTES.slice(start, end + 1), { status: 206, headers });
}

Deno.test("httpMirror() opens a file with one request, and asks for no encoding", async () => {
  await withMirror(async (mirror, server) => {
    const file = await mirror.open(PATH);
    assertEquals(file?.size, BYTES.length);
    assertEquals(await new Response(file!.body).bytes(), BYTES);
    assertEquals(server.seen.map(({ method, path }) => `${method} ${path}`), [`GET ${PATH}`]);
    assertEquals(server.seen[0]!.headers.get("accept-encoding"), "identity");
    assertEquals(server.seen[0]!.headers.get("range"), null);
  });
});

Deno.test("httpMirror() opens a range with one request for those bytes alone", async () => {
  await withMirror(async (mirror, server) => {
    for (const [start, end] of [[0, 0], [10, 19], [59_999, 59_999], [0, 59_999]] as const) {
      const file = await mirror.open(PATH, { start, end });
      assertEquals(file?.size, BYTES.length);
      assertEquals(await new Response(file!.body).bytes(), BYTES.slice(start, end + 1));
      assertEquals(server.seen.at(-1)!.headers.get("range"), `bytes=${start}-${end}`);
    }
    assertEquals(server.seen.length, 4);
  });
});

Deno.test("httpMirror() learns a size from one byte", async () => {
  await withMirror(async (mirror, server) => {
    assertEquals(await mirror.size(PATH), BYTES.length);
    assertEquals(server.seen.map(({ headers }) => headers.get("range")), ["bytes=0-0"]);
  });
});

Deno.test("httpMirror() says `undefined` for what is not there", async () => {
  await withMirror(async (mirror, server) => {
    assertEquals(await mirror.size("parts/none"), undefined);
    assertEquals(await mirror.open("parts/none"), undefined);
    assertEquals(await mirror.open("parts/none", { start: 0, end: 1 }), undefined);
    assertEquals(server.seen.length, 3);
  });
});

Deno.test("httpMirror() tries again when the server fails once, and gives up when it goes on", async () => {
  await withMirror(async (mirror, server) => {
    let failures = 1;
    server.fault = () => failures-- > 0 ? new Response("no", { status: 503 }) : undefined;
    assertEquals(await mirror.size(PATH), BYTES.length);
    assertEquals(server.seen.length, 2);
    failures = 99;
    const error = await assertRejects(() => mirror.open(PATH), HttpError);
    assertEquals([error.status, error.code, server.seen.length], [503, "network", 4]);
    await assertRejects(() => mirror.size(PATH), HttpError);
  });
});

Deno.test("httpMirror() does not try a refusal again", async () => {
  await withMirror(async (mirror, server) => {
    for (const status of [401, 403, 410]) {
      server.fault = () => new Response("no", { status });
      const before = server.seen.length;
      const error = await assertRejects(() => mirror.open(PATH), HttpError);
      assertEquals([error.status, server.seen.length - before], [status, 1]);
    }
  });
});

Deno.test("httpMirror() works with a server that knows no ranges, for whole files and sizes", async () => {
  await withMirror(async (mirror, server) => {
    server.fault = () => new Response(BYTES);
    assertEquals(await mirror.size(PATH), BYTES.length);
    const file = await mirror.open(PATH);
    assertEquals(await new Response(file!.body).bytes(), BYTES);
    const error = await assertRejects(() => mirror.open(PATH, { start: 1, end: 2 }), BfaError);
    assertEquals([error.code, error.message], [
      "network",
      `Cannot read ${server.url}${PATH}: it sent no such range`,
    ]);
  });
});

const OTHER_RANGES: [what: string, contentRange: string][] = [
  ["one that begins elsewhere", "bytes 3-4/60000"],
  ["a longer one", "bytes 1-5/60000"],
  ["a shorter one", "bytes 1-1/60000"],
];

for (const [what, contentRange] of OTHER_RANGES) {
  Deno.test(`httpMirror() refuses another range than it asked for: ${what}`, async () => {
    await withMirror(async (mirror, server) => {
      const headers = { "content-range": contentRange };
      server.fault = () => new Response(BYTES.slice(0, 2), { status: 206, headers });
      const read = () => mirror.open(PATH, { start: 1, end: 2 });
      await assertRejects(read, BfaError, "it sent no such range");
    });
  });
}

Deno.test("httpMirror() cuts a range at the end of the file, and refuses a part where it asked for all", async () => {
  await withMirror(async (mirror, server) => {
    server.fault = () =>
      new Response(BYTES.slice(-5), {
        status: 206,
        headers: { "content-range": "bytes 59995-59999/60000" },
      });
    const file = await mirror.open(PATH, { start: 59_995, end: 70_000 });
    assertEquals(await new Response(file!.body).bytes(), BYTES.slice(-5));
    await assertRejects(() => mirror.open(PATH), BfaError, "it sent no such range");
  });
});

Deno.test("httpMirror() refuses a server that does not say how long a file is", async () => {
  await withMirror(async (mirror, server) => {
    server.fault = () => new Response(new Blob([BYTES]).stream());
    for (const work of [() => mirror.size(PATH), () => mirror.open(PATH)]) {
      const error = await assertRejects(work, BfaError, "does not say how long it is");
      assertEquals(error.code, "network");
    }
    server.fault = () =>
      new Response(BYTES.slice(0, 1), { status: 206, headers: { "content-range": "bytes 0-0/*" } });
    for (const work of [() => mirror.size(PATH), () => mirror.open(PATH, { start: 0, end: 0 })]) {
      await assertRejects(work, BfaError, "does not say how long it is");
    }
    const headers = { "content-type": "text/html" };
    server.fault = () => new Response(new Blob([BYTES]).stream(), { headers });
    await assertRejects(() => mirror.open(PATH), BfaError, "a web page came instead");
  });
});

Deno.test("httpMirror() refuses what is compressed on its way, and takes what is only called so", async () => {
  await withMirror(async (mirror, server) => {
    const served = (encoding: string) => () =>
      new Response(new Blob([BYTES]).stream(), {
        headers: { "content-encoding": encoding, "content-length": `${BYTES.length}` },
      });
    for (const encoding of ["gzip", "x-gzip", "br"]) {
      server.fault = served(encoding);
      for (const work of [() => mirror.size(PATH), () => mirror.open(PATH)]) {
        const error = await assertRejects(work, BfaError, "it is compressed on its way");
        assertEquals(error.code, "network");
      }
    }
    for (const [path, encoding] of [[`${PATH}.gz`, "gzip"], [PATH, "aws-chunked"]] as const) {
      server.fault = served(encoding);
      const file = await mirror.open(path);
      assertEquals(await new Response(file!.body).bytes(), BYTES);
    }
  });
});

Deno.test("httpMirror() is not led to another host", async () => {
  await withMirror(async (mirror, server) => {
    const location = "http://localhost:9/elsewhere";
    server.fault = () => new Response(null, { status: 302, headers: { location } });
    const error = await assertRejects(() => mirror.open(PATH), BfaError, "which is refused");
    assertEquals([error.code, server.seen.length], ["network", 1]);
    server.fault = (request, path) => {
      const there = new URL("/moved", request.url).href;
      return path === "moved" ? new Response(BYTES) : Response.redirect(there, 302);
    };
    const file = await mirror.open(PATH);
    assertEquals(await new Response(file!.body).bytes(), BYTES);
  });
});

Deno.test("httpMirror() reports a server that is not there", async () => {
  const client = httpClient({ retry: { tries: 2, baseMs: 1, mostMs: 1 } });
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const mirror = httpMirror(`http://127.0.0.1:${port}/`, client);
  const error = await assertRejects(() => mirror.size(PATH), BfaError);
  assertEquals(error.code, "network");
});
