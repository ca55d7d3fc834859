import { gzipSync } from "fflate";
import { assertEquals } from "@std/assert";
import { download } from "../../lib/cache/download.ts";
import { folderStore } from "../../lib/cache/folder_store.ts";
import { memoryStore } from "../../lib/cache/memory_store.ts";
import type { Artifact } from "../../lib/core/manifest.ts";
import { httpClient } from "../../lib/net/client.ts";
import { ARTIFACT, ETAG, FILE, SIZE, start, withFile, WRONG } from "../helpers/fault_file.ts";
import type { RawReply, RawRequest } from "../helpers/fault_server.ts";
import { codeOf } from "../helpers/fault_world.ts";

const GZIPPED = gzipSync(FILE);

/** What Deno takes where nothing is said. */
const PLATFORM = "gzip,br";

/** What a server does with each request in turn, and how the download ends. */
interface Case {
  injected: string;
  fault(request: RawRequest): Partial<RawReply> | undefined;
  code?: string;
  /** Where each request begins; 0 when it asks for the whole file. */
  from: number[];
  /** Bytes of body the server wrote at most; the file's size when left out. */
  most?: number;
  /** What each request says that it takes; `identity` when left out. */
  encodings?: string[];
}

const at = (number: number, reply: Partial<RawReply>) => (request: RawRequest) =>
  request.number === number ? reply : undefined;

