/** A dataset that keeps nothing, on servers as they are found: requests, bytes, and what can go wrong. */

import { assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { artifactNamed } from "../../lib/core/manifest.ts";
import { type Dataset, open, type OpenOptions } from "../../lib/mod.ts";
import { builtNumbers, MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { SMALL_LISTINGS, type TestPublisher, withPublisher } from "../helpers/publisher.ts";
import { type RangeServer, serveRanges } from "../helpers/range_server.ts";

const VERSION = "2024-03-31.1";

interface World {
  readonly publisher: TestPublisher;
  readonly server: RangeServer;
  /** Opens a dataset that keeps nothing. */
  open(options?: OpenOptions): Promise<Dataset>;
}

/** A version with numbers on a server like S3. */
async function withNumbers(test: (world: World) => Promise<void>): Promise<void> {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, VERSION, MANY_LISTINGS);
    const server = serveRanges(publisher.mirrorDir);
    const own: OpenOptions = {
      endpoint: server.url,
      copy: "none",
      cacheDir: null,
      now: () => publisher.clock,
    };
    try {
      await test({ publisher, server, open: (options) => open({ ...own, ...options }) });
    } finally {
      await server.close();
    }
  });
}

const names = (server: RangeServer) => server.take().map(({ path, status }) => `${path} ${status}`);

Deno.test("a cold question takes 3 requests, the next one 1 in either order, the same again none", async () => {
  await withNumbers(async ({ server, open }) => {
    const bfa = await open();
    assertEquals((await bfa.rows({ day: "2024-02-10" })).count, 62);
    assertEquals(names(server), [
      "manifest.json 200",
      "blocks/availability.parquet 206",
      "availability.parquet 206",
    ]);
    assertEquals((await bfa.rows({ day: "latest" })).count, 62);
    assertEquals(names(server), ["availability.parquet 206"]);
    assertEquals((await bfa.rows({ symbol: "S07USDT" })).count, 120);
    assertEquals(names(server), ["availability-by-symbol.parquet 206"]);
    assertEquals((await bfa.rows({ day: "2024-02-10" })).rows[0]!.symbol, "S00USDT");
    assertEquals(names(server), []);
    const cold = await open();
    assertEquals((await cold.rows({ symbol: "S07USDT" })).count, 120);
    assertEquals(names(server), [
      "manifest.json 200",
      "blocks/availability.parquet 206",
      "availability-by-symbol.parquet 206",
    ]);
    assertEquals((await cold.rows({ symbol: "S42USDT", from: "2024-01-01" })).count, 91);
    assertEquals(names(server), ["availability-by-symbol.parquet 206"]);
    assertEquals((await (await open()).top("2024-02-10", 5)).count, 5);
    assertEquals(names(server), [
      "manifest.json 200",
      "blocks/volume-rankings.parquet 206",
      "volume-rankings.parquet 206",
    ]);
  });
});

Deno.test("more columns than were read take one request; fewer take none", async () => {
  await withNumbers(async ({ server, open }) => {
    const bfa = await open();
    await bfa.rows({ day: "2024-02-10" });
    server.take();
    const all = await bfa.rows({ day: "2024-02-10", columns: "all" });
    assertEquals(names(server), ["availability.parquet 206"]);
    const few = await bfa.rows({ day: "2024-02-10", columns: ["close_price"] });
    assertEquals(names(server), []);
    assertEquals(few.columns, ["date", "symbol", "close_price"]);
    assertEquals(few.rows[3], {
      date: all.rows[3]!.date,
      symbol: "S03USDT",
      closePrice: all.rows[3]!.closePrice!,
    });
  });
});

Deno.test("a range of days is read in one piece where its blocks are near each other", async () => {
  await withNumbers(async ({ server, open }) => {
    const bfa = await open();
    const { count, from, to } = await bfa.rows({ from: "2024-01-10", to: "2024-03-10" });
    assertEquals([count, from, to], [61 * 60 + 42 + 39, "2024-01-10", "2024-03-10"]);
    assertEquals(names(server).slice(2), ["availability.parquet 206"]);
  });
});

