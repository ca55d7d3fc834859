import { assertEquals } from "@std/assert";
import { endpointReader } from "../../lib/jobs/endpoint_reader.ts";
import { syncMirror } from "../../lib/jobs/sync_mirror.ts";
import { verifyMirror } from "../../lib/jobs/verify_mirror.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { httpClient } from "../../lib/net/client.ts";
import { VERSION, withService } from "../helpers/service.ts";

Deno.test("a service is verified, and synced from, as if it were a plain mirror", async () => {
  await withService(async ({ service, world }) => {
    const asked: string[] = [];
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      asked.push(new URL(request.url).pathname.replace(/[0-9a-f]{64}/, "…"));
      return service.fetch(request);
    });
    const reader = endpointReader(`http://127.0.0.1:${server.addr.port}/`, httpClient());
    const { versions, artifacts, faults } = await verifyMirror(reader);
    assertEquals([versions, artifacts, faults], [[VERSION], 1, []]);
    assertEquals(asked, [
      "/manifest.json",
      "/v1/manifest",
      "/v1/versions",
      "/v1/manifests/1",
      "/v1/artifacts/…/listings.json",
    ]);
    const target = directoryMirror(`${world.dir}/target`);
    assertEquals((await syncMirror([reader], target)).moved, true);
    for (const file of ["manifest.json", "manifests/1.json"]) {
      assertEquals(
        await Deno.readTextFile(`${world.dir}/target/${file}`),
        await Deno.readTextFile(`${world.mirrorDir}/${file}`),
      );
    }
    await server.shutdown();
  });
});
