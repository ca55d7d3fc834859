import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { BfaError, type ErrorCode } from "../../lib/core/errors.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { type Moved, promote, publish, renew, rollback } from "../../lib/jobs/publish.ts";
import { goodKeys, newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { memoryMirror } from "../helpers/memory_mirror.ts";
import {
  buildListings,
  SMALL_LISTINGS,
  type TestPublisher,
  withPublisher,
} from "../helpers/publisher.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-03-31.2";
const V3 = "2024-03-31.3";

/** Publishes the versions one after another, each with other listings. */
async function publishAll(world: TestPublisher, ...versions: string[]): Promise<void> {
  for (const version of versions) {
    await world.publishListings(version, SMALL_LISTINGS.slice(Number(version.slice(11)) - 1));
  }
}

/** What a move made, in short. */
const facts = ({ stored, changed }: Moved) => {
  const { version, sequence, previous, channel } = stored.manifest.signed;
  return { version, sequence, previous, channel, changed };
};

async function assertCode(work: () => Promise<unknown>, code: ErrorCode): Promise<BfaError> {
  const error = await assertRejects(work, BfaError);
  assertEquals(error.code, code);
  return error;
}

Deno.test("publish() signs what it published, when, and until when it is good", async () => {
  await withPublisher(async (world) => {
    const { stored } = await world.publishListings(V1, SMALL_LISTINGS);
    const { signed } = parseManifest(stored.text);
    const { artifacts, ...rest } = signed;
    assertEquals(rest, {
      manifestFormat: 1,
      dataset: "binance-um-daily-availability",
      channel: "latest",
      version: V1,
      sequence: 1,
      dataThrough: signed.dataThrough,
      publishedAt: "2024-04-01T12:05:00Z",
      freshness: {
        refreshAfter: "2024-04-02T12:00:00Z",
        staleAfter: "2024-04-02T18:00:00Z",
        expiresAt: "2024-04-15T12:05:00Z",
      },
      schemaVersion: 1,
      rows: 0,
      symbols: 3,
      previous: null,
      mirrors: [],
    });
    assertEquals(signed.dataThrough as string, "2024-03-31");
    assertEquals(artifacts.map(({ name, role }) => [name, role]), [["listings.json", "listings"]]);
    assertEquals(await goodKeys(stored.manifest), [world.publisher.signers[0]!.keyId]);
  });
});

Deno.test("publish() puts artifacts and manifest files on every mirror, then moves the channel", async () => {
  await withPublisher(async (world) => {
    const mirrors = [memoryMirror("one"), memoryMirror("two")];
    const dir = `${world.dir}/build`;
    const built = await buildListings(dir, V1, SMALL_LISTINGS);
    const { stored } = await publish({ ...world.publisher, mirrors }, built, dir);
    const { sha256, bytes } = built.artifacts[0]!;
    for (const { files } of mirrors) {
      const names = [
        `${sha256}/listings.json`,
        "manifest.json",
        "manifests/1.json",
        "versions.json",
      ];
      assertEquals([...files.keys()].sort(), names);
      assertEquals(files.get(names[0]!)?.length, bytes);
      const text = (name: string) => new TextDecoder().decode(files.get(name));
      assertEquals([text("manifest.json"), text("manifests/1.json")], [stored.text, stored.text]);
      assertEquals(JSON.parse(text("versions.json")).channels, {
        latest: { sequence: 1, version: V1 },
      });
    }
    const head = await world.publisher.store.head("latest");
    assertEquals(head.pointer, { sequence: 1, version: V1 });
  });
});

Deno.test("publish, promote, rollback and renew: each takes the next sequence, and is logged", async () => {
  await withPublisher(async (world) => {
    const { publisher } = world;
    const moves = [
      await world.publishListings(V1, SMALL_LISTINGS, { reason: "first" }),
      await world.publishListings(V2, SMALL_LISTINGS.slice(1), { channel: "candidate" }),
      await promote(publisher, V2, { reason: "looked good" }),
      await rollback(publisher, undefined, { reason: "wrong volumes" }),
      await renew(publisher),
      await rollback(publisher, V2),
      await rollback(publisher, V1),
      await promote(publisher, V1, { channel: "candidate" }),
    ].map(facts);
    const changed = true;
    assertEquals(moves, [
      { version: V1, sequence: 1, previous: null, channel: "latest", changed },
      { version: V2, sequence: 2, previous: null, channel: "candidate", changed },
      { version: V2, sequence: 3, previous: V1, channel: "latest", changed },
      { version: V1, sequence: 4, previous: V2, channel: "latest", changed },
      { version: V1, sequence: 5, previous: V2, channel: "latest", changed },
      { version: V2, sequence: 6, previous: V1, channel: "latest", changed },
      { version: V1, sequence: 7, previous: V2, channel: "latest", changed },
      { version: V1, sequence: 8, previous: V2, channel: "candidate", changed },
    ]);
    const log = (await publisher.store.log(99)).reverse();
    assertEquals(
      log.map((
        entry,
      ) => [entry.sequence, entry.action, entry.channel, entry.version, entry.reason]),
      [
        [1, "publish", "latest", V1, "first"],
        [2, "publish", "candidate", V2, null],
        [3, "promote", "latest", V2, "looked good"],
        [4, "rollback", "latest", V1, "wrong volumes"],
        [5, "renew", "latest", V1, null],
        [6, "rollback", "latest", V2, null],
        [7, "rollback", "latest", V1, null],
        [8, "promote", "candidate", V1, null],
      ],
    );
    assert(log.every(({ by, at }) => by === "test" && at === "2024-04-01T12:05:00Z"));
    assertEquals(await publisher.store.channels(), {
      candidate: { sequence: 8, version: V1 },
      latest: { sequence: 7, version: V1 },
    });
  });
});

Deno.test("rollback() signs a new manifest for the artifacts that exist; the old ones stay", async () => {
  await withPublisher(async (world) => {
    await publishAll(world, V1, V2);
    const { store } = world.publisher;
    const before = await store.bySequence(1);
    world.clock = new Date("2024-04-03T09:00:00Z");
    const { stored } = await rollback(world.publisher, undefined);
    const { signed } = stored.manifest;
    assertEquals(signed.artifacts, before!.manifest.signed.artifacts);
    assertEquals([signed.sequence, signed.publishedAt], [3, "2024-04-03T09:00:00Z"]);
    assertEquals(signed.freshness.refreshAfter, "2024-04-04T12:00:00Z");
    assertNotEquals(stored.manifest.signatures, before!.manifest.signatures);
    assertEquals(await goodKeys(stored.manifest), [world.publisher.signers[0]!.keyId]);
    assertEquals((await store.bySequence(1))?.text, before!.text);
    const latest = await Deno.readTextFile(`${world.mirrorDir}/manifest.json`);
    assertEquals(latest, stored.text);
  });
});

Deno.test("renew() says again that a version is the newest, with a new window", async () => {
  await withPublisher(async (world) => {
    await publishAll(world, V1, V2);
    world.clock = new Date("2024-04-20T00:00:00Z");
    const { stored } = await renew(world.publisher);
    assertEquals(stored.manifest.signed.freshness, {
      refreshAfter: "2024-04-20T12:00:00Z",
      staleAfter: "2024-04-20T18:00:00Z",
      expiresAt: "2024-05-04T00:00:00Z",
    });
    assertEquals([stored.manifest.signed.version, stored.manifest.signed.previous], [V2, V1]);
  });
});

Deno.test("publishing the same build again changes nothing", async () => {
  await withPublisher(async (world) => {
    const first = await world.publishListings(V1, SMALL_LISTINGS);
    world.clock = new Date("2024-04-03T00:00:00Z");
    const again = await world.publishListings(V1, SMALL_LISTINGS);
    assertEquals(again, { stored: first.stored, changed: false });
    assertEquals(await world.publisher.store.lastSequence(), 1);
    assertEquals((await world.publisher.store.log(9)).length, 1);
  });
});

Deno.test("promote() and rollback() to where the channel is change nothing", async () => {
  await withPublisher(async (world) => {
    await publishAll(world, V1, V2);
    assertEquals((await promote(world.publisher, V2)).changed, false);
    assertEquals((await rollback(world.publisher, V2)).changed, false);
    assertEquals(await world.publisher.store.lastSequence(), 2);
  });
});

Deno.test("the same version with other artifacts is a conflict, in every channel", async () => {
  await withPublisher(async (world) => {
    await publishAll(world, V1, V2);
    const files = async () =>
      (await Array.fromAsync(Deno.readDir(world.mirrorDir), (entry) => entry.name)).sort();
    const before = await files();
    for (const [version, channel] of [[V2, "latest"], [V1, "latest"], [V1, "candidate"]]) {
      const listings = SMALL_LISTINGS.slice(2);
      const error = await assertCode(
        () => world.publishListings(version!, listings, { channel }),
        "conflict",
      );
      assert(error.message.includes("build it under the next number"));
    }
    assertEquals(await world.publisher.store.lastSequence(), 2);
    assertEquals(await files(), before);
  });
});

Deno.test("there must be something to move to", async () => {
  await withPublisher(async (world) => {
    const { publisher } = world;
    await assertCode(() => rollback(publisher, undefined), "not_found");
    await assertCode(() => rollback(publisher, V1), "not_found");
    await assertCode(() => renew(publisher), "not_found");
    await assertCode(() => promote(publisher, V1), "not_found");
    await publishAll(world, V1);
    await assertCode(() => rollback(publisher, undefined), "not_found");
    await assertCode(() => rollback(publisher, V3), "not_found");
    await assertCode(() => rollback(publisher, V1, { channel: "candidate" }), "not_found");
    await assertCode(() => promote(publisher, V3), "not_found");
    await assertCode(() => renew(publisher, { channel: "candidate" }), "not_found");
    for (const version of ["latest", "2024-03-31", "2024-03-31.00", "../x", ""]) {
      await assertCode(() => promote(publisher, version), "usage");
    }
    for (const channel of ["", "Latest", "a b", "../x", "x".repeat(33)]) {
      await assertCode(() => promote(publisher, V1, { channel }), "usage");
      await assertCode(() => world.publishListings(V2, [], { channel }), "usage");
    }
    assertEquals(await publisher.store.lastSequence(), 1);
  });
});

Deno.test("a second rollback must say where to: the version before is the one that was left", async () => {
  await withPublisher(async (world) => {
    const { publisher } = world;
    await publishAll(world, V1, V2);
    assertEquals((await rollback(publisher, undefined)).stored.manifest.signed.version, V1);
    await assertCode(() => rollback(publisher, undefined), "usage");
    await renew(publisher); // it is the newest still: not a move
    await assertCode(() => rollback(publisher, undefined), "usage");
    assertEquals((await rollback(publisher, V2)).stored.manifest.signed.version, V2);
  });
});

Deno.test("without a signing key nothing moves", async () => {
  await withPublisher(async (world) => {
    await publishAll(world, V1, V2);
    const publisher = { ...world.publisher, signers: [] };
    const built = await buildListings(`${world.dir}/b`, V3, []);
    await assertCode(() => publish(publisher, built, `${world.dir}/b`), "usage");
    await assertCode(() => promote(publisher, V1), "usage");
    await assertCode(() => rollback(publisher, undefined), "usage");
    await assertCode(() => renew(publisher), "usage");
    assertEquals(await publisher.store.lastSequence(), 2);
  });
});

Deno.test("nextKeys are announced by every move, also to the version that is there", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const nextKeys = [(await signer(await newSecretKey())).keyId];
    const moves = {
      publish: () => world.publishListings(V1, SMALL_LISTINGS, { nextKeys }),
      promote: () => promote(world.publisher, V1, { nextKeys }),
      rollback: () => rollback(world.publisher, V1, { nextKeys }),
      renew: () => renew(world.publisher, { nextKeys }),
    };
    let sequence = 1;
    for (const [name, move] of Object.entries(moves)) {
      const { stored, changed } = await move();
      const { signed } = stored.manifest;
      assertEquals([name, changed, signed.nextKeys, signed.sequence], [
        ...[name, true, nextKeys, ++sequence],
      ]);
    }
    assertEquals((await world.publishListings(V1, SMALL_LISTINGS)).changed, false);
  });
});

Deno.test("two keys sign, and nextKeys announce the next ones", async () => {
  await withPublisher(async (world) => {
    const second = await signer(await newSecretKey());
    const signers = [...world.publisher.signers, second];
    await publishAll(world, V1);
    const nextKeys = [second.keyId];
    const { stored, changed } = await promote({ ...world.publisher, signers }, V1, { nextKeys });
    assertEquals(changed, true);
    assertEquals(stored.manifest.signed.nextKeys, nextKeys);
    assertEquals(await goodKeys(stored.manifest), signers.map(({ keyId }) => keyId));
    assertEquals((await renew(world.publisher)).stored.manifest.signed.nextKeys, undefined);
  });
});
