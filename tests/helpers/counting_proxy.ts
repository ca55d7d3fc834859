/** Stands before a server, passes everything on as it is, and counts. @module */

/** What passed. */
export interface Counts {
  readonly requests: number;
  /** Of bodies. */
  readonly bytes: number;
  /** One line per request: `GET /path 206 1234`. */
  readonly lines: readonly string[];
}

/** A running proxy. */
export interface CountingProxy {
  /** Base URL, without a slash at its end. */
  readonly url: string;
  /** What passed since the last call. */
  take(): Counts;
  close(): Promise<void>;
}

/** Opens a proxy before a server. */
export function countingProxy(upstream: string): CountingProxy {
  let seen: { method: string; path: string; status: number; bytes: number }[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const entry = { method: request.method, path: pathname + search, status: 0, bytes: 0 };
      seen.push(entry);
      const headers = new Headers(request.headers);
      // What comes is counted and passed on as it is, so it must not come compressed.
      headers.set("accept-encoding", "identity");
      const response = await fetch(upstream + entry.path, {
        method: request.method,
        headers,
        redirect: "manual",
        body: request.body,
      });
      entry.status = response.status;
      const counted = response.body?.pipeThrough(
        new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
          transform(chunk, controller) {
            entry.bytes += chunk.length;
            controller.enqueue(chunk);
          },
        }),
      );
      return new Response(counted ?? null, { status: response.status, headers: response.headers });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    take() {
      const lines = seen.map(({ method, path, status, bytes }) =>
        `${method} ${decodeURI(path)} ${status} ${bytes}`
      );
      const counts = {
        requests: seen.length,
        bytes: seen.reduce((sum, { bytes }) => sum + bytes, 0),
        lines,
      };
      seen = [];
      return counts;
    },
    close: () => server.shutdown(),
  };
}
