/** A version in a folder, and a mirror that is followed without KV. */

import { assertEquals, assertRejects } from "@std/assert";
import { bake } from "../../lib/jobs/bake.ts";
import { withBaked } from "../../lib/jobs/baked.ts";
import { follow, type Followed, type Served } from "../../lib/jobs/follow.ts";
import { mirrorManifests } from "../../lib/jobs/mirror_manifests.ts";
import { renew } from "../../lib/jobs/publish.ts";
import { versionList } from "../../lib/jobs/version_list.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { httpMirror } from "../../lib/mirror/http.ts";
import type { MirrorReader } from "../../lib/mirror/mirror.ts";
import { httpClient } from "../../lib/net/client.ts";
import { DEFAULT_RETRY } from "../../lib/net/retry.ts";
import { serveMirror, type TestEndpoint } from "../helpers/endpoint.ts";
import { SMALL_LISTINGS, type TestPublisher, withPublisher } from "../helpers/publisher.ts";

const POLL_MS = 5;

interface World {
  readonly publisher: TestPublisher;
  readonly endpoint: TestEndpoint;
  /** The mirror over HTTP, without a second try. */
  readonly remote: MirrorReader;
  /** A folder with version `2024-03-31.1`, the only one so far. */
  readonly baked: string;
}

async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  await withPublisher(async (publisher) => {
    const endpoint = serveMirror(publisher.mirrorDir);
    const http = httpClient({ retry: { ...DEFAULT_RETRY, tries: 1 } });
    try {
      await publisher.publishListings("2024-03-31.1", SMALL_LISTINGS);
      const baked = `${publisher.dir}/baked`;
      await bake(placeOf(publisher), baked);
      await test({ publisher, endpoint, remote: httpMirror(endpoint.url, http), baked });
    } finally {
      await endpoint.close();
    }
  });
}

function placeOf({ mirrorDir }: TestPublisher) {
  const mirror = directoryMirror(mirrorDir);
  return { reader: mirrorManifests(mirror), mirror };
}

/** Follows the folder and the mirror, as a service does. */
async function followed(
  { baked, remote }: World,
  test: (followed: Followed, problems: string[], noted: Promise<void>) => Promise<void>,
  options: { trustedKeys?: string[] } = {},
): Promise<void> {
  const problems: string[] = [];
  const noted = Promise.withResolvers<void>();
  const onProblem = ({ code }: { code: string }) => {
    problems.push(code);
    noted.resolve();
  };
  const place = await withBaked(baked, { openMirror: () => Promise.resolve(remote) }, {
    ...options,
    pollMs: POLL_MS,
    onProblem,
  });
  const following = await follow({ ...place, channel: "latest", onProblem });
  try {
    await test(following, problems, noted.promise);
  } finally {
    await following.close();
  }
}

function next(followed: Followed): Promise<Served> {
  return new Promise((resolve) => {
    const stop = followed.onChange((served) => {
      stop();
      resolve(served);
    });
  });
}

const versionOf = (served: Served | undefined) => served?.stored.manifest.signed.version;

Deno.test("bake() brings one version, and lists no other", async () => {
  await withWorld(async ({ publisher }) => {
    await publisher.publishListings("2024-03-31.2", SMALL_LISTINGS);
    const dir = `${publisher.dir}/two`;
    assertEquals((await bake(placeOf(publisher), dir)).version, "2024-03-31.2");
    const reader = mirrorManifests(directoryMirror(dir));
    assertEquals((await versionList(reader)).versions.map(({ version }) => version), [
      "2024-03-31.2",
    ]);
    assertEquals(await reader.head("latest"), {
      pointer: { sequence: 2, version: "2024-03-31.2" },
      versionstamp: null,
    });
    await bake(placeOf(publisher), `${publisher.dir}/one`, "2024-03-31.1");
    await assertRejects(() => bake(placeOf(publisher), dir, "2024-04-01.1"), Error, "no version");
  });
});

Deno.test("bake() refuses what the mirror has spoilt, and leaves nothing of it", async () => {
  await withWorld(async ({ publisher }) => {
    for await (const { name } of Deno.readDir(publisher.mirrorDir)) {
      if (name.length !== 64) continue;
      const path = `${publisher.mirrorDir}/${name}/listings.json`;
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).toUpperCase());
    }
    const dir = `${publisher.dir}/spoilt`;
    await assertRejects(() => bake(placeOf(publisher), dir), Error, "SHA-256");
    const left = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
    assertEquals(left.map((name) => name.length), [64]); // the artifact's folder
    assertEquals([...Deno.readDirSync(`${dir}/${left[0]}`)], []);
  });
});