const CASES: Case[] = [
  { injected: "nothing", fault: () => undefined, from: [0] },
  {
    injected: "wrong bytes of the right length, always",
    fault: () => ({ body: WRONG }),
    code: "integrity",
    from: [0, 0, 0],
    most: 3 * SIZE,
  },
  {
    injected: "wrong bytes of the right length, twice",
    fault: ({ number }) => number < 3 ? { body: WRONG } : undefined,
    from: [0, 0, 0],
    most: 3 * SIZE,
  },
  {
    injected: "one byte more than promised",
    fault: () => ({ body: new Uint8Array([...FILE, 0]) }),
    code: "integrity",
    from: [0],
    most: SIZE + 1,
  },
  {
    injected: "a body 100 times as long",
    fault: () => ({ body: new Uint8Array(100 * SIZE) }),
    code: "integrity",
    from: [0],
    most: 30 * SIZE, // what fits into the sockets' buffers on the way
  },
  {
    injected: "a shorter file, always",
    fault: () => ({ body: FILE.subarray(0, 500_000), status: 200 }),
    code: "network",
    from: [0, ...Array(5).fill(500_000)],
    most: 6 * SIZE,
  },
  {
    injected: "a shorter file, whose server refuses the rest, always",
    fault: ({ headers }) =>
      headers.has("range")
        ? { status: 416, headers: { "content-range": "bytes */500000" }, body: new Uint8Array() }
        : { body: FILE.subarray(0, 500_000) },
    code: "integrity",
    from: [0, 500_000],
  },
  {
    injected: "a shorter file, whose server refuses the rest without a word, always",
    fault: ({ headers }) =>
      headers.has("range")
        ? { status: 416, body: new Uint8Array() }
        : { body: FILE.subarray(0, 500_000) },
    code: "network",
    from: [0, 500_000, 0, 500_000, 0, 500_000],
    most: 3 * SIZE,
  },
  {
    injected: "a Content-Length that promises more than is sent",
    fault: at(1, {
      headers: { "content-length": SIZE, etag: ETAG },
      body: FILE.subarray(0, 400_000),
    }),
    from: [0, 400_000],
  },
  {
    injected: "a Content-Length that promises less than the file",
    fault: at(1, { headers: { "content-length": 300_000, etag: ETAG } }),
    from: [0, 300_000],
    most: 2 * SIZE,
  },
  {
    injected: "a cut after 700,000 bytes",
    fault: at(1, { cutAfter: 700_000 }),
    from: [0, 700_000],
  },
  { injected: "a cut before the first byte", fault: at(1, { cutAfter: 0 }), from: [0, 0] },
  {
    injected: "a cut, then a server that ignores Range",
    fault: ({ number }) =>
      number === 1 ? { cutAfter: 700_000 } : { status: 200, headers: {}, body: FILE },
    from: [0, 700_000],
    most: 700_000 + SIZE,
  },
  {
    injected: "a cut, then 416",
    fault: ({ number }) =>
      number === 1
        ? { cutAfter: 700_000 }
        : number === 2
        ? { status: 416, headers: { "content-range": `bytes */${SIZE}` }, body: new Uint8Array() }
        : undefined,
    from: [0, 700_000, 0],
    most: 700_000 + SIZE,
  },
  {
    injected: "416, always",
    fault: () => ({ status: 416, body: new Uint8Array() }),
    code: "network",
    from: [0],
    most: 0,
  },
  {
    injected: "a cut in another file, whose ETag then changes to the right one",
    fault: at(1, { body: WRONG, headers: { etag: '"another"' }, cutAfter: 700_000 }),
    from: [0, 700_000, 0],
    most: 2 * SIZE,
  },
  {
    injected: "a cut, then the file has another ETag, then it is right again",
    fault: ({ number }) =>
      number === 1
        ? { cutAfter: 700_000 }
        : number === 2
        ? { status: 200, headers: { etag: '"another"' }, body: WRONG }
        : undefined,
    from: [0, 700_000, 0],
    most: 700_000 + 2 * SIZE,
  },
  {
    injected: "a cut, then a part that begins elsewhere",
    fault: ({ number }) =>
      number === 1 ? { cutAfter: 700_000 } : number === 2
        ? {
          status: 206,
          headers: { "content-range": `bytes 0-${SIZE - 1}/${SIZE}` },
          body: FILE,
        }
        : undefined,
    from: [0, 700_000, 0],
    most: 700_000 + 2 * SIZE,
  },
  {
    injected: "a web page of 30 bytes",
    fault: () => ({
      status: 200,
      headers: { "content-type": "text/html; charset=utf-8" },
      body: FILE.subarray(0, 30),
    }),
    code: "network",
    from: [0],
    most: 30,
  },
  {
    injected: "the file, called a web page",
    fault: () => ({ headers: { "content-type": "text/html" } }),
    from: [0],
  },
  {
    injected: "a cut, then a web page, then the file again",
    fault: ({ number }) =>
      number === 1
        ? { cutAfter: 700_000 }
        : { status: 200, headers: { "content-type": "text/html" }, body: FILE.subarray(0, 30) },
    code: "network",
    from: [0, 700_000],
  },
  {
    injected: "gzip, whatever is asked for",
    fault: () => ({ status: 200, headers: { "content-encoding": "gzip" }, body: GZIPPED }),
    from: [0, 0],
    most: 2 * GZIPPED.length,
    encodings: ["identity", PLATFORM],
  },
  {
    injected: "a cut, then gzip, whatever is asked for",
    fault: ({ number }) =>
      number === 1
        ? { cutAfter: 700_000 }
        : { status: 200, headers: { "content-encoding": "gzip" }, body: GZIPPED },
    from: [0, 700_000, 0],
    most: 700_000 + 2 * GZIPPED.length,
    encodings: ["identity", "identity", PLATFORM],
  },
  {
    injected: "gzip that is cut, always",
    fault: () => ({
      status: 200,
      headers: { "content-encoding": "gzip" },
      body: GZIPPED,
      cutAfter: 10,
    }),
    code: "network",
    from: Array(12).fill(0),
    encodings: Array(6).fill(["identity", PLATFORM]).flat(),
  },
  {
    injected: "the file as it is, called gzip",
    fault: () => ({ headers: { "content-encoding": "gzip" } }),
    from: [0],
  },
];

for (const { injected, fault, code, from, most = SIZE, encodings } of CASES) {
  for (const kind of ["folder", "memory"]) {
    const ends = code === undefined ? "installed" : `${code}, never installed`;
    Deno.test(`${injected}: ${ends}, ${from.length} requests (${kind})`, async () => {
      await withFile(fault, async (server, dir) => {
        const store = kind === "folder" ? folderStore(dir) : memoryStore();
        let longest = 0;
        const onProgress = (_: Artifact, bytes: number) => longest = Math.max(longest, bytes);
        const options = { store, http: httpClient(), mirrors: [server.url], onProgress };
        assertEquals(await codeOf(download(ARTIFACT, options)), code);
        assertEquals(longest <= SIZE, true, "never more than promised is kept");
        assertEquals(server.requests.map(start), from);
        assertEquals(await store.read(ARTIFACT), code === undefined ? FILE : undefined);
        assertEquals(server.bytes <= most, true, `${server.bytes} bytes, at most ${most}`);
        assertEquals(
          server.requests.map(({ headers }) => headers.get("accept-encoding")),
          encodings ?? from.map(() => "identity"),
        );
        assertEquals(server.requests.some(({ headers }) => headers.has("if-range")), false);
      });
    });
  }
}
