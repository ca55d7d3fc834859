import { assertEquals, assertRejects } from "@std/assert";
import { purgeLatest } from "../../routes/cdn.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { withServer } from "../helpers/server.ts";
import { VERSION, withService } from "../helpers/service.ts";

const MINUTE = "public, max-age=60, stale-if-error=86400";
const EVER = "public, max-age=31536000, immutable";

Deno.test("what Deno Deploy's cache is told of every kind of answer", async () => {
  await withService(async (service) => {
    const manifest = await service.json("/v1/manifest");
    const [{ sha256, name }] = manifest.signed.artifacts;
    // path, Deno-CDN-Cache-Control, Deno-Cache-Tag, Deno-Cache-Id
    const cases: [string, string | null, string | null, string | null][] = [
      ["/v1/snapshot/latest", MINUTE, `bfa-latest,bfa-${VERSION}`, null],
      [`/v/${VERSION}/snapshot/2024-01-11`, EVER, `bfa-${VERSION}`, null],
      ["/v1/versions", "public, max-age=60", "bfa-latest", null],
      ["/v1/manifests/1", EVER, `bfa-${VERSION}`, null],
      [`/v1/artifacts/${sha256}/${name}`, EVER, null, `bfa-${sha256}`],
      ["/v1/manifest/events", null, null, null],
      ["/readyz", null, null, null],
      ["/v1/snapshot/nonsense", null, null, null],
    ];
    for (const [path, control, tag, id] of cases) {
      const { headers, body } = await service.ask(path);
      await body?.cancel();
      const told = ["deno-cdn-cache-control", "deno-cache-tag", "deno-cache-id"];
      assertEquals([path, ...told.map((name) => headers.get(name))], [path, control, tag, id]);
      if (control === null) assertEquals([path, headers.get("cache-control")], [path, "no-store"]);
    }
    const { headers } = await service.ask("/v1/manifest");
    assertEquals(headers.get("deno-cache-tag"), "bfa-latest");
    assertEquals(headers.get("deno-cdn-cache-control"), headers.get("cache-control"));
  }, { cdn: true });
});

Deno.test("without that cache in front, answers from memory carry nothing for it", async () => {
  await withService(async ({ ask }) => {
    const { headers } = await ask("/v1/snapshot/latest");
    assertEquals([headers.get("deno-cdn-cache-control"), headers.get("deno-cache-tag")], [
      null,
      null,
    ]);
  });
});

Deno.test("purgeLatest() asks the platform to forget what the newest version answered", async () => {
  const asked: unknown[] = [];
  let status = 200;
  const platform = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      asked.push([request.method, request.headers.get("content-type"), await request.json()]);
      return new Response(null, { status });
    },
  );
  const url = `http://127.0.0.1:${platform.addr.port}/invalidate/http`;
  await purgeLatest(url);
  assertEquals(asked, [["POST", "application/json", { tags: ["bfa-latest"] }]]);
  status = 500;
  await assertRejects(() => purgeLatest(url), Error, "Cannot purge the cache: it answered 500");
  await platform.shutdown();
});

Deno.test("a switch to another version purges; a purge that fails is logged and changes nothing", async () => {
  await withPublisher(async (world) => {
    await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const logged = Promise.withResolvers<string>();
    let purges = 0;
    await withServer(world, async (server) => {
      assertEquals(purges, 0, "the version it starts with is no switch");
      await world.publishListings("2024-03-31.2", SMALL_LISTINGS);
      assertEquals(await logged.promise, "problem: no platform here");
      assertEquals(purges, 1);
      const { version } = await (await fetch(`${server.url}/v1/symbols`)).json();
      assertEquals(version, "2024-03-31.2");
    }, {
      log: (line) => line.startsWith("problem") && logged.resolve(line),
      purge: () => (purges++, Promise.reject(new Error("no platform here"))),
    });
  });
});