Deno.test("nothing is written: the cache folder stays away", async () => {
  await withNumbers(async ({ publisher, open }) => {
    const cacheDir = join(publisher.dir, "cache");
    const bfa = await open({ cacheDir });
    await bfa.rows({ day: "2024-02-10" });
    await bfa.snapshot("2024-02-10");
    await bfa.top("latest");
    await bfa.settled();
    await assertRejects(() => Deno.stat(cacheDir), Deno.errors.NotFound);
  });
});

Deno.test("questions about listings fetch the listings once, when they are asked", async () => {
  await withNumbers(async ({ server, open }) => {
    const bfa = await open();
    assertEquals((await bfa.snapshot("2024-02-10")).count, 61);
    assertEquals((await bfa.timeline("THREEUSDT")).days.traded, 3);
    assertEquals(names(server), ["manifest.json 200", "listings.json 200"]);
  });
});

Deno.test("what there is nothing of, the listings explain", async () => {
  await withNumbers(async ({ open }) => {
    const bfa = await open();
    const cases: [() => Promise<unknown>, code: string, says: string][] = [
      [() => bfa.rows({ symbol: "S7USDT" }), "not_found", "did you mean S07USDT"],
      [() => bfa.rows({ day: "2023-12-02" }), "not_found", "the archive starts on 2023-12-03"],
      [() => bfa.rows({ day: "2024-04-01" }), "not_found", "this version ends on 2024-03-31"],
      [() => bfa.rows({ day: "2024-02-30" }), "usage", "no such day"],
      [() => bfa.rows({}), "usage", "give a day, a range or a symbol"],
      [() => bfa.rows({ day: "latest", from: "2024-01-01" }), "usage", "one or the other"],
      [
        () => bfa.rows({ from: "2024-02-02", to: "2024-02-01" }),
        "usage",
        "it ends before it begins",
      ],
      [() => bfa.rows({ day: "latest", columns: ["price"] }), "usage", "choose among date, symbol"],
      [() => bfa.top("2023-12-02"), "not_found", "no volumes on 2023-12-02"],
      [() => bfa.top("latest", 0), "usage", "a number from 1 on"],
      [() => bfa.top("latest", 1.5), "usage", "a number from 1 on"],
      [() => bfa.pull(), "usage", "without a copy"],
      [() => open({ offline: true }), "usage", "leave out --offline or --no-copy"],
      [
        async () => (await open({ endpoint: undefined })).rows({ day: "latest" }),
        "usage",
        "give an endpoint (--endpoint, BFA_ENDPOINT, open({ endpoint }))",
      ],
    ];
    for (const [ask, code, says] of cases) {
      const error = await assertRejects(ask, BfaError);
      assertStringIncludes(error.message, says);
      assertEquals(error.code, code, says);
    }
    assertEquals((await bfa.rows({ symbol: "s07usdt" })).symbol, "S07USDT");
    const gone = await bfa.rows({ symbol: "ZENDEDUSDT", from: "2024-03-01" });
    assertEquals([gone.count, gone.from, gone.to], [0, "2024-03-01", "2024-03-31"]);
  });
});

Deno.test("a version without numbers has rows of nulls, and no ranking", async () => {
  await withPublisher(async (publisher) => {
    const listings = { dataThrough: MANY_LISTINGS.dataThrough, listings: SMALL_LISTINGS };
    await publishNumbers(publisher, VERSION, listings, { numbers: false });
    const server = serveRanges(publisher.mirrorDir);
    try {
      const now = () => publisher.clock;
      const bfa = await open({ endpoint: server.url, copy: "none", cacheDir: null, now });
      assertEquals((await bfa.rows({ day: "2024-01-11" })).rows[1], {
        date: (await bfa.rows({ day: "2024-01-11" })).from,
        symbol: "BBBUSDT",
        available: true,
        state: "archived",
        fileSizeBytes: null,
        quoteVolumeUsdt: null,
        tradeCount: null,
      });
      const error = await assertRejects(() => bfa.top("latest"), BfaError);
      assertEquals([error.code, error.message], [
        "not_found",
        `no volumes in ${VERSION}: it was built without them; ask a publisher that collects numbers`,
      ]);
    } finally {
      await server.close();
    }
  });
});

