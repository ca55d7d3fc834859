import { assertEquals } from "@std/assert";
import { open } from "../../lib/mod.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";

Deno.test("dataset.bytes() gives an artifact where there are no files, and asks for it once", async () => {
  await withPublisher(async (world) => {
    await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const server = serveMirror(world.mirrorDir);
    const bfa = await open({ endpoint: server.url, cacheDir: null, now: () => world.clock });
    const bytes = await bfa.bytes("listings.json");
    assertEquals(await bfa.bytes("listings.json"), bytes);
    assertEquals(bytes, await Deno.readFile(`${world.dir}/builds/2024-03-31.1/listings.json`));
    assertEquals(server.take().map((line) => line.split(" ")[0]), [
      "manifest.json",
      "listings.json",
    ]);
    await server.close();
  });
});
