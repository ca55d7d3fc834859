/** Rows out of any mirror, as a service asks for them: one cache for all versions and questions. */

import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import type { ManifestBody } from "../../lib/core/manifest.ts";
import { mirrorRows, RowCache } from "../../lib/jobs/row_source.ts";
import { type Fetch, open } from "../../lib/mod.ts";
import { currentManifest } from "../../lib/manifest/store.ts";
import { directoryMirror } from "../../lib/mirror/directory.ts";
import { httpMirror } from "../../lib/mirror/http.ts";
import type { MirrorReader } from "../../lib/mirror/mirror.ts";
import { httpClient } from "../../lib/net/client.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { type TestPublisher, withPublisher } from "../helpers/publisher.ts";
import { serveRanges } from "../helpers/range_server.ts";
import { withService } from "../helpers/service.ts";

/** A mirror that notes what is read of it. */
function noted(mirror: MirrorReader): MirrorReader & { reads: number } {
  const counted = {
    name: mirror.name,
    reads: 0,
    size: (path: string) => mirror.size(path),
    open(...args: Parameters<MirrorReader["open"]>) {
      counted.reads++;
      return mirror.open(...args);
    },
  };
  return counted;
}

async function bodyOf({ publisher }: TestPublisher): Promise<ManifestBody> {
  return (await currentManifest(publisher.store, "latest"))!.manifest.signed;
}

Deno.test("`mirrorRows()` answers from a folder and over HTTP as a client does", async () => {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, "2024-03-31.1", MANY_LISTINGS);
    const body = await bodyOf(publisher);
    const server = serveRanges(publisher.mirrorDir);
    try {
      const now = () => publisher.clock;
      const client = await open({ endpoint: server.url, copy: "none", cacheDir: null, now });
      const day = await client.rows({ day: "2024-02-10", columns: "all" });
      const symbol = await client.rows({ symbol: "S07USDT" });
      const top = await client.top("latest", 7);
      for (
        const mirror of [directoryMirror(publisher.mirrorDir), httpMirror(server.url, httpClient())]
      ) {
        const rows = mirrorRows(mirror, body);
        assertEquals(await rows.rows({ day: "2024-02-10", columns: "all" }), day);
        assertEquals(await rows.rows({ symbol: "S07USDT" }), symbol);
        assertEquals(await rows.top("latest", 7), top);
        assertEquals((await rows.rows({ symbol: "NOSUCHUSDT" })).count, 0);
      }
    } finally {
      await server.close();
    }
  });
});

Deno.test("one cache serves every version: what two of them share is read once", async () => {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, "2024-03-31.1", MANY_LISTINGS);
    const body = await bodyOf(publisher);
    const mirror = noted(directoryMirror(publisher.mirrorDir));
    const cache = new RowCache();
    await mirrorRows(mirror, body, cache).rows({ day: "2024-02-10" });
    assertEquals(mirror.reads, 2);
    await mirrorRows(mirror, { ...body, version: "2024-03-31.2" }, cache).rows({
      day: "2024-02-10",
    });
    assertEquals(mirror.reads, 2);
    await mirrorRows(mirror, body, cache).top("latest");
    assertEquals(mirror.reads, 4);
  });
});

Deno.test("a cache holds no more bytes than it may, and answers all the same", async () => {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, "2024-03-31.1", MANY_LISTINGS);
    const body = await bodyOf(publisher);
    const mirror = noted(directoryMirror(publisher.mirrorDir));
    const cache = new RowCache(40_000);
    const rows = mirrorRows(mirror, body, cache);
    for (const day of ["2023-12-10", "2024-01-10", "2024-02-10", "2024-03-10"]) {
      assertEquals((await rows.rows({ day })).rows[0]!.date, day as never);
      assertEquals(cache.blocks.calculatedSize <= 40_000, true);
    }
    assertEquals(mirror.reads, 5);
    await rows.rows({ day: "2024-03-10" });
    assertEquals(mirror.reads, 5);
    await rows.rows({ day: "2023-12-10" });
    assertEquals(mirror.reads, 6);
  });
});

Deno.test("a mirror that lost the artifact is `unavailable`; the next question asks again", async () => {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, "2024-03-31.1", MANY_LISTINGS);
    const body = await bodyOf(publisher);
    const cache = new RowCache();
    const empty = mirrorRows(directoryMirror(`${publisher.dir}/nothing`), body, cache);
    const error = await assertRejects(() => empty.rows({ day: "latest" }), BfaError);
    assertEquals(error.code, "unavailable");
    const there = mirrorRows(directoryMirror(publisher.mirrorDir), body, cache);
    assertEquals((await there.rows({ day: "latest" })).count, 62);
  });
});

Deno.test("a client without a copy reads ranges of the artifacts that a service serves", async () => {
  await withService(async ({ world, followed, listen }) => {
    const switched = Promise.withResolvers<void>();
    const stop = followed.onChange(() => switched.resolve());
    await publishNumbers(world, "2024-03-31.2", MANY_LISTINGS);
    await switched.promise;
    stop();
    const statuses: number[] = [];
    const counting: Fetch = async (url, init) => {
      const response = await fetch(url, init);
      statuses.push(response.status);
      return response;
    };
    const now = () => world.clock;
    const options = { endpoint: listen(), copy: "none", cacheDir: null, now } as const;
    const bfa = await open({ ...options, fetch: counting });
    const { rows } = await bfa.rows({ day: "2024-02-10" });
    assertEquals([rows.length, rows[7]!.symbol], [62, "S07USDT"]);
    assertEquals(statuses.slice(-3), [200, 206, 206]);
    statuses.length = 0;
    await bfa.rows({ day: "latest" });
    assertEquals(statuses, [206]);
  });
});
