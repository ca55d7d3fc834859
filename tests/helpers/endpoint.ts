/** A real HTTP server in front of a mirror folder, that counts, and breaks on demand. @module */

import { directoryMirror } from "../../lib/mirror/directory.ts";

/** One request as the server saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  /** Status of the answer; 0 until there is one. */
  status: number;
  /** Bytes of body that were sent for it. */
  bytes: number;
}

/** Answers a request instead of the mirror; `undefined` lets the mirror answer. */
export type Fault = (request: Request, path: string) => Response | Promise<Response> | undefined;

/** A running endpoint. */
export interface TestEndpoint {
  /** Base URL, ends with a slash. */
  readonly url: string;
  /** Every request so far. */
  readonly seen: Seen[];
  /** Set to break things. */
  fault: Fault | undefined;
  /** All bytes of body sent so far. */
  bytes(): number;
  /** The requests since the last call, as `path status bytes`; digests are left out. */
  take(): string[];
  close(): Promise<void>;
}

/** Serves a mirror folder as a static endpoint with strong ETags, 304s and single ranges. */
export function serveMirror(mirrorDir: string): TestEndpoint {
  const mirror = directoryMirror(mirrorDir);
  const seen: Seen[] = [];
  let taken = 0;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
      const entry = { method: request.method, path, headers: request.headers, status: 0, bytes: 0 };
      seen.push(entry);
      const response = await endpoint.fault?.(request, path) ?? await fromMirror(request, path);
      entry.status = response.status;
      return counted(response, entry);
    },
  );

  async function fromMirror(request: Request, path: string): Promise<Response> {
    const file = await mirror.open(path).catch(() => undefined);
    if (!file) return new Response("no such file", { status: 404 });
    const whole = new Uint8Array(await new Response(file.body).arrayBuffer());
    const size = whole.length; // a moving file may have been replaced since it was opened
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole)).toHex();
    const etag = `"${digest}"`;
    if (request.headers.get("if-none-match") === etag) {
      return new Response(null, { status: 304, headers: { etag } });
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    const condition = request.headers.get("if-range");
    if (!range || (condition !== null && condition !== etag)) {
      return new Response(whole, { headers: { etag, "content-length": String(size) } });
    }
    const start = Number(range[1]);
    if (start >= size) {
      return new Response(null, { status: 416, headers: { "content-range": `bytes */${size}` } });
    }
    const end = Math.min(range[2] ? Number(range[2]) : size - 1, size - 1);
    return new Response(whole.slice(start, end + 1), {
      status: 206,
      headers: { etag, "content-range": `bytes ${start}-${end}/${size}` },
    });
  }

  const endpoint: TestEndpoint = {
    url: `http://127.0.0.1:${server.addr.port}/`,
    seen,
    fault: undefined,
    bytes: () => seen.reduce((sum, entry) => sum + entry.bytes, 0),
    take() {
      const since = seen.slice(taken);
      taken = seen.length;
      return since.map(({ path, status, bytes }) =>
        `${path.replace(/^[0-9a-f]{64}\//, "")} ${status} ${bytes}`
      );
    },
    close: () => server.shutdown(),
  };
  return endpoint;
}

function counted(response: Response, entry: Seen): Response {
  if (!response.body) return response;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      entry.bytes += chunk.length;
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counter), response);
}
