import { assert, assertEquals, assertMatch } from "@std/assert";
import { open } from "../../lib/mod.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { promote, renew, rollback } from "../../lib/jobs/publish.ts";
import { versionLister } from "../../lib/jobs/version_list.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { goodKeys } from "../../lib/manifest/signature.ts";
import { currentManifest } from "../../lib/manifest/store.ts";
import { LISTINGS, VERSION, withService } from "../helpers/service.ts";

Deno.test("GET /v1/manifest is the signed manifest, byte for byte", async () => {
  await withService(async ({ ask, world }) => {
    const response = await ask("/v1/manifest");
    const text = await response.text();
    const stored = await currentManifest(world.publisher.store, "latest");
    assertEquals(text, stored?.text);
    const manifest = parseManifest(text);
    assertEquals([manifest.signed.version, manifest.signed.sequence], [VERSION, 1]);
    assertEquals(await goodKeys(manifest), [world.publisher.signers[0]!.keyId]);
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(response.headers.get("x-dataset-version"), VERSION);
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
  });
});

Deno.test("GET /v1/manifest has a strong ETag, and answers 304 to it", async () => {
  await withService(async ({ ask }) => {
    const { headers } = await ask("/v1/manifest");
    const etag = headers.get("etag") ?? "";
    assertMatch(etag, /^"[\w-]{22}"$/);
    for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const again = await ask("/v1/manifest", { headers: { "if-none-match": tags } });
      assertEquals([again.status, again.body, again.headers.get("etag")], [304, null, etag]);
      assertEquals(again.headers.get("cache-control"), headers.get("cache-control"));
    }
    const other = await ask("/v1/manifest", { headers: { "if-none-match": '"x"' } });
    assertEquals(other.status, 200);
  });
});

Deno.test("the ETag of /v1/manifest changes with every manifest, and with nothing else", async () => {
  await withService(async ({ ask, world, publish }) => {
    const etag = async () => (await ask("/v1/manifest")).headers.get("etag");
    const before = await etag();
    world.clock = new Date("2024-04-10T00:00:00Z");
    assertEquals(await etag(), before);
    await publish("2024-03-31.2", LISTINGS.slice(1));
    assert(await etag() !== before);
  });
});

Deno.test("Cache-Control of /v1/manifest follows freshness", async () => {
  const cases: [now: string, cacheControl: string][] = [
    ["2024-04-01T12:05:00Z", "public, max-age=86100, s-maxage=60"], // fresh: until 12:00 tomorrow
    ["2024-04-02T11:59:30Z", "public, max-age=30, s-maxage=30"],
    ["2024-04-02T11:59:59.900Z", "public, max-age=0, s-maxage=0"],
    ["2024-04-02T12:00:00Z", "public, max-age=60"], // due
    ["2024-04-02T17:59:59Z", "public, max-age=60"],
    ["2024-04-02T18:00:00Z", "public, max-age=15"], // stale
    ["2024-04-15T12:04:59Z", "public, max-age=15"],
    ["2024-04-15T12:05:00Z", "no-cache"], // expired
    ["2030-01-01T00:00:00Z", "no-cache"],
  ];
  await withService(async ({ ask, world }) => {
    for (const [now, cacheControl] of cases) {
      world.clock = new Date(now);
      const response = await ask("/v1/manifest");
      assertEquals([response.status, response.headers.get("cache-control")], [200, cacheControl]);
    }
  });
});

Deno.test("GET /v1/manifest?channel= is the newest manifest of that channel", async () => {
  await withService(async ({ json, ask, world }) => {
    assertEquals((await ask("/v1/manifest?channel=candidate")).status, 404);
    await world.publishListings("2024-03-31.2", LISTINGS.slice(1), { channel: "candidate" });
    const { signed } = await json("/v1/manifest?channel=candidate");
    assertEquals([signed.channel, signed.version, signed.sequence], [
      "candidate",
      "2024-03-31.2",
      2,
    ]);
    const latest = await json("/v1/manifest?channel=latest");
    assertEquals([latest.signed.version, latest.signed.sequence], [VERSION, 1]);
    assertEquals(await json("/v1/manifest"), latest);
  });
});