Deno.test("the version in the folder is served at once, and the mirror's next one as soon as it is there", async () => {
  await withWorld(async (world) => {
    await followed(world, async (followed, problems) => {
      assertEquals(versionOf(followed.current()), "2024-03-31.1");
      const changed = next(followed);
      await world.publisher.publishListings("2024-03-31.2", SMALL_LISTINGS);
      assertEquals(versionOf(await changed), "2024-03-31.2");
      assertEquals(problems, []);
    });
  });
});

Deno.test("a mirror that is down at the start: the folder answers, and each problem is told once", async () => {
  await withWorld(async (world) => {
    const { endpoint, publisher } = world;
    await publisher.publishListings("2024-03-31.2", SMALL_LISTINGS);
    const asked = Promise.withResolvers<void>();
    endpoint.fault = () => {
      if (endpoint.seen.length > 3) asked.resolve();
      return new Response("down", { status: 503 });
    };
    await followed(world, async (followed, problems) => {
      assertEquals(versionOf(followed.current()), "2024-03-31.1");
      await asked.promise;
      assertEquals(problems, ["network"]);
      const changed = next(followed);
      endpoint.fault = undefined;
      assertEquals(versionOf(await changed), "2024-03-31.2");
    });
  });
});

Deno.test("only the publisher of the version in the folder is followed, through a change of its key", async () => {
  await withWorld(async (world) => {
    const { publisher } = world;
    await followed(world, async (followed, problems) => {
      const old = publisher.publisher.signers;
      const fresh = [await signer(await newSecretKey())];
      const announced = next(followed);
      await renew(publisher.publisher, { nextKeys: fresh.map(({ keyId }) => keyId) });
      await announced;
      const changed = next(followed);
      await renew({ ...publisher.publisher, signers: fresh });
      assertEquals((await changed).stored.manifest.signed.sequence, 3);
      assertEquals(problems, []);

      // The old one does not count any more.
      const told = Promise.withResolvers<void>();
      const { endpoint } = world;
      await renew({ ...publisher.publisher, signers: old });
      const before = endpoint.seen.length;
      endpoint.fault = () => {
        if (endpoint.seen.length > before + 4) told.resolve();
        return undefined;
      };
      await told.promise;
      assertEquals(problems, ["untrusted"]);
      assertEquals(followed.current()?.stored.manifest.signed.sequence, 3);
    });
  });
});

Deno.test("keys that are given win over those of the folder", async () => {
  await withWorld(async (world) => {
    const { keyId } = await signer(await newSecretKey());
    await world.publisher.publishListings("2024-03-31.2", SMALL_LISTINGS);
    await followed(world, async (followed, problems, noted) => {
      await noted;
      assertEquals(problems, ["untrusted"]);
      assertEquals(versionOf(followed.current()), "2024-03-31.1");
    }, { trustedKeys: [keyId] });
  });
});

Deno.test("a mirror that goes back to an older manifest is not followed", async () => {
  await withWorld(async ({ publisher, remote, endpoint }) => {
    const old = await Deno.readTextFile(`${publisher.mirrorDir}/manifest.json`);
    await publisher.publishListings("2024-03-31.2", SMALL_LISTINGS);
    const reader = mirrorManifests(remote);
    assertEquals((await reader.head("latest")).pointer?.sequence, 2);
    const answer = new Response(old, { headers: { "content-length": String(old.length) } });
    endpoint.fault = (_, path) => path === "manifest.json" ? answer : undefined;
    await assertRejects(() => reader.head("latest"), Error, "has already seen sequence 2");
  });
});

Deno.test("a version whose key is not known is not listed; the others are", async () => {
  await withWorld(async ({ publisher, remote }) => {
    const fresh = [await signer(await newSecretKey())];
    await renew(publisher.publisher, { nextKeys: fresh.map(({ keyId }) => keyId) });
    const pinnedKeys = fresh.map(({ keyId }) => keyId);
    const reader = mirrorManifests(remote, { pinnedKeys });
    assertEquals(await reader.versions(), []);
    assertEquals(await mirrorManifests(remote).versions(), [
      { version: "2024-03-31.1", sequence: 2 },
    ]);
  });
});

Deno.test("a folder without a version is refused", async () => {
  const dir = await Deno.makeTempDir();
  await assertRejects(() => withBaked(dir, {}, {}), Error, "there is none");
  await Deno.remove(dir);
});
