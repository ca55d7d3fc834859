import { assertEquals, assertStringIncludes } from "@std/assert";
import type { BfaError } from "../../lib/core/errors.ts";
import { catchUp } from "../../lib/jobs/catch_up.ts";
import { promote, type Publisher, renew, rollback } from "../../lib/jobs/publish.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { codeOf } from "../helpers/fault_world.ts";
import { memoryMirror } from "../helpers/memory_mirror.ts";
import { SMALL_LISTINGS, type TestPublisher, withPublisher } from "../helpers/publisher.ts";
import { publishWith } from "../helpers/publishing.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-03-31.2";
const V3 = "2024-03-31.3";
const V4 = "2024-03-31.4";

/** The publisher as it is after its KV was lost. */
async function withoutKv(
  { publisher }: Pick<TestPublisher, "publisher">,
  test: (publisher: Publisher) => Promise<void>,
): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await test({ ...publisher, store: kvManifestStore(kv) });
  } finally {
    kv.close();
  }
}

async function actions({ store }: Publisher): Promise<string[]> {
  return (await store.log(99)).reverse().map(({ action, version }) => `${action} ${version}`);
}

Deno.test("a lost KV: what is taken in from mirrors says which moves went back, so that the next rollback does not go forward", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    await world.publishListings(V2, SMALL_LISTINGS.slice(1));
    await world.publishListings(V3, SMALL_LISTINGS.slice(2), { channel: "candidate" });
    await promote(world.publisher, V3);
    await rollback(world.publisher, undefined);
    await renew(world.publisher);
    const before = await actions(world.publisher);
    assertEquals(before.slice(-3), [`promote ${V3}`, `rollback ${V2}`, `renew ${V2}`]);
    await withoutKv(world, async (publisher) => {
      assertEquals(await codeOf(rollback(publisher, undefined)), "usage");
      assertEquals(await actions(publisher), before);
    });
  });
});

Deno.test("a lost KV: mirrors that each lack a manifest give all of them together, and no sequence twice", async () => {
  await withPublisher(async (world) => {
    const [first, second] = [memoryMirror("first"), memoryMirror("second")];
    const both = { ...world.publisher, mirrors: [first, second] };
    await publishWith(world, both, V1);
    await publishWith(world, both, V2, SMALL_LISTINGS.slice(1));
    await publishWith(world, both, V3, SMALL_LISTINGS.slice(2));
    first.files.delete("manifests/2.json");
    second.files.delete("manifests/1.json");
    second.files.delete("manifests/3.json");
    await withoutKv({ publisher: { ...world.publisher, mirrors: both.mirrors } }, async (after) => {
      assertEquals(await catchUp(after), [1, 2, 3]);
      const { stored } = await publishWith(world, after, V4, SMALL_LISTINGS.slice(3));
      assertEquals(stored.manifest.signed.sequence, 4);
    });
  });
});

Deno.test("a lost KV: a publish takes in what the mirror shows before it gives a number", async () => {
  await withPublisher(async (world) => {
    const mirror = memoryMirror("mirror");
    const publisher = { ...world.publisher, mirrors: [mirror] };
    await publishWith(world, publisher, V1);
    await publishWith(world, publisher, V2, SMALL_LISTINGS.slice(1));
    await withoutKv({ publisher }, async (after) => {
      const { stored } = await publishWith(world, after, V3, SMALL_LISTINGS.slice(2));
      assertEquals([stored.manifest.signed.sequence, stored.manifest.signed.previous], [3, V2]);
      assertEquals(await actions(after), [`publish ${V1}`, `publish ${V2}`, `publish ${V3}`]);
    });
  });
});

Deno.test("a lost KV, and a manifest that no mirror has any more: conflict, and no number is given", async () => {
  await withPublisher(async (world) => {
    const mirror = memoryMirror("mirror");
    const publisher = { ...world.publisher, mirrors: [mirror] };
    for (const [i, version] of [V1, V2, V3].entries()) {
      await publishWith(world, publisher, version, SMALL_LISTINGS.slice(i));
    }
    mirror.files.delete("manifests/2.json");
    const before = new Map(mirror.files);
    await withoutKv({ publisher }, async (after) => {
      const error = await publishWith(world, after, V4, SMALL_LISTINGS.slice(3))
        .catch((error) => error);
      assertEquals(
        [error.code, error.message],
        [
          "conflict",
          "Cannot go on: mirror is at manifest 3, this KV at 1; use the publisher's own KV",
        ],
      );
      assertEquals(await after.store.lastSequence(), 1);
      assertEquals(mirror.files, before);
    });
  });
});

Deno.test("a lost KV, after the key was changed: the manifests of the retired key lead to this one", async () => {
  await withPublisher(async (world) => {
    const [old] = world.publisher.signers;
    const now = await signer(await newSecretKey());
    await world.publishListings(V1, SMALL_LISTINGS);
    await renew(world.publisher, { nextKeys: [now.keyId] });
    const changed = { ...world.publisher, signers: [now] };
    // Announced, and nothing is signed by the new key yet.
    await withoutKv({ publisher: changed }, async (after) => {
      assertEquals(await catchUp(after), [1, 2]);
    });
    await publishWith(world, changed, V2, SMALL_LISTINGS.slice(1));
    await withoutKv({ publisher: changed }, async (after) => {
      assertEquals(await catchUp(after), [1, 2, 3]);
    });
    // The key that was handed over does not sign what comes later.
    await withoutKv({ publisher: { ...world.publisher, signers: [old!] } }, async (after) => {
      assertEquals(await codeOf(catchUp(after)), "untrusted");
      assertEquals(await after.store.lastSequence(), 0);
    });
  });
});

Deno.test("a manifest on a mirror that a stranger signed is not taken in, whomever it names as next", async () => {
  await withPublisher(async (world) => {
    const mirror = memoryMirror();
    const publisher = { ...world.publisher, mirrors: [mirror] };
    await publishWith(world, publisher, V1);
    const ours = publisher.signers[0]!.keyId;
    await withoutKv({ publisher: { ...publisher } }, async (known) => {
      await catchUp(known);
      const stranger = await signer(await newSecretKey());
      await renew({ ...publisher, signers: [stranger] }, { nextKeys: [ours] });
      const error = await catchUp(known).catch((error) => error);
      assertEquals((error as BfaError).code, "untrusted");
      assertStringIncludes(error.message, "memory shows a manifest 2 that this KV does not know");
      assertEquals(await known.store.lastSequence(), 1);
    });
  });
});
