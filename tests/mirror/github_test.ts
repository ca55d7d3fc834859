import { assert, assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { listing } from "../helpers/listing.ts";
import { promote, renew, rollback } from "../../lib/jobs/publish.ts";
import { follow } from "../../lib/jobs/follow.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { TOKEN } from "../helpers/github.ts";
import { type GithubWorld, withGithub } from "../helpers/github_world.ts";
import { SMALL_LISTINGS } from "../helpers/publisher.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-04-01.1";
const MORE = [...SMALL_LISTINGS, listing("DDDUSDT#1", "2024-03-31", null, null)];
const FILES = { "parts/2023.parquet": "x".repeat(10_000), "parts/2024-03.parquet": "march" };

const tags = ({ github }: GithubWorld) =>
  github.releases.map(({ tag, draft, assets }) =>
    `${draft ? "draft " : ""}${tag} ${assets.length}`
  );

Deno.test("a version on GitHub: a client reads it with no service and no token", async () => {
  await withGithub(async (world) => {
    await world.publish(V1, FILES);
    assertEquals(tags(world), [`${V1} 3`, "manifest-1 3"]);
    assertEquals(world.github.latest, "manifest-1");
    world.github.take();
    const bfa = await world.client();
    const { count, version } = await bfa.snapshot("2024-01-06");
    assertEquals([count, version], [3, V1]);
    assertEquals(world.github.take(), [
      "web GET /releases/latest/download/manifest.json 302",
      "web GET /releases/download/manifest-1/manifest.json 302",
      "cdn GET /github-production-release-asset/7?sig=s3cr3t 200",
      `web GET /releases/download/${V1}/…-listings.json 302`,
      "cdn GET /github-production-release-asset/2?sig=s3cr3t 200",
    ]);
    assert(
      world.github.seen.every(({ host, headers }) =>
        headers.has("authorization") === (host === "api" || host === "uploads")
      ),
    );
  });
});

Deno.test("the requests of a publish, one by one", async () => {
  await withGithub(async (world) => {
    await world.publish(V1, FILES);
    assertEquals(world.github.take(), [
      "web GET /releases/download/manifest-1/1.json 404", // is this KV behind what is shown?
      "web GET /releases/latest/download/manifest.json 404",
      "api GET  200", // is it the repository that addresses say?
      `api GET /releases/tags/${V1} 404`,
      "api GET /releases?per_page=100 200", // a left-over draft?
      "api POST /releases 201",
      ...["listings.json", "parts_-2023.parquet", "parts_-2024-03.parquet"].map((name) =>
        `uploads POST /releases/1/assets?name=…-${name} 201`
      ),
      "api GET /releases/tags/manifest-1 404",
      "api GET /releases?per_page=100 200",
      "api POST /releases 201",
      // Here the manifest is committed.
      `api GET /releases/tags/${V1} 404`,
      "api GET /releases/1/assets?per_page=100 200",
      "api PATCH /releases/1 200", // the version is shown
      "api GET /releases/tags/manifest-1 404",
      ...["1.json", "manifest.json", "versions.json"].map((name) =>
        `uploads POST /releases/5/assets?name=${name} 201`
      ),
      "api PATCH /releases/5 200", // the pointer moves
      "api GET /releases?per_page=100 200", // abandoned drafts?
    ]);
  });
});

Deno.test("the next version uploads what changed, and names the rest where it is", async () => {
  await withGithub(async (world) => {
    await world.publish(V1, FILES);
    const before = world.github.uploaded();
    const files = { ...FILES, "parts/2024-03.parquet": "march, complete" };
    const { stored } = await world.publish(V2, files, { listings: MORE });
    const { signed } = stored.manifest;
    const url = (name: string) => signed.artifacts.find((a) => a.name === name)!.url!;
    assertEquals(url("parts/2023.parquet").split("/").at(-2), V1);
    assertEquals(url("parts/2024-03.parquet").split("/").at(-2), V2);
    const changed = signed.artifacts.filter((a) => a.name !== "parts/2023.parquet");
    const own = changed.reduce((sum, { bytes }) => sum + bytes, 0);
    const versions = world.github.release("manifest-2")!.assets
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
    assertEquals(world.github.uploaded() - before, own + versions);
    assertEquals(tags(world).slice(2), [`${V2} 2`, "manifest-2 3"]);
    assertEquals(await world.shown(), { sequence: 2, version: V2 });
    assertEquals(await (await (await world.client()).symbols()).version, V2);
    assertEquals((await (await world.client({ version: V1 })).symbols()).version, V1);
    assertEquals((await (await world.client()).versions()).versions.map((v) => v.version), [
      V2,
      V1,
    ]);
  });
});

Deno.test("promote, rollback and renew move nothing but a manifest, and the pointer with it", async () => {
  for (const immutable of [false, true]) {
    await withGithub(async (world) => {
      world.github.immutable = immutable;
      await world.publish(V1);
      await world.publish(V2, {}, { listings: MORE, channel: "candidate" });
      assertEquals(await world.shown(), { sequence: 1, version: V1 });
      const listed = (await (await world.client()).versions()).versions.map((v) => v.version);
      assertEquals(listed, [V2, V1]); // candidates can be looked at: `--at`
      await promote(world.publisher(), V2);
      assertEquals(await world.shown(), { sequence: 3, version: V2 });
      await rollback(world.publisher(), undefined);
      assertEquals(await world.shown(), { sequence: 4, version: V1 });
      await renew(world.publisher());
      assertEquals(await world.shown(), { sequence: 5, version: V1 });
      assertEquals(tags(world), [
        `${V1} 1`,
        "manifest-1 3",
        `${V2} 1`,
        "manifest-2 3",
        "manifest-3 3",
        "manifest-4 3",
        "manifest-5 3",
      ]);
      assertEquals(
        world.github.releases.map((release) => release.immutable),
        Array(7).fill(immutable),
      );
      const asOf = await (await world.client()).asOf("2024-04-01");
      assertEquals((await asOf.symbols()).version, V1);
    });
  }
});

Deno.test("publishing the same build again writes nothing", async () => {
  await withGithub(async (world) => {
    await world.publish(V1, FILES);
    world.github.take();
    const { changed } = await world.publish(V1, FILES);
    assertEquals(changed, false);
    const requests = world.github.take();
    assertEquals(requests.filter((line) => !/^\w+ GET /.test(line)), []);
    assertEquals(requests.filter((line) => line.startsWith("api")).length, 6);
  });
});

Deno.test("servers without digests: assets are read back and hashed, without the token", async () => {
  await withGithub(async (world) => {
    world.github.digests = false;
    await world.publish(V1, FILES);
    await world.publish(V2, FILES, { listings: MORE });
    assertEquals(await world.shown(), { sequence: 2, version: V2 });
    const reads = world.github.seen.filter(({ path, host }) =>
      host === "api" && /assets\/\d+$/.test(path)
    );
    assert(reads.length >= 6);
  });
});

Deno.test("a version that lost its files on GitHub gets them in the next one", async () => {
  await withGithub(async (world) => {
    await world.publish(V1, FILES);
    const { github } = world;
    github.releases.splice(github.releases.findIndex(({ tag }) => tag === V1), 1);
    const { code } = await (await world.client()).symbols().then(
      () => ({ code: "none" }),
      (error: BfaError) => error,
    );
    assertEquals(code, "network");
    await world.publish(V2, FILES, { listings: MORE });
    assertEquals(tags(world).slice(1), [`${V2} 3`, "manifest-2 3"]);
    assertEquals(await world.shown(), { sequence: 2, version: V2 });
  });
});

Deno.test("drafts are looked for on every page that has any; abandoned ones are removed", async () => {
  await withGithub(async (world) => {
    const { github } = world;
    github.pageSize = 2;
    const draft = { name: "", body: "", draft: true, immutable: false, assets: [] };
    const createdAt = "2024-03-30T00:00:00Z";
    const others = ["2024-03-01.1", "2024-03-02.1", "v1.0-notes", "2024-03-31.1", "state-x"];
    others.forEach((tag, id) =>
      github.releases.push({ ...draft, id: 100 + id, tag, createdAt, assets: [] })
    );
    await world.publish(V1);
    // The draft of the same tag was used; two of versions nobody committed are gone.
    assertEquals(tags(world), ["draft v1.0-notes 0", `${V1} 1`, "draft state-x 0", "manifest-1 3"]);
  });
});

Deno.test("what a killed publisher committed is shown first, without moving the pointer there", async () => {
  await withGithub(async (world) => {
    await world.publish(V1);
    const dying = world.publisher();
    const { commit } = dying.store;
    const store = {
      ...dying.store,
      commit: async (...args: Parameters<typeof commit>) => {
        await commit(...args);
        throw new Error("killed");
      },
    };
    const died = { publisher: { ...dying, store }, listings: MORE };
    await assertRejects(() => world.publish(V2, {}, died), Error, "killed");
    const pointed: (string | undefined)[] = [];
    world.github.fault = (seen, usual) => {
      if (seen.method !== "PATCH") return undefined;
      return usual().then((response) => {
        pointed.push(world.github.latest);
        return response;
      });
    };
    await world.publish("2024-04-02.1", {}, { listings: SMALL_LISTINGS.slice(1) });
    // The version and the manifest that were committed, then the new ones.
    assertEquals(pointed, ["manifest-1", "manifest-1", "manifest-1", "manifest-3"]);
    assertEquals(tags(world), [
      `${V1} 1`,
      "manifest-1 3",
      `${V2} 1`,
      "manifest-2 1",
      "2024-04-02.1 1",
      "manifest-3 3",
    ]);
    const old = await world.client({ version: V2 });
    assertEquals((await old.symbols()).version, V2);
  });
});

Deno.test("a KV that is behind what is shown takes that in, and never gives a number twice", async () => {
  await withGithub(async (world) => {
    await world.publish(V1, FILES);
    await world.publish(V2, FILES, { listings: MORE, channel: "candidate" });
    const kv = await Deno.openKv(":memory:");
    try {
      const store = kvManifestStore(kv);
      const lost = { ...world.publisher(), store };
      const { stored } = await promote(lost, V2);
      assertEquals(stored.manifest.signed.sequence, 3);
      assertEquals((await store.log(9)).map(({ sequence, action, by }) => [sequence, action, by]), [
        [3, "promote", "test"],
        [2, "publish", "taken in from github:octo/data"],
        [1, "publish", "taken in from github:octo/data"],
      ]);
      assertEquals(await world.shown(), { sequence: 3, version: V2 });
      const stranger = {
        ...world.publisher(),
        store: kvManifestStore(await Deno.openKv(":memory:")),
        signers: [await signer(await newSecretKey())],
      };
      const error = await assertRejects(() => renew(stranger), BfaError);
      stranger.store.close();
      assertEquals(error.code, "untrusted");
    } finally {
      kv.close();
    }
  });
});

Deno.test("the token is sent to the API and the uploads host alone, and is in no URL or message", async () => {
  await withGithub(async (world) => {
    world.github.digests = false;
    await world.publish(V1, FILES);
    const sent = world.github.seen.filter(({ headers }) => headers.get("authorization"));
    assertEquals(new Set(sent.map(({ host }) => host)), new Set(["api", "uploads"]));
    assert(world.github.seen.every(({ path }) => !path.includes(TOKEN)));
    world.github.tokens.clear();
    const error = await assertRejects(() => world.publish(V2), BfaError);
    assert(!`${error.message} ${error.stack} ${error.cause}`.includes(TOKEN));
  });
});

Deno.test("a service reads its artifacts from GitHub: whole, by ranges, of any version, with no token", async () => {
  await withGithub(async (world) => {
    const { stored } = await world.publish(V1, FILES);
    await world.publish(V2, {}, { listings: MORE });
    world.github.take();
    const mirror = world.mirror({ token: undefined });
    const followed = await follow({
      reader: world.side.publisher.store,
      mirror,
      channel: "latest",
      onProblem: (error) => assertEquals(error, undefined),
    });
    assertEquals(followed.current()?.source.version, V2);
    await followed.close();
    const old = stored.manifest.signed.artifacts.find(({ name }) => name === "parts/2023.parquet")!;
    assertEquals(await mirror.size(artifactPath(old)), 10_000);
    const part = await mirror.open(artifactPath(old), { start: 9_990, end: 9_999 });
    assertEquals([part?.size, await new Response(part?.body).text()], [10_000, "x".repeat(10)]);
    assertEquals(await mirror.size(`${"0".repeat(64)}/listings.json`), undefined);
    assert(world.github.take().every((line) => !/^(api|uploads)/.test(line)));
  });
});
