import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { BfaError, IntegrityError, NotFoundError } from "../../lib/core/errors.ts";
import { latestOn } from "../../lib/jobs/mirror_documents.ts";
import { promote, publish, renew, rollback } from "../../lib/jobs/publish.ts";
import { syncMirror } from "../../lib/jobs/sync_mirror.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { memoryMirror } from "../helpers/memory_mirror.ts";
import { buildListings, SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { publishWith } from "../helpers/publishing.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-03-31.2";

Deno.test("a publisher that dies before the commit changes nothing; the next one goes on", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const store = {
      ...world.publisher.store,
      commit: () => Promise.reject(new Error("killed")),
    };
    const read = (file: string) => Deno.readTextFile(`${world.mirrorDir}/${file}`);
    const before = [await read("manifest.json"), await read("versions.json")];
    await assertRejects(
      () => publishWith(world, { ...world.publisher, store }, V2, SMALL_LISTINGS.slice(1)),
      Error,
      "killed",
    );
    assertEquals(await world.publisher.store.lastSequence(), 1);
    assertEquals([await read("manifest.json"), await read("versions.json")], before);
    const { stored } = await world.publishListings(V2, SMALL_LISTINGS.slice(1));
    assertEquals(stored.manifest.signed.sequence, 2);
  });
});

Deno.test("a mirror that stores wrong bytes, fewer, or none: IntegrityError and no commit", async () => {
  const good = memoryMirror("good");
  const faults: [
    name: string,
    spoil: (bytes: Uint8Array) => Uint8Array<ArrayBuffer> | undefined,
  ][] = [
    ["flips a bit", (bytes) => new Uint8Array(bytes).with(3, bytes[3]! ^ 1)],
    ["truncates", (bytes) => new Uint8Array(bytes.slice(0, -1))],
    ["stores nothing", () => undefined],
  ];
  for (const [name, spoil] of faults) {
    await withPublisher(async (world) => {
      const mirror = memoryMirror(name);
      const bad: Mirror = {
        ...mirror,
        async put(path, body) {
          const spoilt = spoil(await new Response(body).bytes());
          if (spoilt) mirror.files.set(path, spoilt);
        },
      };
      const error = await assertRejects(
        () => publishWith(world, { ...world.publisher, mirrors: [good, bad] }, V1),
        IntegrityError,
      );
      const built = await buildListings(`${world.dir}/same`, V1, SMALL_LISTINGS);
      assertEquals(error.expected, built.artifacts[0]!.sha256);
      assert(error.artifact.startsWith(`${name}/${error.expected}/`));
      assertEquals(await world.publisher.store.lastSequence(), 0);
      assertEquals(await world.publisher.store.channels(), {});
    });
  }
});

Deno.test("an artifact that is on the mirror is not sent again; a damaged one is replaced", async () => {
  await withPublisher(async (world) => {
    const mirror = memoryMirror();
    const publisher = { ...world.publisher, mirrors: [mirror] };
    const built = await buildListings(`${world.dir}/same`, V1, SMALL_LISTINGS);
    const path = `${built.artifacts[0]!.sha256}/listings.json`;
    let puts = 0;
    const counting: Mirror = {
      ...mirror,
      put: (at, body) => (puts += at === path ? 1 : 0, mirror.put(at, body)),
    };
    await publishWith(world, publisher, V1);
    const good = mirror.files.get(path)!;
    await publishWith(world, { ...publisher, mirrors: [counting] }, V2);
    assertEquals(puts, 0);
    mirror.files.set(path, good.with(0, 0));
    await publishWith(world, { ...publisher, mirrors: [counting] }, "2024-03-31.3");
    assertEquals([puts, mirror.files.get(path)], [1, good]);
  });
});

Deno.test("publishing the same build again repairs the mirror's manifest files", async () => {
  await withPublisher(async (world) => {
    const { stored } = await world.publishListings(V1, SMALL_LISTINGS);
    const names = ["manifest.json", "manifests/1.json", "versions.json"];
    const read = () => Promise.all(names.map((n) => Deno.readTextFile(`${world.mirrorDir}/${n}`)));
    const before = await read();
    for (const name of names) await Deno.remove(`${world.mirrorDir}/${name}`);
    const again = await world.publishListings(V1, SMALL_LISTINGS);
    assertEquals(again, { stored, changed: false });
    assertEquals(await read(), before);
  });
});

Deno.test("publishing the same build again repairs artifacts that the mirror lost or damaged", async () => {
  await withPublisher(async (world) => {
    const { stored } = await world.publishListings(V1, SMALL_LISTINGS);
    const path = `${world.mirrorDir}/${stored.manifest.signed.artifacts[0]!.sha256}/listings.json`;
    const good = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, "{}");
    await world.publishListings(V1, SMALL_LISTINGS);
    assertEquals(await Deno.readTextFile(path), good);
    await Deno.remove(path);
    await world.publishListings(V1, SMALL_LISTINGS);
    assertEquals(await Deno.readTextFile(path), good);
  });
});

