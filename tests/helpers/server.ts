/** The service on a port of its own, over a test publisher. @module */

import { type Server, type ServerOptions, startServer } from "../../routes/server.ts";
import type { TestPublisher } from "./publisher.ts";

/** The options of a server over a publisher, what it logs, and how to stop it. */
export function serverOf(world: TestPublisher, more: Partial<ServerOptions> = {}) {
  const lines: string[] = [];
  const stop = new AbortController();
  const options: ServerOptions = {
    reader: world.publisher.store,
    mirror: world.publisher.mirrors[0]!,
    channel: "latest",
    port: 0,
    hostname: "127.0.0.1",
    now: () => world.clock,
    log: (line) => lines.push(line),
    signal: stop.signal,
    ...more,
  };
  return { options, lines, stop };
}

/** Runs a test with a server, and stops it. */
export async function withServer(
  world: TestPublisher,
  test: (server: Server, lines: string[]) => Promise<void>,
  more: Partial<ServerOptions> = {},
): Promise<void> {
  const { options, lines, stop } = serverOf(world, more);
  const server = await startServer(options);
  try {
    await test(server, lines);
  } finally {
    stop.abort();
    await server.finished;
  }
}