Deno.test("GET /v1/manifests/{sequence} is immutable, and stays after the channel has moved", async () => {
  await withService(async ({ ask, json, world, publish }) => {
    const first = await (await ask("/v1/manifests/1")).text();
    await publish("2024-03-31.2", LISTINGS.slice(1));
    const response = await ask("/v1/manifests/1");
    assertEquals(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assertEquals(response.headers.get("x-dataset-version"), VERSION);
    assertEquals(await response.text(), first);
    assertEquals((await json("/v1/manifests/2")).signed.previous, VERSION);
    const etag = response.headers.get("etag")!;
    const again = await ask("/v1/manifests/1", { headers: { "if-none-match": etag } });
    assertEquals([again.status, again.body], [304, null]);
    assertEquals((await world.publisher.store.bySequence(1))?.text, first);
  });
});

Deno.test("GET /v1/versions lists every version by its newest manifest, newest first", async () => {
  await withService(async ({ ask, json, world }) => {
    const { publisher } = world;
    world.clock = new Date("2024-04-02T12:05:00Z");
    await world.publishListings("2024-04-01.1", LISTINGS.slice(1), { channel: "candidate" });
    await promote(publisher, "2024-04-01.1");
    await rollback(publisher, undefined);
    await renew(publisher);
    const bytes = (await json("/v1/manifests/2")).signed.artifacts[0].bytes;
    const first = (await json("/v1/manifests/1")).signed.artifacts[0].bytes;
    assertEquals(await json("/v1/versions"), {
      count: 2,
      channels: {
        candidate: { sequence: 2, version: "2024-04-01.1" },
        latest: { sequence: 5, version: VERSION },
      },
      versions: [
        {
          version: VERSION,
          sequence: 5,
          dataThrough: "2024-03-31",
          publishedAt: "2024-04-02T12:05:00Z",
          rows: 0,
          symbols: 6,
          bytes: first,
        },
        {
          version: "2024-04-01.1",
          sequence: 3,
          dataThrough: "2024-04-01",
          publishedAt: "2024-04-02T12:05:00Z",
          rows: 0,
          symbols: 5,
          bytes,
        },
      ],
    });
    const response = await ask("/v1/versions");
    assertEquals(response.headers.get("cache-control"), "public, max-age=60");
    const headers = { "if-none-match": response.headers.get("etag")! };
    assertEquals((await ask("/v1/versions", { headers })).status, 304);
  });
});

Deno.test("versionLister() reads every manifest once, and forgets those that describe nothing any more", async () => {
  await withPublisher(async (world) => {
    const { store } = world.publisher;
    const read: (readonly number[])[] = [];
    const list = versionLister({
      versions: () => store.versions(),
      channels: () => store.channels(),
      bySequences: (sequences) => (read.push(sequences), store.bySequences(sequences)),
    });
    await world.publishListings("2024-03-30.1", LISTINGS);
    await world.publishListings("2024-03-31.1", LISTINGS);
    const [one, two] = [await list(), await list()];
    assertEquals([one, one.versions.map(({ sequence }) => sequence)], [two, [2, 1]]);
    await renew(world.publisher); // a newer manifest of the same version
    const { versions } = await list();
    assertEquals(versions.map(({ version, sequence }) => [version, sequence]), [
      ["2024-03-31.1", 3],
      ["2024-03-30.1", 1],
    ]);
    assertEquals(read, [[2, 1], [], [3]]);
  });
});

Deno.test("the mirror's files are the service's answers, byte for byte", async () => {
  await withService(async ({ ask, world, publish }) => {
    await publish("2024-03-31.2", LISTINGS.slice(1));
    const pairs: [path: string, file: string][] = [
      ["/v1/manifest", "manifest.json"],
      ["/v1/manifests/1", "manifests/1.json"],
      ["/v1/manifests/2", "manifests/2.json"],
      ["/v1/versions", "versions.json"],
    ];
    for (const [path, file] of pairs) {
      const text = await Deno.readTextFile(`${world.mirrorDir}/${file}`);
      assertEquals(await (await ask(path)).text(), text, path);
    }
  });
});

Deno.test("/manifest.json is the manifest, where a plain mirror has it; a client without a copy needs no more", async () => {
  await withService(async ({ ask, listen, world }) => {
    const [plain, own] = [await ask("/manifest.json"), await ask("/v1/manifest")];
    assertEquals(await plain.text(), await own.text());
    assertEquals(plain.headers.get("etag"), own.headers.get("etag"));
    const base = listen();
    const asked: string[] = [];
    const dataset = await open({
      endpoint: base,
      copy: "none",
      cacheDir: null,
      now: () => world.clock,
      fetch: (input, init) => {
        asked.push(new URL(String(input)).pathname.replace(/[0-9a-f]{64}/, "…"));
        return fetch(input, init);
      },
    });
    assertEquals((await dataset.symbols()).version, VERSION);
    assertEquals(asked, ["/manifest.json", "/v1/artifacts/…/listings.json"]);
  });
});

Deno.test("/datapackage.json describes the newest version; 404 where it has none", async () => {
  await withService(async ({ ask, world, followed }) => {
    assertEquals((await ask("/datapackage.json")).status, 404);
    const switched = new Promise<void>((resolve) => followed.onChange(() => resolve()));
    await publishNumbers(world, "2024-03-31.2", MANY_LISTINGS, { numbers: false });
    await switched;
    const answer = await ask("/datapackage.json");
    assertEquals((await answer.json()).version, "2024-03-31.2");
    assertEquals(answer.headers.get("cache-control"), "private, max-age=60");
  });
});
