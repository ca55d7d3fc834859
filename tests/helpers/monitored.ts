/** A whole service on a port, as `bfa serve` runs it, for `bfa monitor` to look at. @module */

import { parseDay } from "../../lib/core/day.ts";
import { build } from "../../lib/jobs/build.ts";
import type { Finding } from "../../lib/jobs/monitor.ts";
import { publish } from "../../lib/jobs/publish.ts";
import type { ServerOptions } from "../../routes/server.ts";
import { bfa, type Called } from "./cli.ts";
import { type TestPublisher, withPublisher } from "./publisher.ts";
import { withServer } from "./server.ts";
import { LISTINGS, VERSION } from "./service.ts";

/** What a call of `bfa monitor` said. */
export interface Monitored extends Called {
  /** The findings, by place and signal. */
  of(place: string, signal: string): Finding | undefined;
  /** Those that are not all right: `place signal state`. */
  readonly wrong: string[];
}

/** A running service, and what it serves. */
export interface MonitoredWorld {
  readonly world: TestPublisher;
  /** Base URL of the service, without a slash at its end. */
  readonly url: string;
  /** Calls `bfa monitor … --json` by the publisher's clock. */
  monitor(...args: string[]): Promise<Monitored>;
}

/** Runs a test with a service of {@linkcode VERSION}; `database` makes it one that answers SQL. */
export async function withMonitored(
  test: (world: MonitoredWorld) => Promise<void>,
  { database = false, ...options }: Partial<ServerOptions> & { database?: boolean } = {},
): Promise<void> {
  await withPublisher(async (world) => {
    const dir = `${world.dir}/builds/first`;
    if (database) {
      const listings = { dataThrough: parseDay(VERSION.slice(0, 10)), listings: LISTINGS };
      const built = await build(listings, { version: VERSION, outDir: dir });
      await publish(world.publisher, built, dir);
    } else await world.publishListings(VERSION, LISTINGS);
    await withServer(world, async (server) => {
      await test({
        world,
        url: server.url,
        async monitor(...args) {
          const env = { HOME: world.dir };
          const called = await bfa(["monitor", ...args, "--json"], { env, now: world.clock });
          const found: Finding[] = called.out ? JSON.parse(called.out).findings : [];
          return {
            ...called,
            of: (place, signal) => found.find((f) => f.place === place && f.signal === signal),
            wrong: found.filter(({ state }) => state !== "ok")
              .map(({ place, signal, state }) => `${place} ${signal} ${state}`),
          };
        },
      });
    }, { sql: "off", ...options });
  });
}

/** A server before a service that may answer itself; closed by the caller. */
export function before(
  upstream: string,
  answer: (path: string) => Response | Promise<Response | undefined> | undefined,
): { url: string; close(): Promise<void> } {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      return await answer(pathname) ??
        await fetch(upstream + pathname + search, { method, headers });
    },
  );
  return { url: `http://127.0.0.1:${server.addr.port}`, close: () => server.shutdown() };
}
