import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { withServer } from "../helpers/server.ts";

Deno.test("checkMirror(): /readyz, /metrics and the log tell what was found; the service stays ready", async () => {
  await withPublisher(async (world) => {
    const { stored } = await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const [artifact] = stored.manifest.signed.artifacts;
    await withServer(world, async (server, lines) => {
      const ready = async () => {
        const response = await fetch(`${server.url}/readyz`);
        return [response.status, await response.json()];
      };
      const metrics = async () => await (await fetch(`${server.url}/metrics`)).text();
      const body = { status: "ready", version: "2024-03-31.1" };
      assertEquals(await ready(), [200, body]);
      assertEquals((await metrics()).match(/^bfa_mirror_.*$/m), null);

      assertEquals((await server.checkMirror())?.faults, []);
      const mirror = { version: "2024-03-31.1", checkedAt: world.clock.toISOString() };
      assertEquals(await ready(), [200, {
        ...body,
        mirror: { status: "ok", ...mirror, faults: [] },
      }]);
      assertMatch(await metrics(), /^bfa_mirror_faults 0$/m);
      assertEquals(lines, []);

      await Deno.remove(`${world.mirrorDir}/${artifact!.sha256}`, { recursive: true });
      await server.checkMirror();
      const faults = [{ name: "listings.json", code: "not_found" }];
      assertEquals(await ready(), [200, {
        ...body,
        mirror: { status: "failing", ...mirror, faults },
      }]);
      assertMatch(await metrics(), /^bfa_mirror_faults 1$/m);
      const seconds = world.clock.getTime() / 1000;
      assertMatch(
        await metrics(),
        new RegExp(`^bfa_mirror_checked_timestamp_seconds ${seconds}$`, "m"),
      );
      assertEquals(lines.length, 1);
      assertStringIncludes(lines[0]!, "mirror not_found: Cannot find");
    });
  });
});

Deno.test("checkMirror() before a version is served checks nothing", async () => {
  await withPublisher(async (world) => {
    await withServer(world, async (server) => {
      assertEquals(await server.checkMirror(), undefined);
    });
  });
});
