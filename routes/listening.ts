/**
 * A port that is listened on until the service stops, whatever strangers do: Deno's listener ends for good when it
 * cannot take a connection, as when so many are open that the system gives no more files.
 *
 * @module
 */

import { delay } from "@std/async/delay";

/** What to listen on, and what with. */
export interface ListeningOptions {
  /** `0` takes a free port. */
  readonly port: number;
  readonly hostname: string;
  readonly fetch: Deno.ServeHandler<Deno.NetAddr>;
  /** Told when the listener has ended by itself. */
  readonly onProblem: (error: unknown) => void;
}

/** A port that is listened on. */
export interface Listening {
  readonly port: number;
  /** Takes no more connections; resolves when the answers under way have ended. */
  shutdown(): Promise<void>;
}

/** How long until it is tried again to listen, ms. */
const AGAIN_MS = 100;

/**
 * Listens.
 *
 * @throws {Error} When the port cannot be had at the start.
 */
export function listening({ port, hostname, fetch, onProblem }: ListeningOptions): Listening {
  let drop = new AbortController();
  function listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    drop = new AbortController();
    return Deno.serve({ port, hostname, signal: drop.signal, onListen: () => {} }, fetch);
  }

  let server = listen(port);
  const taken = server.addr.port;
  const stop = new AbortController();

  async function listenAgain(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        server = listen(taken);
        return;
      } catch {
        await delay(AGAIN_MS, { signal: stop.signal }).catch(() => {});
      }
    }
  }

  (async () => {
    while (!stop.signal.aborted) {
      try {
        return await server.finished;
      } catch (error) {
        if (stop.signal.aborted) return;
        onProblem(error);
      }
      drop.abort(); // the connections that are open, for they hold what a listener needs
      await listenAgain();
    }
  })();

  return {
    port: taken,
    async shutdown() {
      stop.abort();
      await server.shutdown();
    },
  };
}
