/**
 * The dress rehearsal: main.ts as a platform runs it, twice, over a KV Connect server and a mirror on
 * another HTTP server. `DENOKV_BIN` names a real denokv; without it a stand-in takes its place.
 */

import { assert, assertEquals } from "@std/assert";
import { listing } from "../helpers/listing.ts";
import type { Publisher } from "../../lib/jobs/publish.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { seedSource } from "../../lib/source/seed.ts";
import { serveMirror, type TestEndpoint } from "../helpers/endpoint.ts";
import { type EventStream, eventStream } from "../helpers/event_stream.ts";
import { type KvServer, startKvServer } from "../helpers/kv_server.ts";
import { spawnDeno, type Spawned, waitForLine } from "../helpers/process.ts";
import { publishWith } from "../helpers/publishing.ts";
import { untilToldOf } from "../helpers/until_served.ts";
import { SMALL_LISTINGS, type TestPublisher, withPublisher } from "../helpers/publisher.ts";
import { type TcpGate, tcpGate } from "../helpers/tcp_gate.ts";

/**
 * How soon everything must have happened, ms: a machine may be slow and busy. How long it really took is printed. Over KV
 * Connect a service polls once a minute besides; half of that is a push.
 */
const PATIENCE_MS = 30_000;

/** How soon a service must have recovered from an outage, ms. */
const RECOVERED_MS = 120_000;

const PATHS = ["/v1/snapshot/2024-01-11", "/v1/symbols", "/v1/timeline/BBBUSDT", "/v1/manifest"];

/** Everything around the services. */
interface Stage {
  readonly world: TestPublisher;
  /** What services connect to. */
  readonly kv: TcpGate;
  readonly mirror: TcpGate;
  readonly endpoint: TestEndpoint;
  /** Publishes a version whose listings differ from the others'; KV is reached past its gate. */
  publish(version: string): Promise<void>;
  /** Starts main.ts; it is stopped at the end. */
  start(): Promise<Running>;
}

/** A service that runs. */
interface Running {
  readonly url: string;
  readonly process: Spawned;
}

async function onStage(rehearse: (stage: Stage) => Promise<void>): Promise<void> {
  await withPublisher(async (world) => {
    const server: KvServer = await startKvServer(world.dir);
    const direct = await Deno.openKv(server.url);
    const publisher: Publisher = { ...world.publisher, store: kvManifestStore(direct) };
    const endpoint = serveMirror(world.mirrorDir);
    const [kv, mirror] = [tcpGate(server.url), tcpGate(endpoint.url)];
    const started: Spawned[] = [];
    try {
      await rehearse({
        world,
        kv,
        mirror,
        endpoint,
        async publish(version) {
          const extra = listing(`V${version.replace(/\D/g, "")}USDT#1`, "2024-01-02");
          await publishWith(world, publisher, version, [...SMALL_LISTINGS, extra]);
        },
        async start() {
          const process = spawnDeno(["run", "-A", "main.ts"], {
            BFA_KV: kv.url,
            BFA_MIRROR: mirror.url,
            BFA_HOST: "127.0.0.1",
            BFA_RATE_LIMIT: "off",
            BFA_LOG_REQUESTS: "0",
            DENO_KV_ACCESS_TOKEN: server.token,
            PORT: "0",
          });
          started.push(process);
          return { process, url: (await waitForLine(process, /bfa serves on (\S+)/))[1]! };
        },
      });
      for (const process of started) {
        const { code, err } = await process.stop();
        assertEquals(code, 0, err);
      }
    } finally {
      for (const process of started) await process.stop("SIGKILL");
      direct.close();
      await Promise.all([kv.shut(), mirror.shut()]);
      await Promise.all([server.close(), endpoint.close()]);
    }
  });
}

async function listen({ url }: Running): Promise<EventStream> {
  return eventStream(await fetch(`${url}/v1/manifest/events`));
}

/** What is due in time, or an error that says what is late. */
async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) =>
    timer = setTimeout(() => reject(new Error(`${what}: not in ${ms} ms`)), ms)
  );
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Asks without pause, and checks that every answer is whole and of one version. */
function askUnderLoad(services: readonly Running[]) {
  const bodies = new Map<string, string>();
  const versions = new Set<string>();
  let [answers, over] = [0, false];
  let answered = Promise.withResolvers<void>();
  /** The version that each service last gave for each path. */
  const newest = new Map<string, string>();
  const ask = async (url: string, path: string) => {
    while (!over) {
      const response = await fetch(url + path);
      const body = await response.text();
      assertEquals([path, response.status], [path, 200]);
      const version = response.headers.get("x-dataset-version")!;
      const told = JSON.parse(body);
      assertEquals(told.version ?? told.signed?.version ?? version, version);
      // One ETag stands for one body, on both services; and a body names what its version added.
      const key = `${path} ${response.headers.get("etag")}`;
      assertEquals(bodies.get(key) ?? body, body, key);
      bodies.set(key, body);
      if (path === "/v1/symbols" && version.startsWith("2024-03-31")) {
        assert(body.includes(`"V${version.replace(/\D/g, "")}USDT"`), `${version}: ${body}`);
      }
      versions.add(version);
      answers++;
      newest.set(url + path, version);
      answered.resolve();
      answered = Promise.withResolvers();
    }
  };
  const asking = services.flatMap(({ url }) => PATHS.map((path) => ask(url, path)));
  return {
    /** Waits until every path of every service was answered from a version. */
    async until(version: string) {
      const all = services.length * PATHS.length;
      while (newest.size < all || [...newest.values()].some((last) => last !== version)) {
        await Promise.race([answered.promise, ...asking]);
      }
    },
    async stop() {
      over = true;
      await Promise.all(asking);
      return { answers, versions: [...versions].sort() };
    },
  };
}