Deno.test("an older version is read by its own manifest, whatever is published meanwhile", async () => {
  await withNumbers(async ({ publisher, server, open }) => {
    const before = await (await open()).rows({ day: "2024-02-10" });
    const through = { ...MANY_LISTINGS, listings: MANY_LISTINGS.listings.slice(0, 10) };
    await publishNumbers(publisher, "2024-03-31.2", through);
    const newest = await open();
    assertEquals((await newest.rows({ day: "2024-02-10" })).count, 10);
    server.take();
    const pinned = await open({ version: VERSION });
    assertEquals(await pinned.rows({ day: "2024-02-10" }), before);
    assertEquals(names(server), [
      "versions.json 200",
      "manifests/1.json 200",
      "blocks/availability.parquet 206",
      "availability.parquet 206",
    ]);
  });
});

Deno.test("a version of before there were blocks is read by its footer: what it says decides", async () => {
  await withPublisher(async (publisher) => {
    const { dir } = await publishNumbers(publisher, VERSION, MANY_LISTINGS);
    const server = serveRanges(publisher.mirrorDir);
    try {
      const now = () => publisher.clock;
      const options: OpenOptions = { endpoint: server.url, copy: "none", cacheDir: null, now };
      const blocks = await (await open(options)).rows({ symbol: "S07USDT", columns: "all" });
      // The same artifacts, signed with what older manifests said of them.
      const { publish } = await import("../../lib/jobs/publish.ts");
      const { readBuild } = await import("../../lib/jobs/build_folder.ts");
      const built = (await readBuild(dir))!;
      const artifacts = built.artifacts.map((artifact) => {
        if (!artifact.parquet) return artifact;
        const { rows, footerBytes } = artifact.parquet;
        return { ...artifact, parquet: { rows, footerBytes } };
      });
      const old = { ...built, version: "2024-03-31.2", artifacts };
      await publish(publisher.publisher, old, dir);
      server.take();
      const bfa = await open(options);
      const footer = await bfa.rows({ symbol: "S07USDT", columns: "all" });
      assertEquals(footer.rows, blocks.rows);
      assertEquals(names(server).slice(0, 2), [
        "manifest.json 200",
        "availability-by-symbol.parquet 206",
      ]);
      assertEquals((await bfa.rows({ day: "2024-02-10" })).count, 62);
    } finally {
      await server.close();
    }
  });
});

Deno.test("bytes that a mirror changed never become an answer; a good mirror takes over", async () => {
  await withNumbers(async ({ publisher, server, open }) => {
    const good = await (await open()).rows({ day: "2024-02-10" });
    const { signed } = await (await open()).manifest();
    const artifact = artifactNamed(signed, "availability.parquet");
    const path = join(publisher.mirrorDir, artifact.sha256, artifact.name);
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.map((byte, i) => i < bytes.length - 20_000 ? byte ^ 1 : byte));
    const error = await assertRejects(
      async () => (await open()).rows({ day: "2024-02-10" }),
      BfaError,
    );
    assertEquals(error.code, "integrity");
    await Deno.writeFile(path, bytes);
    server.take();
    assertEquals(await (await open()).rows({ day: "2024-02-10" }), good);
  });
});

Deno.test("a question that is ended ends its request, and the next one works", async () => {
  await withNumbers(async ({ server, open }) => {
    const bfa = await open();
    await bfa.rows({ day: "2024-02-10" });
    const stop = new AbortController();
    const left = Promise.withResolvers<void>();
    server.fault = (request) => {
      request.signal.addEventListener("abort", () => left.resolve());
      queueMicrotask(() => stop.abort());
      return new Promise<Response>((resolve) => left.promise.then(() => resolve(new Response())));
    };
    const error = await assertRejects(() => bfa.rows({ day: "2024-03-10", signal: stop.signal }));
    assertEquals((error as Error).name, "AbortError");
    await left.promise;
    server.fault = undefined;
    assertEquals((await bfa.rows({ day: "2024-03-10" })).count, 61);
    await assertRejects(() => bfa.rows({ day: "2024-03-10", signal: stop.signal }), DOMException);
  });
});

