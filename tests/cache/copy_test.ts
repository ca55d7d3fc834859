import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { open } from "../../lib/mod.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";

Deno.test("a cold client answers its first question after two requests, a fresh one after none", async () => {
  await withPublisher(async (world) => {
    await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const endpoint = serveMirror(world.mirrorDir);
    const options = {
      endpoint: endpoint.url,
      cacheDir: join(world.dir, "cache"),
      now: () => world.clock,
    };
    const first = await (await open(options)).snapshot("2024-03-31");
    assertEquals(first.symbols, ["AAAUSDT", "BBBUSDT"]);
    assertEquals(endpoint.take().length, 2);
    const again = await (await open(options)).snapshot("latest");
    assertEquals(again, first);
    assertEquals(endpoint.take(), []);
    await endpoint.close();
  });
});
