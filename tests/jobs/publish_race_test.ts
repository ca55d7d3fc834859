import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { promote, type Publisher } from "../../lib/jobs/publish.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { beforePut, publishWith } from "../helpers/publishing.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-03-31.2";

Deno.test("two publishers from one head: one wins, the other gets conflict, and a second try works", async () => {
  await withPublisher(async (world) => {
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    const meet = async () => {
      if (++waiting === 2) both.resolve();
      await both.promise;
    };
    const [mirror] = world.publisher.mirrors as [Mirror];
    const publishers = ["a", "b"].map((by) => ({
      ...world.publisher,
      by,
      mirrors: [beforePut(mirror, /listings\.json$/, meet)],
    }));
    const results = await Promise.allSettled([
      publishWith(world, publishers[0]!, V1, SMALL_LISTINGS.slice(0, 1)),
      publishWith(world, publishers[1]!, V2, SMALL_LISTINGS.slice(0, 2)),
    ]);
    assertEquals(results.map((r) => r.status).sort(), ["fulfilled", "rejected"]);
    const lost = results.find((r) => r.status === "rejected")!;
    assertEquals((lost.reason as BfaError).code, "conflict");
    const log = await world.publisher.store.log(9);
    assertEquals(log.map((entry) => entry.sequence), [1]);
    const loser = log[0]!.by === "a" ? 1 : 0;
    const { stored } = await publishWith(
      world,
      publishers[loser]!,
      loser ? V2 : V1,
      SMALL_LISTINGS.slice(0, loser + 1),
    );
    assertEquals(stored.manifest.signed.sequence, 2);
  });
});

Deno.test("a promote that another publisher overtakes in another channel starts over by itself", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const { store } = world.publisher;
    let overtaken = false;
    const racing: Publisher = {
      ...world.publisher,
      store: {
        ...store,
        async commit(commit) {
          if (!overtaken) {
            overtaken = true;
            await world.publishListings(V2, SMALL_LISTINGS.slice(1), { channel: "nightly" });
          }
          return await store.commit(commit);
        },
      },
    };
    const { stored } = await promote(racing, V1, { channel: "candidate" });
    assertEquals(stored.manifest.signed.sequence, 3);
    assertEquals((await store.log(9)).map((entry) => entry.channel), [
      "candidate",
      "nightly",
      "latest",
    ]);
  });
});

Deno.test("one version never gets two sets of artifacts, however two publishers overlap", async () => {
  await withPublisher(async (world) => {
    const { store, mirrors } = world.publisher;
    const other = () =>
      world.publishListings(V1, SMALL_LISTINGS.slice(2), { channel: "candidate" });
    const slow = { ...world.publisher, mirrors: [beforePut(mirrors[0]!, /listings/, other)] };
    const error = await assertRejects(() => publishWith(world, slow, V1), BfaError);
    assertEquals(error.code, "conflict");
    assertEquals(await store.lastSequence(), 1);
  });
});

Deno.test("manifest.json never goes back when a slower publisher writes it last", async () => {
  await withPublisher(async (world) => {
    const { store, mirrors } = world.publisher;
    const other = () => world.publishListings(V2, SMALL_LISTINGS.slice(1));
    // Between its commit and its files, the slower one is overtaken by a whole publish.
    const slow = { ...world.publisher, mirrors: [beforePut(mirrors[0]!, /manifests/, other)] };
    await publishWith(world, slow, V1);
    assertEquals((await store.head("latest")).pointer, { sequence: 2, version: V2 });
    const read = async (name: string) =>
      JSON.parse(await Deno.readTextFile(`${world.mirrorDir}/${name}`));
    assertEquals((await read("versions.json")).channels.latest.sequence, 2);
    assertEquals((await read("manifest.json")).signed.sequence, 2);
  });
});
