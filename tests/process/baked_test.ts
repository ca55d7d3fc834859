/** `main.ts` with a version that comes with it: no KV, nothing written. */

import { assertEquals } from "@std/assert";
import { bake } from "../../lib/jobs/bake.ts";
import { mirrorManifests } from "../../lib/jobs/mirror_manifests.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { spawnDeno, waitForLine } from "../helpers/process.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { untilServed } from "../helpers/until_served.ts";

const RUN = ["run", "-A", "--deny-write", "--no-check", "main.ts"];
const PLACE = { PORT: "0", BFA_HOST: "127.0.0.1" };

Deno.test("main.ts serves the version in BFA_BAKED, or the mirror's newer one, without KV and without writing", async () => {
  await withPublisher(async (world) => {
    await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const mirror = directoryMirror(world.mirrorDir);
    const baked = `${world.dir}/baked`;
    await bake({ reader: mirrorManifests(mirror), mirror }, baked);
    await world.publishListings("2024-03-31.2", SMALL_LISTINGS);
    const endpoint = serveMirror(world.mirrorDir);
    const cases: readonly [env: Record<string, string>, version: string, versions: string[]][] = [
      [{ BFA_MIRROR: "" }, "2024-03-31.1", ["2024-03-31.1"]],
      [{ BFA_MIRROR: endpoint.url }, "2024-03-31.2", ["2024-03-31.2", "2024-03-31.1"]],
      [{ BFA_MIRROR: world.mirrorDir }, "2024-03-31.2", ["2024-03-31.2", "2024-03-31.1"]],
    ];
    try {
      for (const [env, version, versions] of cases) {
        const process = spawnDeno(RUN, { ...PLACE, BFA_BAKED: baked, ...env });
        const [, url] = await waitForLine(process, /bfa serves on (\S+)\n/);
        await untilServed(version, url!);
        const read = async (path: string) => await (await fetch(url + path)).json();
        assertEquals(await read("/readyz"), { status: "ready", version });
        const listed = (await read("/v1/versions")).versions as { version: string }[];
        assertEquals(listed.map((entry) => entry.version), versions);
        assertEquals((await read("/v/2024-03-31.1/snapshot/2024-01-11")).count, 2);
        assertEquals((await process.stop("SIGTERM")).code, 0);
      }
    } finally {
      await endpoint.close();
    }
  });
});

Deno.test("main.ts without a version in BFA_BAKED ends with one line", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const { code, err } = await spawnDeno(RUN, { ...PLACE, BFA_BAKED: dir }).finished;
  await Deno.remove(dir, { recursive: true });
  assertEquals([code, err], [1, `bfa: Cannot serve the version in ${dir}: there is none\n`]);
});
