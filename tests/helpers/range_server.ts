/** An HTTP server like S3: ranges of files in a folder, no HEAD, one range at most. @module */

/** One request as the server saw it. */
export interface RangeSeen {
  readonly path: string;
  readonly range: string | null;
  readonly status: number;
  readonly bytes: number;
}

/** Answers a request in its own way; `undefined` lets the folder answer. */
export type RangeFault = (
  request: Request,
  path: string,
) => Response | Promise<Response> | undefined;

/** A running server. */
export interface RangeServer {
  /** Base URL, ends with a slash. */
  readonly url: string;
  /** Set to break things. */
  fault: RangeFault | undefined;
  /** The requests since the last call. */
  take(): RangeSeen[];
  close(): Promise<void>;
}

/** Serves a folder as S3 does. */
export function serveRanges(dir: string): RangeServer {
  let seen: RangeSeen[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
      const range = request.headers.get("range");
      const response = await endpoint.fault?.(request, path) ?? await answer(request, path, range);
      const bytes = Number(response.headers.get("content-length") ?? 0);
      seen.push({
        path: path.replace(/^[0-9a-f]{64}\//, ""),
        range,
        status: response.status,
        bytes,
      });
      return response;
    },
  );

  async function answer(request: Request, path: string, range: string | null): Promise<Response> {
    if (request.method !== "GET") return new Response(null, { status: 403 });
    const info = await Deno.stat(`${dir}/${path}`).catch(() => undefined);
    if (!info?.isFile) return new Response("NoSuchKey", { status: 404 });
    const etag = `"${info.mtime?.getTime()}-${info.size}"`;
    // More than one range is what S3 does not know: it sends everything.
    const wanted = /^bytes=(\d+)-(\d+)$/.exec(range ?? "");
    if (!wanted) {
      const body = await Deno.readFile(`${dir}/${path}`);
      return new Response(body, { headers: { etag, "content-length": String(body.length) } });
    }
    const start = Number(wanted[1]);
    const end = Math.min(Number(wanted[2]), info.size - 1);
    if (start >= info.size) {
      return new Response(null, {
        status: 416,
        headers: { "content-range": `bytes */${info.size}` },
      });
    }
    using file = await Deno.open(`${dir}/${path}`);
    await file.seek(start, Deno.SeekMode.Start);
    const body = new Uint8Array(end - start + 1);
    for (let done = 0; done < body.length;) done += (await file.read(body.subarray(done))) ?? 0;
    return new Response(body, {
      status: 206,
      headers: {
        etag,
        "content-length": String(body.length),
        "content-range": `bytes ${start}-${end}/${info.size}`,
      },
    });
  }

  const endpoint: RangeServer = {
    url: `http://127.0.0.1:${server.addr.port}/`,
    fault: undefined,
    take() {
      const taken = seen;
      seen = [];
      return taken;
    },
    close: () => server.shutdown(),
  };
  return endpoint;
}
