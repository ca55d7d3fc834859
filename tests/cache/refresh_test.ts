import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { renew } from "../../lib/jobs/publish.ts";
import {
  AT,
  codeOf,
  MORE_LISTINGS,
  NEW,
  OLD,
  someBytes,
  withCopy,
  withoutBackoff,
  withWarmCopy,
} from "../helpers/fault_world.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { serveRaw } from "../helpers/fault_server.ts";
import { PATIENCE_MS } from "../helpers/patience.ts";

const BIG = someBytes(1_000_003, 1);

Deno.test("a refresh when nothing changed: 1 request, 304, 0 body bytes", async () => {
  await withWarmCopy(async (world) => {
    const result = await (await world.open()).refresh();
    assertEquals(result, { changed: false, version: OLD, sequence: 1 });
    assertEquals(world.endpoint.take(), ["manifest.json 304 0"]);
  });
});

Deno.test("a refresh when nothing changed, a server without ETags: 1 request, changed is false", async () => {
  await withWarmCopy(async (world) => {
    const text = await Deno.readTextFile(join(world.mirrorDir, "manifest.json"));
    world.endpoint.fault = () => new Response(text);
    assertEquals((await (await world.open()).refresh()).changed, false);
    assertEquals(world.endpoint.take(), [`manifest.json 200 ${text.length}`]);
  });
});

Deno.test("a first contact: 2 requests, of the manifest and the listings", async () => {
  await withCopy(async (world) => {
    await (await world.open()).symbols();
    assertEquals(world.endpoint.take().map((line) => line.replace(/\d+$/, "…")), [
      "manifest.json 200 …",
      "listings.json 200 …",
    ]);
  });
});

Deno.test("a renewed manifest: nothing but the manifest is downloaded, and the copy is fresh again", async () => {
  await withCopy(async (world) => {
    await world.publishFiles(NEW, { "big.bin": BIG });
    await (await world.open()).pull(["*"]);
    world.endpoint.take();
    world.clock = new Date(AT.stale);
    await renew(world.publisher);
    const dataset = await world.open();
    assertEquals((await dataset.symbols()).version, NEW);
    assertEquals(world.endpoint.take().length, 1);
    assertEquals((await dataset.status()).freshness, "fresh");
    assertEquals((await world.record())!.sequence, 3);
  });
});

Deno.test("pull fetches four files at once, and no more", async () => {
  await withCopy(async (world) => {
    const names = ["a.bin", "b.bin", "c.bin", "d.bin", "e.bin", "f.bin"];
    await world.publishFiles(
      NEW,
      Object.fromEntries(names.map((name, i) => [name, someBytes(100 + i, i)])),
    );
    const dataset = await world.open();
    await dataset.symbols();
    let [underWay, most] = [0, 0];
    const four = Promise.withResolvers<void>();
    const tired = setTimeout(four.resolve, PATIENCE_MS); // one after the other must fail, not hang
    world.endpoint.fault = (_request, path) => {
      if (!path.endsWith(".bin")) return undefined;
      most = Math.max(most, ++underWay);
      if (underWay === 4) four.resolve();
      const afterwards = four.promise.then(() => void underWay--);
      return afterwards as unknown as Promise<Response>;
    };
    assertEquals(await dataset.pull(["*.bin"]), names);
    clearTimeout(tired);
    assertEquals(most, 4);
    for (const [i, name] of names.entries()) {
      assertEquals(await dataset.bytes(name), someBytes(100 + i, i));
    }
  });
});

Deno.test("a new version: what was pulled is kept up to date, what did not change is not fetched again", async () => {
  await withCopy(async (world) => {
    const files = { "big.bin": BIG, "other.bin": someBytes(1000, 2) };
    await world.publishFiles(NEW, files);
    assertEquals(await (await world.open()).pull(["big.bin", "other.bin"]), [
      "big.bin",
      "other.bin",
    ]);
    world.endpoint.take();
    const next = { ...files, "other.bin": someBytes(1000, 3), "unwanted.bin": someBytes(10, 4) };
    await world.publishFiles("2024-04-02.1", next);
    await (await world.open()).refresh();
    assertEquals(
      world.endpoint.take().map((line) => line.split(" ")[0]),
      ["manifest.json", "listings.json", "other.bin"],
    );
    const offline = await world.open({ offline: true });
    assertEquals(await Deno.readFile(await offline.path("big.bin")), BIG);
    assertEquals(await offline.bytes("big.bin"), BIG);
    assertEquals(await codeOf(offline.bytes("unwanted.bin")), "offline");
    assertEquals(await Deno.readFile(await offline.path("other.bin")), next["other.bin"]);
    assertEquals(await codeOf(offline.path("unwanted.bin")), "offline");
    assertEquals(await codeOf(offline.path("no-such.bin")), "not_found");
  });
});

Deno.test("an artifact that no mirror has: the refresh fails, the old version still answers", async () => {
  await withWarmCopy(async (world) => {
    const { artifacts } = await world.publishFiles(NEW, {});
    await Deno.remove(join(world.mirrorDir, artifacts[0]!.sha256), { recursive: true });
    assertEquals(await codeOf((await world.open()).refresh()), "network");
    assertEquals((await world.record())!.sequence, 1);
    assertEquals(await world.offlineVersion(), OLD);
  });
});