Deno.test("who shares an index that another question gave up asks for it again", async () => {
  await withNumbers(async ({ server, open }) => {
    const bfa = await open();
    await bfa.manifest();
    server.take();
    const stop = new AbortController();
    const release = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    server.fault = async () => {
      asked.resolve();
      await release.promise;
      return undefined as unknown as Response;
    };
    const one = bfa.rows({ day: "2024-02-10", signal: stop.signal });
    const other = bfa.rows({ day: "2024-02-10" });
    await asked.promise;
    server.fault = undefined;
    stop.abort();
    await assertRejects(() => one, DOMException);
    release.resolve();
    assertEquals((await other).count, 62);
  });
});

Deno.test("an index that is wrong, cut, of another table or older never becomes an answer", async () => {
  await withNumbers(async ({ publisher, server, open }) => {
    const good = await (await open()).rows({ day: "2024-02-10" });
    const { artifacts } = (await (await open()).manifest()).signed;
    const bytesOf = async (name: string) => {
      const { sha256 } = artifacts.find((artifact) => artifact.name === name)!;
      const path = join(publisher.mirrorDir, sha256, name);
      return { path, bytes: await Deno.readFile(path) };
    };
    const { path, bytes } = await bytesOf("blocks/availability.parquet");
    const rankings = (await bytesOf("blocks/volume-rankings.parquet")).bytes;
    const other = await builtNumbers("2024-03-30.1", {
      ...MANY_LISTINGS,
      dataThrough: parseDay("2024-03-30"),
    });
    const older = await Deno.readFile(join(other.dir, "blocks/availability.parquet"));
    assertNotEquals(older, bytes);
    const sized = (from: Uint8Array) => {
      const all = new Uint8Array(bytes.length);
      all.set(from.subarray(0, bytes.length));
      return all;
    };
    const wrong = {
      "a bit": bytes.map((byte, i) => i === 200 ? byte ^ 1 : byte),
      "cut": bytes.subarray(0, -1),
      "longer": new Uint8Array([...bytes, 0]),
      "of the rankings": rankings,
      "of the rankings, as long": sized(rankings),
      "older": older,
      "older, as long": sized(older),
      "nothing": new Uint8Array(),
    };
    for (const [what, sent] of Object.entries(wrong)) {
      await Deno.writeFile(path, sent);
      const bfa = await open();
      const error = await assertRejects(() => bfa.rows({ day: "2024-02-10" }), BfaError);
      assertEquals(error.code, "integrity", what);
      server.take();
      await Deno.writeFile(path, bytes);
      assertEquals(await bfa.rows({ day: "2024-02-10" }), good, what);
      assertEquals(names(server), ["blocks/availability.parquet 206", "availability.parquet 206"]);
    }
  });
});

Deno.test("a service takes 3 requests too, when it answers for a plain mirror's manifest", async () => {
  await withNumbers(async ({ publisher, server, open }) => {
    const service = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        const path = pathname.replace(/^\/v1\/artifacts/, "");
        if (path === pathname && path !== "/manifest.json") {
          return new Response(null, { status: 404 });
        }
        const { body, status, headers } = await fetch(`${server.url}${path.slice(1)}`, {
          headers: request.headers,
        });
        const named = new Headers(headers);
        named.set("x-dataset-version", VERSION);
        return new Response(body, { status, headers: named });
      },
    );
    try {
      const endpoint = `http://127.0.0.1:${service.addr.port}/`;
      const bfa = await open({ endpoint, now: () => publisher.clock });
      assertEquals((await bfa.rows({ day: "2024-02-10" })).count, 62);
      assertEquals(server.take().map(({ status }) => status), [200, 206, 206]);
    } finally {
      await service.shutdown();
    }
  });
});
