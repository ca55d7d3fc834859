/** The service over a test publisher: in process, or on a real port. @module */

import { ListingIndex } from "../../lib/core/listing_index.ts";
import { parseDay } from "../../lib/core/day.ts";
import type { Source } from "../../lib/core/answers.ts";
import type { Listing } from "../../lib/core/listing.ts";
import { listing } from "./listing.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { follow, type Followed } from "../../lib/jobs/follow.ts";
import type { Moved } from "../../lib/jobs/publish.ts";
import { type Service, service } from "../../routes/service.ts";
import type { SqlPage } from "../../routes/sql_page.ts";
import { type TestPublisher, withPublisher } from "./publisher.ts";
import { PATIENCE_MS } from "./patience.ts";

/** One listing of every kind; with version {@linkcode VERSION} they end on 2024-03-31. */
export const LISTINGS: readonly Listing[] = [
  listing("AAAUSDT#1", "2024-01-01", null, null, { contractType: "perpetual", quoteAsset: "USDT" }),
  listing("BBBUSDT#1", "2024-01-01", "2024-01-10", "2024-01-12"),
  listing("BBBUSDT#2", "2024-03-01"),
  listing("CCCUSDT#1", "2024-01-05", "2024-02-01", "2024-02-20"),
  listing("DDDUSDC#1", "2024-01-10", null, null, {
    contractType: "perpetual",
    quoteAsset: "USDC",
    gaps: [[parseDay("2024-01-20"), parseDay("2024-01-21")]],
    halts: [[parseDay("2024-01-25"), parseDay("2024-01-25")]],
  }),
  listing("EEEUSDT_240329#1", "2024-02-01", "2024-03-29", "2024-03-29", {
    contractType: "delivery",
    quoteAsset: "USDT",
  }),
  listing("币安人生USDT#1", "2024-03-15", null, null, {
    contractType: "perpetual",
    quoteAsset: "USDT",
  }),
];

/** The version that {@linkcode withService} publishes. */
export const VERSION = "2024-03-31.1";

/** What the service answers from before a version is there. */
export const SEED: Source = {
  version: "2024-02-29.0",
  index: new ListingIndex({ dataThrough: parseDay("2024-02-29"), listings: LISTINGS.slice(0, 4) }),
};

/** How to set the service up. */
export interface TestServiceOptions {
  /** What to publish first; nothing when empty. */
  listings?: readonly Listing[];
  heartbeatMs?: number;
  /** What answers before a version is there. */
  seed?: Source;
  /** Whether Deno Deploy's cache is in front. */
  cdn?: boolean;
  /** Where clients reach it. */
  publicUrl?: string;
  /** SQL in the browser. */
  sqlPage?: SqlPage;
  /** Stands between the service and the publisher's mirror. */
  wrapMirror?: (mirror: Mirror) => Mirror;
  /** Stands between the service and what follows the channel. */
  wrapFollowed?: (followed: Followed) => Followed;
}

/** A running service. */
export interface TestService {
  readonly world: TestPublisher;
  readonly followed: Followed;
  readonly service: Service;
  /** Failures that were logged. */
  readonly problems: unknown[];
  /** Aborts what the service takes for the end of the server. */
  readonly stopping: AbortController;
  /** Asks in process. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The body of a successful answer. */
  json(path: string): ReturnType<Response["json"]>;
  /** Publishes a version, and waits until the service has switched to it. */
  publish(version: string, listings: readonly Listing[]): Promise<Moved>;
  /** Opens a port; closed at the end of the test. Returns the base URL, without a slash. */
  listen(): string;
}

/** Runs a test with a service that has published {@linkcode LISTINGS} as {@linkcode VERSION}. */
export async function withService(
  test: (service: TestService) => Promise<void>,
  options: TestServiceOptions = {},
): Promise<void> {
  const { listings = LISTINGS, seed = SEED, heartbeatMs, cdn = false, publicUrl, sqlPage } =
    options;
  const { wrapMirror = (mirror) => mirror, wrapFollowed = (followed) => followed } = options;
  await withPublisher(async (world) => {
    if (listings.length) await world.publishListings(VERSION, listings);
    const { store: reader, mirrors } = world.publisher;
    const mirror = wrapMirror(mirrors[0]!);
    const problems: unknown[] = [];
    const onProblem = (error: unknown) => problems.push(error);
    const followed = await follow({
      reader,
      mirror,
      channel: "latest",
      onProblem,
      firstLoadMs: PATIENCE_MS,
    });
    const stopping = new AbortController();
    const made = service({
      reader,
      mirror,
      followed: wrapFollowed(followed),
      seed,
      now: () => world.clock,
      onProblem,
      stopping: stopping.signal,
      cdn,
      publicUrl,
      sqlPage,
      ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    });
    let server: Deno.HttpServer<Deno.NetAddr> | undefined;

    const running: TestService = {
      world,
      followed,
      service: made,
      problems,
      stopping,
      ask: async (path, init) => await made.fetch(new Request(`http://127.0.0.1${path}`, init)),
      async json(path) {
        const response = await running.ask(path);
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        return await response.json();
      },
      async publish(version, listings) {
        const switched = Promise.withResolvers<void>();
        const stop = followed.onChange(({ source }) => {
          if (source.version === version) switched.resolve();
        });
        const moved = await world.publishListings(version, listings);
        await switched.promise;
        stop();
        return moved;
      },
      listen() {
        const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
        server ??= Deno.serve(options, (request) => made.fetch(request));
        return `http://127.0.0.1:${server.addr.port}`;
      },
    };
    try {
      await test(running);
    } finally {
      stopping.abort();
      await server?.shutdown();
      await followed.close();
    }
  });
}
