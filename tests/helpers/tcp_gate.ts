/** A gate in front of a server on loopback: shut, the server is gone, though it runs. @module */

/** A gate. */
export interface TcpGate {
  /** `http://127.0.0.1:<port>`, the same however often it is shut and opened. */
  readonly url: string;
  /** Cuts all connections, and refuses new ones. */
  shut(): Promise<void>;
  open(): void;
}

/** Opens a gate in front of an `http://127.0.0.1:<port>` address. */
export function tcpGate(target: string): TcpGate {
  const { hostname, port: targetPort } = new URL(target);
  let listener: Deno.TcpListener | undefined;
  let running = Promise.resolve();
  let port = 0;
  const connections = new Set<Deno.Conn>();

  async function pass(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ hostname, port: Number(targetPort) });
    for (const one of [client, server]) connections.add(one);
    await Promise.allSettled([
      client.readable.pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
    for (const one of [client, server]) {
      connections.delete(one);
      close(one);
    }
  }

  const gate = {
    open() {
      const opened = listener = port ? listenOn(port) : listenSomewhere();
      port = opened.addr.port;
      running = (async () => {
        const passing: Promise<void>[] = [];
        for await (const client of opened) passing.push(pass(client).catch(() => close(client)));
        await Promise.all(passing);
      })();
    },
    async shut() {
      listener?.close();
      listener = undefined;
      for (const connection of connections) close(connection);
      await running;
    },
  };
  gate.open();
  return { url: `http://127.0.0.1:${port}`, ...gate };
}

const listenOn = (port: number) => Deno.listen({ port, hostname: "127.0.0.1" });

/** Below the ports that the system gives to connections: while the gate is shut, none of them takes its port. */
function listenSomewhere(): Deno.TcpListener {
  for (;;) {
    try {
      return listenOn(10_000 + Math.floor(Math.random() * 20_000));
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // its streams have closed it
  }
}
