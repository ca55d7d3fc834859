/** A server that speaks plain HTTP over TCP, so that a test decides where the connection ends. @module */

/** What it was asked. */
export interface RawRequest {
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  /** The number of the request, from 1. */
  readonly number: number;
}

/** What it answers; every answer ends its connection. */
export interface RawReply {
  readonly status: number;
  readonly headers?: Record<string, string | number>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Bytes of the body after which the connection is closed. */
  readonly cutAfter?: number;
  /** Sends what there is, and then nothing until this settles. */
  readonly hang?: Promise<void>;
}

/** A running server. */
export interface RawServer {
  /** Base URL, ends with a slash. */
  readonly url: string;
  readonly requests: RawRequest[];
  /** Bytes of body written so far. */
  bytes: number;
  close(): Promise<void>;
}

/** Serves until it is closed. */
export function serveRaw(
  reply: (request: RawRequest) => RawReply | Promise<RawReply>,
): RawServer {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const open = new Set<Promise<void>>();
  const { port } = listener.addr as Deno.NetAddr;
  const server: RawServer = {
    url: `http://127.0.0.1:${port}/`,
    requests: [],
    bytes: 0,
    async close() {
      listener.close();
      await accepting;
      await Promise.all(open);
    },
  };

  async function answer(connection: Deno.Conn): Promise<void> {
    try {
      const head = await readHead(connection);
      if (head === undefined) return;
      const request = { ...head, number: server.requests.length + 1 };
      server.requests.push(request);
      const { status, headers = {}, body = new Uint8Array(), cutAfter, hang } = await reply(
        request,
      );
      const lines = Object.entries({
        "content-length": body.length,
        connection: "close",
        ...headers,
      }).map(([name, value]) => `${name}: ${value}\r\n`);
      const text = `HTTP/1.1 ${status} Test\r\n${lines.join("")}\r\n`;
      await writeAll(connection, new TextEncoder().encode(text));
      const sent = body.subarray(0, cutAfter);
      for (let at = 0; at < sent.length;) {
        const written = await connection.write(sent.subarray(at, at + 16_384));
        server.bytes += written;
        at += written;
      }
      await hang;
    } catch {
      // the client left
    } finally {
      connection.close();
    }
  }

  const accepting = (async () => {
    try {
      for await (const connection of listener) {
        const done = answer(connection).finally(() => open.delete(done));
        open.add(done);
      }
    } catch {
      // closed
    }
  })();
  return server;
}

/** Serves one file as a good mirror does, except for what `fault` changes. */
export function serveFile(
  file: Uint8Array<ArrayBuffer>,
  etag: string,
  fault: (request: RawRequest) => Partial<RawReply> | undefined = () => undefined,
): RawServer {
  return serveRaw((request) => {
    const start = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1];
    const from = start === undefined ? undefined : Number(start);
    const whole: RawReply = { status: 200, headers: { etag }, body: file };
    const part: RawReply | undefined = from === undefined ? undefined : {
      status: 206,
      headers: { etag, "content-range": `bytes ${from}-${file.length - 1}/${file.length}` },
      body: file.subarray(from),
    };
    return { ...part ?? whole, ...fault(request) };
  });
}

async function readHead(
  connection: Deno.Conn,
): Promise<Omit<RawRequest, "number"> | undefined> {
  let text = "";
  const buffer = new Uint8Array(16_384);
  while (!text.endsWith("\r\n\r\n")) {
    const read = await connection.read(buffer);
    if (read === null) return undefined;
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
  const [first = "", ...lines] = text.trim().split("\r\n");
  const headers = new Map(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { path: first.split(" ")[1]!.slice(1), headers };
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}
