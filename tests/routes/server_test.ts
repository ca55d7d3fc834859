import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { seedSource } from "../../lib/source/seed.ts";
import { startServer } from "../../routes/server.ts";
import { eventStream } from "../helpers/event_stream.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { serverOf, withServer } from "../helpers/server.ts";

Deno.test("startServer() serves, switches by itself, logs that, and stops", async () => {
  await withPublisher(async (world) => {
    const { options, lines, stop } = serverOf(world);
    const server = await startServer(options);
    assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const seed = await fetch(`${server.url}/v1/symbols`);
    assertEquals(seed.headers.get("x-dataset-version"), (await seedSource()).version);
    await seed.body?.cancel();

    const events = eventStream(await fetch(`${server.url}/v1/manifest/events`));
    await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    assertEquals((await events.nextEvent())?.id, "1");
    assertEquals(lines, ["now serving 2024-03-31.1 (sequence 1)"]);
    const { version } = await (await fetch(`${server.url}/v1/symbols`)).json();
    assertEquals(version, "2024-03-31.1");

    stop.abort();
    assertEquals(await events.next(), undefined);
    await server.finished;
    await assertRejects(() => fetch(`${server.url}/healthz`));
  });
});

Deno.test("startServer() finishes the answers under way before it stops", async () => {
  await withPublisher(async (world) => {
    const { stored } = await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const { sha256, name, bytes } = stored.manifest.signed.artifacts[0]!;
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const [real] = world.publisher.mirrors as [Mirror];
    const mirror: Mirror = {
      ...real,
      async size(path) {
        asked.resolve();
        await go.promise;
        return await real.size(path);
      },
    };
    const { options, stop } = serverOf(world, { mirror });
    const server = await startServer(options);
    const answer = fetch(`${server.url}/v1/artifacts/${sha256}/${name}`);
    await asked.promise;
    stop.abort();
    go.resolve();
    const response = await answer;
    assertEquals([response.status, (await response.bytes()).length], [200, bytes]);
    await server.finished;
  });
});

Deno.test("startServer() says which port is in use", async () => {
  await withPublisher(async (world) => {
    const blocker = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = blocker.addr;
    const { options } = serverOf(world, { port });
    const error = await assertRejects(() => startServer(options), BfaError, `127.0.0.1:${port}`);
    assertEquals(error.code, "usage");
    blocker.close();
  });
});

Deno.test("startServer() logs a version that it cannot load, and serves what it has", async () => {
  await withPublisher(async (world) => {
    const { stored } = await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const { sha256 } = stored.manifest.signed.artifacts[0]!;
    await Deno.remove(`${world.mirrorDir}/${sha256}`, { recursive: true });
    await withServer(world, async ({ url }, lines) => {
      assertStringIncludes(lines[0] ?? "", "problem unavailable: Cannot load");
      const ready = await fetch(`${url}/readyz`);
      assertEquals([ready.status, (await ready.json()).code], [503, "unavailable"]);
      const { version } = await (await fetch(`${url}/v1/snapshot/2024-01-15`)).json();
      assertEquals(version, (await seedSource()).version);
    });
  });
});
