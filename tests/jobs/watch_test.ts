import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Dataset, NewVersion, Notice, OpenOptions } from "../../lib/mod.ts";
import { open } from "../../lib/mod.ts";
import { codeOf, withCopy, withoutBackoff } from "../helpers/fault_world.ts";
import { LISTINGS, type TestService, VERSION, withService } from "../helpers/service.ts";

const SECOND = "2024-03-31.2";
const THIRD = "2024-03-31.3";

async function opened(service: TestService, options: OpenOptions = {}): Promise<Dataset> {
  const now = () => service.world.clock;
  return await open({ endpoint: service.listen(), cacheDir: null, now, ...options });
}

async function next(watch: AsyncGenerator<NewVersion, void, void>): Promise<string | undefined> {
  const { value } = await watch.next();
  return value?.version;
}

Deno.test("watch() over the service's events: gives each version once, and the dataset answers from it", async () => {
  await withService(async (service) => {
    const dataset = await opened(service);
    const stop = new AbortController();
    const watch = dataset.watch({ signal: stop.signal });
    assertEquals((await watch.next()).value, {
      version: VERSION,
      sequence: 1,
      dataThrough: "2024-03-31",
      publishedAt: "2024-04-01T12:05:00Z",
    });
    for (const [i, version] of [SECOND, THIRD].entries()) {
      const coming = next(watch);
      await service.publish(version, LISTINGS.slice(i + 1));
      assertEquals(await coming, version);
      assertEquals((await dataset.symbols()).version, version);
    }
    const end = watch.next();
    stop.abort();
    assertEquals(await end, { value: undefined, done: true });
  });
});

Deno.test("watch() says nothing of the version that the copy has", async () => {
  await withService(async (service) => {
    const dataset = await opened(service);
    await dataset.symbols();
    const watch = dataset.watch();
    const coming = next(watch);
    await service.publish(SECOND, LISTINGS.slice(1));
    assertEquals(await coming, SECOND);
    await watch.return();
  });
});

Deno.test("watch() comes back with Last-Event-ID when the stream ends, and misses nothing", async () => {
  await withService(async (service) => {
    const base = service.listen();
    const ids: (string | null)[] = [];
    let cut = () => {};
    const back = Promise.withResolvers<void>();
    // A proxy in front of the service, which ends streams when told, and wants clients back at once.
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        const { pathname, search } = new URL(request.url);
        const response = await fetch(base + pathname + search, { headers: request.headers });
        if (!pathname.endsWith("/events")) return response;
        if (ids.push(request.headers.get("last-event-id")) === 2) back.resolve();
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        const body = new ReadableStream<string>({
          start(controller) {
            cut = () => {
              cut = () => {};
              reader.cancel();
              controller.close();
            };
          },
          async pull(controller) {
            const { value, done } = await reader.read();
            if (!done) controller.enqueue(value.replace("retry: 5000", "retry: 0"));
          },
          cancel: () => reader.cancel(),
        });
        return new Response(body.pipeThrough(new TextEncoderStream()), response);
      },
    );
    const dataset = await opened(service, { endpoint: `http://127.0.0.1:${server.addr.port}` });
    const watch = dataset.watch();
    assertEquals(await next(watch), VERSION);
    let coming = next(watch);
    await service.publish(SECOND, LISTINGS.slice(1));
    assertEquals(await coming, SECOND);
    cut();
    coming = next(watch);
    await back.promise;
    await service.publish(THIRD, LISTINGS.slice(2));
    assertEquals(await coming, THIRD);
    await watch.return();
    assertEquals(ids, ["1", "2"]);
    await server.shutdown();
  });
});

Deno.test("watch() asks a static mirror again and again: 304 while nothing changed", async () => {
  await withCopy(async (world) => {
    const dataset = await world.open();
    await dataset.symbols();
    const watch = dataset.watch({ pollMs: 1 });
    const coming = next(watch);
    const twice = Promise.withResolvers<void>();
    let unchanged = 0;
    world.endpoint.fault = (request) => {
      if (request.headers.has("if-none-match") && ++unchanged === 3) twice.resolve();
      return undefined;
    };
    await twice.promise;
    await world.publishListings("2024-04-01.1", LISTINGS);
    assertEquals(await coming, "2024-04-01.1");
    await watch.return();
    const paths = new Set(world.endpoint.take().map((line) => line.split(" ")[0]));
    assertEquals(paths.has("v1/manifest/events"), false);
  });
});

Deno.test("watch() outlasts an endpoint that fails, and ends at once for a manifest that is refused", async () => {
  await withoutBackoff(() =>
    withCopy(async (world) => {
      const dataset = await world.open();
      await dataset.symbols();
      let failures = 0;
      world.endpoint.fault = () => {
        if (++failures === 10) world.endpoint.fault = undefined;
        return new Response("later", { status: 503 });
      };
      const watch = dataset.watch({ pollMs: 1 });
      await world.publishListings("2024-04-01.1", LISTINGS);
      assertEquals(await next(watch), "2024-04-01.1");
      await world.forge({ sequence: 9 }, []);
      assertEquals(await codeOf(watch.next()), "untrusted");
    })
  );
});

Deno.test("watch() outlasts a cache that serves an older pointer now and then, and says so once", async () => {
  await withoutBackoff(() =>
    withCopy(async (world) => {
      const old = await Deno.readTextFile(join(world.mirrorDir, "manifest.json"));
      await world.publishListings("2024-04-01.1", LISTINGS);
      const reasons: string[] = [];
      const onNotice = (notice: Notice) => {
        if (notice.kind === "behind") reasons.push(notice.reason);
      };
      const dataset = await world.open({ onNotice });
      await dataset.refresh();
      let older = 0;
      const fourth = Promise.withResolvers<void>();
      world.endpoint.fault = (_, path) => {
        if (path !== "manifest.json" || older === 4) return undefined;
        if (++older === 4) fourth.resolve();
        return new Response(old);
      };
      const watch = dataset.watch({ pollMs: 1 });
      const coming = next(watch);
      await fourth.promise;
      await world.publishListings("2024-04-02.1", LISTINGS);
      assertEquals(await coming, "2024-04-02.1");
      await watch.return();
      assertEquals(reasons, [
        "Cannot accept manifest 1 (2024-03-31.1): this copy has already seen sequence 2; the server is behind or an old manifest is being replayed",
      ]);
    })
  );
});

Deno.test("watch() ends when its signal aborts while it waits, and does not begin offline", async () => {
  await withCopy(async (world) => {
    const dataset = await world.open();
    await dataset.symbols();
    const stop = new AbortController();
    const watch = dataset.watch({ signal: stop.signal });
    const end = watch.next();
    const asked = Promise.withResolvers<void>();
    world.endpoint.fault = () => void asked.resolve();
    await asked.promise;
    stop.abort();
    assertEquals((await end).done, true);
    await dataset.settled();
    const offline = await world.open({ offline: true });
    assertEquals(await codeOf(offline.watch().next()), "offline");
  });
});
