import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { copyFolder } from "../helpers/copy_folder.ts";
import { dyingRefresh } from "../helpers/dying_refresh.ts";
import { MORE_LISTINGS, NEW, OLD, withWarmCopy } from "../helpers/fault_world.ts";

/** Every step of an install, in its order, and what the next refresh asks for when it was killed in that step. */
const STEPS: readonly (readonly [step: string, next: readonly string[]])[] = [
  ["write tmp/SHA.part", ["manifest.json 200", "listings.json 206"]],
  ["sync tmp/SHA.part", ["manifest.json 200"]],
  ["rename objects/SHA", ["manifest.json 200"]],
  ["sync objects", ["manifest.json 200"]],
  ["write sources/NAME/manifests/2.json.tmp", ["manifest.json 200"]],
  ["sync sources/NAME/manifests/2.json.tmp", ["manifest.json 200"]],
  ["rename sources/NAME/manifests/2.json", ["manifest.json 200"]],
  ["sync sources/NAME/manifests", ["manifest.json 200"]],
  ["write sources/NAME/current.json.tmp", ["manifest.json 200"]],
  ["sync sources/NAME/current.json.tmp", ["manifest.json 200"]],
  ["rename sources/NAME/current.json", ["manifest.json 200"]],
  ["sync sources/NAME", ["manifest.json 304"]],
];

/** The only step before which the old version answers, and after which the new one does. */
const POINTER = STEPS.findIndex(([step]) => step === "rename sources/NAME/current.json") + 1;

const plain = (step: string) =>
  step.replace(/[0-9a-f]{64}/, "SHA").replace(/sources\/[^/]+/, "sources/NAME");

Deno.test("kill -9 in each step of an install: old until the pointer is renamed, then new; what was there is used", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date();
    await world.publishListings(NEW, MORE_LISTINGS);
    const { url } = world.endpoint;
    const warm = join(world.dir, "warm");
    await copyFolder(world.cacheDir, warm);
    for (let step = 1; step <= STEPS.length; step++) {
      const at = `killed in step ${step}`;
      await Deno.remove(world.cacheDir, { recursive: true });
      await copyFolder(warm, world.cacheDir);
      const died = await dyingRefresh(url, world.cacheDir, step);
      assertEquals(died.steps.map(plain), STEPS.slice(0, step).map(([name]) => name), at);
      assertEquals(died.code, 137, at);
      assertEquals(await world.offlineVersion(), step > POINTER ? NEW : OLD, at);
      world.endpoint.take();
      const { version } = await (await world.open()).refresh();
      const asked = world.endpoint.take().map((line) => line.split(" ").slice(0, 2).join(" "));
      assertEquals([version, asked], [NEW, STEPS[step - 1]![1]], at);
      assertEquals(await world.offlineVersion(), NEW, at);
    }
    assertEquals((await dyingRefresh(url, warm, STEPS.length + 1)).code, 0);
    assertEquals(world.notices, []);
  });
});
