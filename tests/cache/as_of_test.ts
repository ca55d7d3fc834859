import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { open } from "../../lib/mod.ts";
import { promote, publish, type Publisher, renew, rollback } from "../../lib/jobs/publish.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { parseDay } from "../../lib/core/day.ts";
import { codeOf, MORE_LISTINGS, NEW, OLD, withWarmCopy } from "../helpers/fault_world.ts";
import { buildListings, SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";

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

Deno.test("asOf() after the key was changed: the days since are answered, those before say whose key is missing", async () => {
  await withPublisher(async (world) => {
    let { publisher } = world as { publisher: Publisher };
    const next = await signer(await newSecretKey());
    const endpoint = serveMirror(world.mirrorDir);
    const cacheDir = join(world.dir, "cache");
    const client = () => open({ endpoint: endpoint.url, cacheDir, now: () => world.clock });
    for (let day = 1; day <= 20; day++) {
      world.clock = new Date(Date.UTC(2024, 3, day, 12, 5));
      const version = `${world.clock.toISOString().slice(0, 8)}${String(day).padStart(2, "0")}.1`;
      const dir = join(world.dir, "builds", version);
      await publish(publisher, await buildListings(dir, version, SMALL_LISTINGS), dir);
      if (day === 14) await renew(publisher, { nextKeys: [next.keyId] });
      if (day === 14) publisher = { ...publisher, signers: [next] };
      if (day === 14) await (await client()).refresh();
    }
    // It pinned the key at the change, and has none of the manifests in between.
    const asOf = async (day: string) =>
      (await (await (await client()).asOf(day)).symbols()).version;
    for (const day of ["15", "16", "19", "20"]) {
      assertEquals(await asOf(`2024-04-${day}`), `2024-04-${day}.1`);
    }
    assertEquals(await codeOf(asOf("2024-04-03")), "untrusted");
    await endpoint.close();
  });
});

Deno.test("asOf() after moves by a clock that was 14 hours ahead, and was set right: the same answer however many versions follow", async () => {
  await withPublisher(async (world) => {
    const endpoint = serveMirror(world.mirrorDir);
    const dataset = await open({
      endpoint: endpoint.url,
      cacheDir: join(world.dir, "cache"),
      now: () => world.clock,
    });
    const publishAt = async (clock: string, version: string) => {
      world.clock = new Date(clock);
      await world.publishListings(version, SMALL_LISTINGS);
    };
    await publishAt("2024-04-01T12:05:00Z", "2024-03-31.1");
    await publishAt("2024-04-03T02:05:00Z", "2024-04-01.1");
    await publishAt("2024-04-02T12:35:00Z", "2024-04-01.2");
    await publishAt("2024-04-02T13:05:00Z", "2024-04-01.3");
    for (const day of [3, 4, 5, 6, 7, 8, 9]) {
      await publishAt(`2024-04-0${day}T12:05:00Z`, `2024-04-0${day - 1}.1`);
      const { version } = await (await dataset.asOf("2024-04-02")).symbols();
      assertEquals(version, "2024-03-31.1", `on April ${day}`);
    }
    await endpoint.close();
  });
});

Deno.test("asOf() refuses an older pointer than the copy has seen, a stranger's, and another channel's", async () => {
  await withWarmCopy(async (world) => {
    const old = await Deno.readTextFile(join(world.mirrorDir, "manifest.json"));
    await world.publishListings(NEW, MORE_LISTINGS);
    await (await world.open()).refresh();
    const asOf = async () => {
      const dataset = await (await world.open()).asOf("2024-04-30");
      return (await dataset.symbols()).version;
    };
    assertEquals(await asOf(), NEW);
    world.endpoint.fault = (_, path) => path === "manifest.json" ? new Response(old) : undefined;
    assertEquals(await codeOf(asOf()), "rollback");
    world.endpoint.fault = undefined;
    await world.forge({ sequence: 9, version: OLD, dataThrough: parseDay("2024-03-31") }, [
      await signer(await newSecretKey()),
    ]);
    assertEquals(await codeOf(asOf()), "untrusted");
    await world.forge({ channel: "testing" });
    assertEquals(await codeOf(asOf()), "integrity");
  });
});
