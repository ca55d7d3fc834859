/** A way to a server on loopback that breaks: after so many bytes of what a client sends. @module */

/** A way to a server. */
export interface TcpCutter {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /**
   * After how many bytes of a connection it is cut, given its number from 1; `undefined` lets it be.
   */
  cutAfter: (connection: number) => number | undefined;
  /** Connections so far. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Opens a way to an `http://127.0.0.1:<port>` address. */
export function tcpCutter(target: string): TcpCutter {
  const { hostname, port: targetPort } = new URL(target);
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  const open = new Set<Promise<void>>();
  const ends = new Set<Deno.Conn>();
  let connections = 0;

  async function pass(client: Deno.Conn, number: number): Promise<void> {
    const server = await Deno.connect({ hostname, port: Number(targetPort) });
    for (const one of [client, server]) ends.add(one);
    const back = server.readable.pipeTo(client.writable).catch(() => {});
    let left = cutter.cutAfter(number) ?? Infinity;
    const writer = server.writable.getWriter();
    try {
      for await (const chunk of client.readable) {
        await writer.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) break;
      }
      if (left > 0) await writer.close();
    } catch {
      // one of the two has left
    }
    for (const one of left > 0 ? [] : [client, server]) close(one);
    await back;
    for (const one of [client, server]) {
      ends.delete(one);
      close(one);
    }
  }

  const accepting = (async () => {
    try {
      for await (const client of listener) {
        const done = pass(client, ++connections).catch(() => close(client))
          .finally(() => open.delete(done));
        open.add(done);
      }
    } catch {
      // closed
    }
  })();

  const cutter: TcpCutter = {
    url: `http://127.0.0.1:${port}`,
    cutAfter: () => undefined,
    get connections() {
      return connections;
    },
    async close() {
      listener.close();
      await accepting;
      for (const one of ends) close(one); // clients keep theirs open
      await Promise.all(open);
    },
  };
  return cutter;
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // its streams have closed it
  }
}
