import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { renew } from "../../lib/jobs/publish.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { open } from "../../lib/mod.ts";
import {
  AT,
  codeOf,
  MORE_LISTINGS,
  NEW,
  OLD,
  withCopy,
  withWarmCopy,
} from "../helpers/fault_world.ts";

const COLD = [
  "versions.json 200",
  "manifests/1.json 200",
  "listings.json 200",
];

/** Requests without the bytes of those whose bytes do not matter. */
const statuses = (requests: string[]) => requests.map((line) => line.replace(/ 200 \d+$/, " 200"));

Deno.test("a pinned version: 3 requests the first time, none the second, never stale or expired", async () => {
  await withCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    assertEquals((await (await world.open({ version: OLD })).symbols()).version, OLD);
    assertEquals(statuses(world.endpoint.take()), COLD);
    assertEquals(world.notices, ["pinned"]);
    for (const at of Object.values(AT)) {
      world.clock = new Date(at);
      const dataset = await world.open({ version: OLD, maxAge: 0 });
      assertEquals((await dataset.symbols()).version, OLD);
      assertEquals((await dataset.status()).freshness, "pinned");
    }
    assertEquals(world.endpoint.take(), []);
    assertEquals(world.notices, ["pinned"]);
  });
});

Deno.test("a pinned version that the copy has already: no request, also offline", async () => {
  await withWarmCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    await (await world.open()).refresh();
    world.endpoint.take();
    for (const version of [OLD, NEW]) {
      const dataset = await world.open({ version, offline: true });
      assertEquals((await dataset.symbols()).version, version);
    }
    assertEquals(world.endpoint.take(), []);
  });
});

Deno.test("a pinned version stays pinned after an explicit refresh", async () => {
  await withWarmCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    const dataset = await world.open({ version: OLD });
    assertEquals((await dataset.symbols()).version, OLD);
    await dataset.refresh().catch(() => {});
    assertEquals((await dataset.symbols()).version, OLD);
  });
});

Deno.test("a pinned version does not move the copy that follows the channel", async () => {
  await withWarmCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    await (await world.open()).refresh();
    const before = await world.record();
    assertEquals((await (await world.open({ version: OLD })).symbols()).version, OLD);
    assertEquals(await world.record(), before);
    assertEquals(await world.offlineVersion(), NEW);
  });
});

Deno.test("a version that never was: not_found after 1 request, with the newest ones named", async () => {
  await withCopy(async (world) => {
    const dataset = await world.open({ version: "2020-01-01.1" });
    const error = await dataset.symbols().then(() => undefined, (thrown) => thrown);
    assertEquals([error.code, error.suggestions], ["not_found", [OLD]]);
    assertEquals(statuses(world.endpoint.take()), COLD.slice(0, 1));
  });
});

Deno.test("a version's manifest replaced by another version's: integrity, nothing kept", async () => {
  await withCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    const manifests = join(world.mirrorDir, "manifests");
    await Deno.copyFile(join(manifests, "2.json"), join(manifests, "1.json"));
    assertEquals(await codeOf((await world.open({ version: OLD })).symbols()), "integrity");
    assertEquals(await world.record(), undefined);
  });
});

Deno.test("a pinned version signed by a stranger: untrusted, the copy intact", async () => {
  await withWarmCopy(async (world) => {
    const stranger = await signer(await newSecretKey());
    await world.publishFiles(NEW, {}, { publisher: { ...world.publisher, signers: [stranger] } });
    const before = await world.record();
    assertEquals(await codeOf((await world.open({ version: NEW })).symbols()), "untrusted");
    assertEquals(await world.record(), before);
    assertEquals(await world.offlineVersion(), OLD);
  });
});

Deno.test("a pinned version from before a key rotation does not bring the retired key back", async () => {
  await withWarmCopy(async (world) => {
    const [retired] = world.publisher.signers;
    const successor = await signer(await newSecretKey());
    const both = [retired!, successor];
    const ids = both.map((key) => key.keyId);
    const during = { ...world.publisher, signers: both };
    await world.publishFiles(NEW, {}, { publisher: during, nextKeys: ids });
    await (await world.open()).refresh();
    const after = { ...world.publisher, signers: [successor] };
    await world.publishFiles("2024-04-02.1", {}, {
      publisher: after,
      nextKeys: [successor.keyId],
    });
    await (await world.open()).refresh();
    assertEquals((await world.record())!.pins, [successor.keyId]);
    await Deno.remove(join(world.cacheDir, "v1", "sources"), { recursive: true });
    await (await world.open()).refresh();
    assertEquals((await (await world.open({ version: NEW })).symbols()).version, NEW);
    assertEquals((await world.record())!.pins, [successor.keyId]);
  });
});

Deno.test("offline with a copy: 0 requests; without one, with or without an endpoint's answer: offline", async () => {
  await withCopy(async (world) => {
    assertEquals(await codeOf((await world.open({ offline: true })).symbols()), "offline");
    await (await world.open()).symbols();
    world.endpoint.take();
    const offline = await world.open({ offline: true });
    assertEquals((await offline.symbols()).version, OLD);
    assertEquals(await codeOf(offline.refresh()), "offline");
    assertEquals(await codeOf(offline.versions()), "offline");
    const other = await world.open({ version: "2020-01-01.1", offline: true });
    assertEquals(await codeOf(other.symbols()), "offline");
    assertEquals(world.endpoint.take(), []);
  });
});

Deno.test("without an endpoint: the seed answers, says so once; the last copy's endpoint afterwards", async () => {
  await withCopy(async (world) => {
    const seed = await world.open({ endpoint: undefined });
    assertEquals((await seed.snapshot("2019-12-31")).count, 3);
    await seed.symbols();
    assertEquals(world.notices, ["seed"]);
    assertEquals((await seed.status()).from, "seed");
    assertEquals(await codeOf(seed.refresh()), "usage");
    assertEquals(world.endpoint.take(), []);
    await (await world.open()).symbols();
    const found = await world.open({ endpoint: undefined });
    assertEquals((await found.symbols()).version, OLD);
    assertEquals((await found.status()).endpoint, world.endpoint.url);
  });
});

Deno.test("without an endpoint, another version than the seed's cannot be had", async () => {
  await withCopy(async ({ cacheDir }) => {
    const { version } = await (await open({ cacheDir })).symbols();
    assertEquals((await (await open({ cacheDir, version: OLD })).status()).from, "seed");
    assertEquals(await codeOf((await open({ cacheDir, version: OLD })).symbols()), "offline");
    assertEquals(version.endsWith(".0"), true);
  });
});

Deno.test("a renewed version is found by its name, although two manifests describe it", async () => {
  await withWarmCopy(async (world) => {
    await renew(world.publisher);
    await (await world.open()).refresh();
    world.endpoint.take();
    const dataset = await world.open({ version: OLD });
    assertEquals((await dataset.manifest()).signed.sequence, 2);
    assertEquals(world.endpoint.take(), []);
  });
});
