import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { open } from "../../lib/mod.ts";
import { promote, rollback } from "../../lib/jobs/publish.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { codeOf } from "../helpers/fault_world.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";

Deno.test("asOf() answers with the version that `latest` named at the end of that day", async () => {
  await withPublisher(async (world) => {
    const at = (day: string) => world.clock = new Date(`${day}T12:05:00Z`);
    const publish = (version: string, channel = "latest") =>
      world.publishListings(version, SMALL_LISTINGS.slice(0, Number(version.slice(-1))), {
        channel,
      });
    at("2024-04-01");
    await publish("2024-03-31.1");
    at("2024-04-02");
    await publish("2024-04-01.2");
    await publish("2024-04-01.3", "candidate");
    at("2024-04-03");
    await rollback(world.publisher, undefined);
    at("2024-04-05");
    await promote(world.publisher, "2024-04-01.3");
    const endpoint = serveMirror(world.mirrorDir);
    const dataset = await open({
      endpoint: endpoint.url,
      cacheDir: join(world.dir, "cache"),
      now: () => world.clock,
    });
    const asOf = async (day: string) => (await (await dataset.asOf(day)).symbols()).version;
    assertEquals(
      await Promise.all(
        ["2024-04-01", "2024-04-02", "2024-04-03", "2024-04-04", "2024-04-05", "2030-01-01"].map(
          asOf,
        ),
      ),
      [
        "2024-03-31.1",
        "2024-04-01.2",
        "2024-03-31.1",
        "2024-03-31.1",
        "2024-04-01.3",
        "2024-04-01.3",
      ],
    );
    assertEquals(await codeOf(asOf("2024-03-31")), "not_found");
    assertEquals(await codeOf(asOf("2024-02-30")), "usage");
    assertEquals((await dataset.symbols()).version, "2024-04-01.3");
    await endpoint.close();
  });
});