Deno.test("a publisher that died after the commit leaves a hole on the mirror; the next one fills it", async () => {
  await withPublisher(async (world) => {
    const dying: Mirror = {
      ...world.publisher.mirrors[0]!,
      put: (path, body) =>
        path.startsWith("manifests/")
          ? body.cancel().then(() => Promise.reject(new Error("killed")))
          : world.publisher.mirrors[0]!.put(path, body),
    };
    await assertRejects(
      () => publishWith(world, { ...world.publisher, mirrors: [dying] }, V1),
      Error,
      "killed",
    );
    assertEquals(await world.publisher.store.lastSequence(), 1);
    await world.publishListings(V2, SMALL_LISTINGS.slice(1));
    const first = await world.publisher.store.bySequence(1);
    assertEquals(await Deno.readTextFile(`${world.mirrorDir}/manifests/1.json`), first?.text);
  });
});

Deno.test("two publishers that died one after the other leave two holes; the third fills both", async () => {
  await withPublisher(async (world) => {
    const [mirror] = world.publisher.mirrors as [Mirror];
    const dyingAt = (sequence: number): Mirror => ({
      ...mirror,
      put: (path, body) =>
        path === `manifests/${sequence}.json`
          ? body.cancel().then(() => Promise.reject(new Error("killed")))
          : mirror.put(path, body),
    });
    for (const [i, version] of [V1, V2].entries()) {
      const publisher = { ...world.publisher, mirrors: [dyingAt(1)] };
      const listings = SMALL_LISTINGS.slice(i);
      const dying = publishWith(world, publisher, version, listings);
      await assertRejects(() => dying, Error, "killed");
    }
    await world.publishListings("2024-03-31.3", SMALL_LISTINGS.slice(2));
    for (const sequence of [1, 2, 3]) {
      const stored = await world.publisher.store.bySequence(sequence);
      const file = `${world.mirrorDir}/manifests/${sequence}.json`;
      assertEquals(await Deno.readTextFile(file), stored?.text);
    }
  });
});

Deno.test("a manifest that is too large is refused before anything is committed", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const { store } = world.publisher;
    for (const count of [33, 40]) { // one just above what KV holds, and one above what is read
      const mirrorUrls = Array.from({ length: count }, () => `https://a.test/${"x".repeat(1_960)}`);
      const error = await assertRejects(
        () => publishWith(world, { ...world.publisher, mirrorUrls }, V2, []),
        BfaError,
      );
      assertEquals([error.code, await store.lastSequence()], ["limit", 1], String(count));
    }
  });
});

Deno.test("a move describes nothing on a mirror that lacks the files; nothing is committed or written", async () => {
  await withPublisher(async (world) => {
    const { publisher, dir, mirrorDir } = world;
    await world.publishListings("2024-03-30.1", SMALL_LISTINGS.slice(0, 3));
    await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const other = join(dir, "other");
    const there = { ...publisher, mirrors: [...publisher.mirrors, directoryMirror(other)] };
    const moves = {
      "2024-03-31.1": [() => promote(there, "2024-03-31.1"), () => renew(there)],
      "2024-03-30.1": [() => promote(there, "2024-03-30.1"), () => rollback(there, undefined)],
    };
    for (const [version, attempts] of Object.entries(moves)) {
      for (const attempt of attempts) {
        await assertRejects(
          attempt,
          NotFoundError,
          `no whole listings.json of ${version} on ${other}: name the mirrors that have it`,
        );
      }
    }
    assertEquals(await publisher.store.lastSequence(), 2);
    assertEquals(await exists(other), false);

    const sources = [directoryMirror(mirrorDir)];
    await syncMirror(sources, directoryMirror(other), { versions: "all" });
    const { stored } = await rollback(there, undefined);
    assertEquals(stored.manifest.signed.sequence, 3);
    assertEquals((await latestOn(directoryMirror(other)))?.text, stored.text);
  });
});

Deno.test("a candidate on a new mirror does not show `latest` there, whose files it lacks", async () => {
  await withPublisher(async (world) => {
    const { publisher, dir } = world;
    await world.publishListings("2024-03-30.1", SMALL_LISTINGS.slice(0, 3));
    const other = directoryMirror(join(dir, "other"));
    const there = { ...publisher, mirrors: [...publisher.mirrors, other] };
    const build = await buildListings(join(dir, "build"), "2024-03-31.1", SMALL_LISTINGS);
    await publish(there, build, join(dir, "build"), { channel: "candidate" });
    assertEquals(await latestOn(other), undefined);
    assertEquals((await latestOn(publisher.mirrors[0]!))?.manifest.signed.sequence, 1);
    await promote(there, "2024-03-31.1");
    assertEquals((await latestOn(other))?.manifest.signed.sequence, 3);
  });
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