async function statusOf({ url }: Running, path: string): Promise<[number, string | null]> {
  const response = await fetch(url + path);
  await response.body?.cancel();
  return [response.status, response.headers.get("retry-after")];
}

Deno.test("rehearsal: two services switch together under load, live through a lost KV, and follow again", async () => {
  await onStage(async ({ publish, start, kv }) => {
    await publish("2024-03-31.1");
    const services = await Promise.all([start(), start()]);
    const events = await Promise.all(services.map(listen));
    const all = (version: string) => events.map((stream) => untilToldOf(version, stream));
    await Promise.all(all("2024-03-31.1"));

    const load = askUnderLoad(services);
    const seen: number[] = [];
    for (const build of [2, 3, 4, 5]) {
      const version = `2024-03-31.${build}`;
      const served = all(version);
      const began = performance.now();
      const published = publish(version);
      await within(PATIENCE_MS, `${version} on both services`, Promise.all([published, ...served]));
      seen.push(Math.round(performance.now() - began));
      await load.until(version);
    }
    const { answers, versions } = await load.stop();
    assertEquals(versions, [1, 2, 3, 4, 5].map((build) => `2024-03-31.${build}`));

    await kv.shut();
    for (const service of services) {
      for (const path of [...PATHS, "/readyz"]) {
        const response = await fetch(service.url + path);
        assertEquals([path, response.status], [path, 200]);
        assert((await response.text()).includes("2024-03-31.5"), path);
      }
      assertEquals(await statusOf(service, "/v1/versions"), [503, "5"]);
      assertEquals(await statusOf(service, "/v/2024-03-31.1/symbols"), [503, "5"]);
    }

    const back = all("2024-03-31.6");
    await publish("2024-03-31.6"); // while nobody can see it
    kv.open();
    const opened = performance.now();
    await within(RECOVERED_MS, "following again", Promise.all(back));
    const recoveredMs = Math.round(performance.now() - opened);

    const again = all("2024-03-31.7");
    await publish("2024-03-31.7");
    await within(PATIENCE_MS, "a publish after the outage", Promise.all(again));
    for (const stream of events) await stream.cancel();
    console.log(
      `${answers} answers while switching; from upload to served by both: ${seen.join(", ")} ms; ` +
        `followed again ${recoveredMs} ms after KV was back`,
    );
  });
});

Deno.test("rehearsal: a cold start without the mirror answers from the seed, and recovers by itself", async () => {
  await onStage(async ({ publish, start, mirror, world }) => {
    await publish("2024-03-31.1");
    await mirror.shut();
    const service = await start();
    const seed = (await seedSource()).version;
    const answer = await (await fetch(`${service.url}/v1/snapshot/2024-01-15`)).json();
    assertEquals([answer.version, answer.count], [seed, 251]);
    assertEquals(
      (await fetch(`${service.url}/v1/timeline/LITUSDT`).then((r) => r.json())).version,
      seed,
    );

    const { signed } = await (await fetch(`${service.url}/v1/manifest`)).json();
    assertEquals(signed.version, "2024-03-31.1", "the manifest comes from KV, not from the mirror");
    const [{ sha256, name }] = signed.artifacts;
    assertEquals(await statusOf(service, `/v1/artifacts/${sha256}/${name}`), [503, "5"]);
    assertEquals(await statusOf(service, "/v/2024-03-31.1/symbols"), [503, "5"]);
    assertEquals((await statusOf(service, "/readyz"))[0], 503);
    assertEquals((await statusOf(service, "/healthz"))[0], 200);

    const events = await listen(service);
    mirror.open();
    await within(RECOVERED_MS, "recovery", untilToldOf("2024-03-31.1", events));
    const bytes = await (await fetch(`${service.url}/v1/artifacts/${sha256}/${name}`)).bytes();
    assertEquals(bytes, await Deno.readFile(`${world.mirrorDir}/${sha256}/${name}`));
    assertEquals((await statusOf(service, "/readyz"))[0], 200);
    await events.cancel();
  });
});

Deno.test("rehearsal: a mirror that takes requests and says nothing keeps no port closed and no process alive", async () => {
  await onStage(async ({ publish, start, endpoint }) => {
    await publish("2024-03-31.1");
    const goOn = Promise.withResolvers<void>();
    endpoint.fault = () => goOn.promise.then(() => new Response("gone", { status: 404 }));
    const service = await start();
    const { version } = await (await fetch(`${service.url}/v1/symbols`)).json();
    assertEquals(version, (await seedSource()).version);
    const { code, err } = await within(PATIENCE_MS, "the end", service.process.stop());
    assertEquals(code, 0);
    assert(err.includes("Cannot load the version in 2000 ms; trying on"), err);
    goOn.resolve();
  });
});

Deno.test("rehearsal: a cold start without KV answers from the seed, and recovers by itself", async () => {
  await onStage(async ({ publish, start, kv }) => {
    await publish("2024-03-31.1");
    await kv.shut();
    const service = await start();
    const { version } = await (await fetch(`${service.url}/v1/symbols`)).json();
    assertEquals(version, (await seedSource()).version);
    assertEquals(await statusOf(service, "/v1/versions"), [503, "5"]);
    const events = await listen(service);
    kv.open();
    await within(RECOVERED_MS, "recovery", untilToldOf("2024-03-31.1", events));
    assertEquals((await statusOf(service, "/readyz"))[0], 200);
    await events.cancel();
  });
});
