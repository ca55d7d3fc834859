import { assertEquals } from "@std/assert";
import { follow } from "../../lib/jobs/follow.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { service } from "../../routes/service.ts";
import { serveKv } from "../helpers/kv_connect.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { publishWith } from "../helpers/publishing.ts";
import { SEED } from "../helpers/service.ts";

Deno.test("while KV hangs, the last good answers come without it; what needs KV says 503", async () => {
  await withPublisher(async (world) => {
    const server = serveKv();
    const kv = await Deno.openKv(server.url);
    const mirror = world.publisher.mirrors[0]!;
    const publisher = { ...world.publisher, store: kvManifestStore(kv) };
    await publishWith(world, publisher, "2024-03-31.1", SMALL_LISTINGS);

    const reader = kvManifestStore(kv, { readMs: 1_000, pollMs: 10 });
    const problems: unknown[] = [];
    const onProblem = (error: unknown) => problems.push(error);
    const followed = await follow({ reader, mirror, channel: "latest", onProblem });
    const now = () => world.clock;
    const app = service({ reader, mirror, followed, seed: SEED, now, onProblem });
    const ask = async (path: string) => await app.fetch(new Request(`http://127.0.0.1${path}`));

    const goOn = server.hang();
    for (const path of ["/v1/snapshot/latest", "/v1/manifest", "/v1/symbols", "/readyz"]) {
      // Whoever waited for KV would get 503.
      const response = await ask(path);
      await response.body?.cancel();
      assertEquals(response.status, 200, path);
    }
    const asked = ["/v1/versions", "/v1/manifests/1", "/v1/manifest?channel=candidate"];
    for (const [i, response] of (await Promise.all(asked.map(ask))).entries()) {
      const told = [response.status, response.headers.get("retry-after")];
      assertEquals([asked[i], ...told], [asked[i], 503, "5"]);
      assertEquals((await response.json()).code, "unavailable");
    }
    assertEquals(problems.length, 3);
    goOn();
    const patient = kvManifestStore(kv, { readMs: 60_000 });
    assertEquals(await patient.lastSequence(), 1);
    await followed.close();
    kv.close();
    await server.close();
  });
});
