import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { OTHER_ROUTES } from "../../routes/other_routes.ts";
import { QUESTIONS } from "../../routes/questions.ts";
import { promote, rollback } from "../../lib/jobs/publish.ts";
import { listing } from "../helpers/listing.ts";
import { LISTINGS, SEED, VERSION, withService } from "../helpers/service.ts";

Deno.test("/healthz says ok, with a version and without one", async () => {
  for (const listings of [LISTINGS, []]) {
    await withService(async ({ ask }) => {
      const response = await ask("/healthz");
      assertEquals([response.status, await response.json()], [200, { status: "ok" }]);
      assertEquals(response.headers.get("cache-control"), "no-store");
    }, { listings });
  }
});

Deno.test("/readyz is 503 before a version and 200 after it", async () => {
  await withService(async ({ ask, publish }) => {
    const before = await ask("/readyz");
    assertEquals([before.status, (await before.json()).code], [503, "unavailable"]);
    await publish(VERSION, LISTINGS);
    const after = await ask("/readyz");
    assertEquals([after.status, await after.json()], [200, { status: "ready", version: VERSION }]);
  }, { listings: [] });
});

Deno.test("before any version the seed answers, and says so", async () => {
  await withService(async ({ ask, json, publish }) => {
    const response = await ask("/v1/snapshot/latest");
    assertEquals(response.headers.get("x-dataset-version"), SEED.version);
    const etag = response.headers.get("etag");
    assertEquals(await response.json(), {
      version: SEED.version,
      date: "2024-02-29",
      states: ["traded"],
      count: 1,
      symbols: ["AAAUSDT"],
    });
    for (const path of ["/v1/manifest", "/v1/manifests/1"]) {
      const none = await ask(path);
      assertEquals([none.status, (await none.json()).code], [404, "not_found"]);
    }
    assertEquals(await json("/v1/versions"), { count: 0, channels: {}, versions: [] });

    await publish(VERSION, LISTINGS);
    const after = await ask("/v1/snapshot/latest", { headers: { "if-none-match": etag! } });
    assertEquals([after.status, after.headers.get("x-dataset-version")], [200, VERSION]);
    assertEquals((await after.json()).count, 4);
  }, { listings: [] });
});

Deno.test("a version that bears the seed's name and has other listings takes over all the same", async () => {
  const seed = { ...SEED, version: VERSION };
  await withService(async ({ ask, publish }) => {
    const paths = ["/v1/symbols", `/v/${VERSION}/symbols`];
    const answers = async () =>
      await Promise.all(paths.map(async (path) => {
        const response = await ask(path);
        const { version, count } = await response.json();
        const [etag, control] = ["etag", "cache-control"].map((name) => response.headers.get(name));
        return { version, count, etag, immutable: control!.includes("immutable") };
      }));
    const before = await answers();
    assertEquals(before.map(({ version, count, immutable }) => [version, count, immutable]), [
      [VERSION, 3, false],
      [VERSION, 3, false], // nobody has published it
    ]);
    await publish(VERSION, LISTINGS);
    const after = await answers();
    assertEquals(after.map(({ version, count, immutable }) => [version, count, immutable]), [
      [VERSION, 6, false],
      [VERSION, 6, true],
    ]);
    const tags = [...before, ...after].map(({ etag }) => etag);
    assertEquals([tags[0], tags[2]], [tags[1], tags[3]]);
    assertNotEquals(tags[0], tags[2]);
  }, { listings: [], seed });
});

Deno.test("a promoted candidate answers at once; a rollback brings the old answers and tags back", async () => {
  await withService(async ({ ask, world, followed }) => {
    const moved = () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const stop = followed.onChange(({ source }) => (stop(), resolve(source.version)));
      return promise;
    };
    const tag = async () => (await ask("/v1/symbols")).headers.get("etag");
    const old = await tag();
    await world.publishListings("2024-03-31.2", LISTINGS.slice(1), { channel: "candidate" });
    assertEquals(await tag(), old);
    let next = moved();
    await promote(world.publisher, "2024-03-31.2");
    assertEquals(await next, "2024-03-31.2");
    assertEquals((await (await ask("/v1/symbols")).json()).count, 5);
    next = moved();
    await rollback(world.publisher, undefined);
    assertEquals(await next, VERSION);
    assertEquals(await tag(), old);
  });
});

Deno.test("while versions switch, every answer is of one version: header, tag and body agree", async () => {
  const versions = ["2024-03-31.2", "2024-03-31.3", "2024-03-31.4", "2024-03-31.5"];
  await withService(async ({ listen, publish }) => {
    const base = listen();
    let done = false;
    const counts: Record<string, number> = { [VERSION]: 1 };
    const seen = new Map<string, number>();
    const ask = async () => {
      while (!done) {
        const response = await fetch(`${base}/v1/symbols`);
        const { version, count } = await response.json();
        assertEquals(response.headers.get("x-dataset-version"), version);
        assertEquals(response.headers.get("etag")?.startsWith(`"${version}-`), true);
        assertEquals(count, counts[version]);
        seen.set(version, (seen.get(version) ?? 0) + 1);
      }
    };
    const clients = [ask(), ask(), ask()];
    try {
      for (const [i, version] of versions.entries()) {
        counts[version] = i + 2;
        const names = Array.from({ length: i + 2 }, (_, n) => `S${n}USDT#1`);
        await publish(version, names.map((id) => listing(id, "2024-01-01")));
      }
    } finally {
      done = true;
    }
    await Promise.all(clients);
    assertEquals([...seen.keys()].at(-1), "2024-03-31.5");
  }, { listings: [listing("S0USDT#1", "2024-01-01")] });
});

Deno.test("the front page lists every path and examples that work", async () => {
  await withService(async ({ ask }) => {
    const response = await ask("/");
    const text = await response.text();
    assertEquals(response.status, 200);
    assertStringIncludes(text, `version ${VERSION}: 6 symbols, 2024-01-01 to 2024-03-31`);
    for (const { path } of QUESTIONS) assertStringIncludes(text, ` /v1${path} `);
    for (const { path } of Object.values(OTHER_ROUTES)) assertStringIncludes(text, ` ${path} `);
    assertStringIncludes(text, "curl 'http://127.0.0.1/v1/snapshot/2024-01-15?state=archived'");
  });
});