Deno.test("the manifest's mirrors come first, in order; a dead, a lying and an empty one are passed over", async () => {
  await withWarmCopy(async (world) => {
    const lying = serveRaw(() => ({ status: 200, body: someBytes(1_000_003, 9) }));
    const dead = serveRaw(() => ({ status: 200 }));
    await dead.close();
    const empty = serveMirror(join(world.dir, "empty"));
    const good = serveMirror(world.mirrorDir);
    const mirrorUrls = [dead.url, lying.url, empty.url, good.url];
    const publisher = { ...world.publisher, mirrorUrls };
    await world.publishFiles(NEW, { "big.bin": BIG }, { publisher });
    await withoutBackoff(async () => {
      const dataset = await world.open();
      await dataset.refresh();
      assertEquals(await Deno.readFile(await dataset.path("big.bin")), BIG);
    });
    // The listings are shorter than what the lying mirror sends: given up at once. The other file
    // is as long as promised, and wrong: fetched three times.
    assertEquals(lying.requests.length, 1 + 3);
    assertEquals(empty.take(), ["listings.json 404 12", "big.bin 404 12"]);
    assertEquals(good.take().map((line) => line.split(" ")[0]), ["listings.json", "big.bin"]);
    assertEquals(world.endpoint.take().length, 1);
    await Promise.all([lying.close(), empty.close(), good.close()]);
  });
});

Deno.test("the connection ends inside the manifest: network, the copy survives", async () => {
  await withWarmCopy(async (world) => {
    const body = await Deno.readFile(join(world.mirrorDir, "manifest.json"));
    const cut = serveRaw(() => ({ status: 200, body, cutAfter: 100 }));
    const other = { endpoint: cut.url };
    await withoutBackoff(async () => {
      assertEquals(await codeOf((await world.open(other)).refresh()), "network");
      assertEquals(await codeOf((await world.open(other)).symbols()), "network");
    });
    await cut.close();
    assertEquals(await world.offlineVersion(), OLD);
  });
});

Deno.test("refused connections: 6 tries, then network; a stale copy answers and says behind", async () => {
  await withWarmCopy(async (world) => {
    let tries = 0;
    const fetch = () => {
      tries++;
      return Promise.reject(new TypeError("connection refused"));
    };
    await withoutBackoff(async () => {
      assertEquals(await codeOf((await world.open({ fetch })).refresh()), "network");
    });
    assertEquals(tries, 6);
    world.clock = new Date(AT.stale);
    assertEquals((await (await world.open({ fetch })).symbols()).version, OLD);
    assertEquals(world.notices, ["behind"]);
    assertEquals(world.endpoint.take(), []);
  });
});

Deno.test("two questions at once to a stale copy share one request", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.stale);
    await world.publishListings(NEW, MORE_LISTINGS);
    const dataset = await world.open();
    await dataset.status();
    const both = await Promise.all([dataset.symbols(), dataset.snapshot("latest")]);
    assertEquals(both.map((answer) => answer.version), [NEW, NEW]);
    assertEquals(world.endpoint.take().length, 2);
  });
});

for (const kind of ["a folder", "memory"]) {
  Deno.test(`two questions at once to no copy in ${kind} share one first contact`, async () => {
    await withCopy(async (world) => {
      const began = world.clock.getTime() - performance.now();
      const dataset = await world.open({
        now: () => new Date(began + performance.now()),
        ...(kind === "memory" ? { cacheDir: null } : {}),
      });
      await Promise.all([dataset.symbols(), dataset.snapshot("latest")]);
      assertEquals(world.endpoint.take().length, 2);
    });
  });
}

Deno.test("pull() without names keeps the listings and the parts, also those that come later", async () => {
  await withCopy(async (world) => {
    const files = { "big.bin": BIG, "parts/2023.bin": someBytes(900, 1) };
    const march = { ...files, "parts/2024-03.bin": someBytes(100, 2) };
    await world.publishFiles(NEW, march);
    assertEquals(await (await world.open()).pull(), [
      "listings.json",
      "parts/2023.bin",
      "parts/2024-03.bin",
    ]);
    world.endpoint.take();
    await world.publishFiles("2024-04-02.1", { ...march, "parts/2024-04.bin": someBytes(10, 3) });
    await (await world.open()).refresh();
    assertEquals(
      world.endpoint.take().map((line) => line.split(" ")[0]),
      ["manifest.json", "listings.json", "parts/2024-04.bin"],
    );
  });
});

Deno.test("pull() of a name that stands for nothing says what there is", async () => {
  await withCopy(async (world) => {
    await world.publishFiles(NEW, { "big.bin": BIG });
    const error = await assertRejects(async () => await (await world.open()).pull(["parts/"]));
    assertStringIncludes(String(error), "it has listings.json, big.bin");
    assertEquals(await (await world.open()).pull(), ["listings.json"]);
  });
});
