/** Many questions at the same time on what is not there yet, and questions that are given up. */

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { join } from "@std/path";
import { BfaError, type Dataset, open, type OpenOptions } from "../../lib/mod.ts";
import { serveMirror, type TestEndpoint } from "../helpers/endpoint.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { type TestPublisher, withPublisher } from "../helpers/publisher.ts";

interface World {
  readonly publisher: TestPublisher;
  readonly server: TestEndpoint;
}

async function withNumbers(test: (world: World) => Promise<void>): Promise<void> {
  await withPublisher(async (publisher) => {
    await publishNumbers(publisher, "2024-03-31.1", MANY_LISTINGS);
    const server = serveMirror(publisher.mirrorDir);
    try {
      await test({ publisher, server });
    } finally {
      await server.close();
    }
  });
}

const KINDS: readonly [string, OpenOptions][] = [
  ["a copy in a folder", { cacheDir: "folder" }],
  ["a copy in memory", { cacheDir: null }],
  ["no copy", { cacheDir: null, copy: "none" }],
];

async function opened({ publisher, server }: World, own: OpenOptions): Promise<Dataset> {
  const cacheDir = own.cacheDir && await Deno.makeTempDir({ dir: publisher.dir });
  return await open({ endpoint: server.url, now: () => publisher.clock, ...own, cacheDir });
}

/** What was asked for, without the bytes. */
const names = (server: TestEndpoint) => server.take().map((line) => line.split(" ")[0]!).sort();

for (const [name, options] of KINDS) {
  Deno.test(`a hundred questions at once on ${name} ask for each thing once`, async () => {
    await withNumbers(async (world) => {
      const { server } = world;
      const bfa = await opened(world, options);
      const hundred = <T>(ask: () => Promise<T>) => Promise.all(Array.from({ length: 100 }, ask));
      await hundred(() => bfa.snapshot("latest"));
      assertEquals(names(server), ["listings.json", "manifest.json"]);
      const days = await hundred(() => bfa.rows({ day: "2024-02-10" }));
      assertEquals(new Set(days.map(({ count }) => count)), new Set([62]));
      const none = options.copy === "none"; // an index, then the blocks
      assertEquals(
        names(server),
        none ? ["availability.parquet", "blocks/availability.parquet"] : ["parts/2024-02.parquet"],
      );
      await hundred(() => bfa.top("latest"));
      assertEquals(names(server), [
        ...none ? ["blocks/volume-rankings.parquet"] : [],
        "volume-rankings.parquet",
      ]);
      await hundred(() => bfa.bytes("datapackage.json"));
      assertEquals(names(server), ["datapackage.json"]);
    });
  });

  Deno.test(`a question on ${name} ends when it is given up, whatever it waits for`, async () => {
    await withNumbers(async (world) => {
      const { server, publisher } = world;
      const csv = join(publisher.dir, "rows.csv");
      const questions: [string, (bfa: Dataset, signal: AbortSignal) => Promise<unknown>][] = [
        ["rows", (bfa, signal) => bfa.rows({ symbol: "S01USDT", signal })],
        ["top", (bfa, signal) => bfa.top("latest", 3, { signal })],
        ["diff", (bfa, signal) => bfa.diff("latest", "2024-03-31.1", { signal })],
        ["sql", (bfa, signal) => bfa.sql("FROM listings", [], { signal })],
        ["export", (bfa, signal) => bfa.export(csv, { signal })],
      ];
      for (const [question, ask] of questions) {
        for (const waiting of ["nothing", "manifest.json", "listings.json", ".parquet"]) {
          if (waiting === ".parquet" && !["rows", "top"].includes(question)) continue;
          const bfa = await opened(world, options);
          const stop = new AbortController();
          const reason = new Error("enough");
          const release = Promise.withResolvers<void>();
          let stopped = waiting === "nothing";
          if (stopped) stop.abort(reason);
          server.fault = (_, path) => {
            if (!path.endsWith(waiting)) return undefined;
            stopped = true;
            stop.abort(reason);
            return release.promise.then(() => undefined as unknown as Response);
          };
          const error = await ask(bfa, stop.signal).then(() => undefined, (error) => error);
          release.resolve();
          server.fault = undefined;
          const what = `${question}, ${waiting}`;
          if (!stopped) { // that kind of copy has no need of it
            assert(error === undefined || error instanceof BfaError, what);
          } else if (question === "sql") {
            assert(error instanceof BfaError && error.code === "deadline", what);
            assertStrictEquals(error.cause, reason, what);
          } else assertStrictEquals(error, reason, what);
          // What went on is there for the next one, and over when that is.
          await ask(bfa, new AbortController().signal).catch(() => {});
          await Deno.remove(csv).catch(() => {});
        }
      }
      assertEquals(
        await Array.fromAsync(Deno.readDir(publisher.dir), (e) => e.name)
          .then((all) => all.filter((name) => name.includes("csv"))),
        [],
      );
    });
  });
}

Deno.test("one that gives up does not take the request from others who wait for it", async () => {
  await withNumbers(async (world) => {
    const { server } = world;
    const bfa = await opened(world, { cacheDir: null, copy: "none" });
    await bfa.rows({ day: "2024-01-10" });
    const stop = new AbortController();
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    server.take();
    server.fault = (_, path) => {
      if (!path.endsWith("availability.parquet")) return undefined;
      arrived.resolve();
      return release.promise.then(() => undefined as unknown as Response);
    };
    const first = bfa.rows({ day: "2024-03-10", signal: stop.signal });
    const second = bfa.rows({ day: "2024-03-10" });
    await arrived.promise;
    stop.abort();
    await assertRejects(() => first, DOMException);
    release.resolve();
    assertEquals((await second).count, 61);
    assertEquals(names(server), ["availability.parquet"]);
  });
});

Deno.test("what bytes() gives away is the caller's: the copy in memory keeps its own", async () => {
  await withNumbers(async (world) => {
    const bfa = await opened(world, { cacheDir: null });
    const bytes = await bfa.bytes("listings.json");
    bytes.fill(0);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    assertEquals((await bfa.bytes("listings.json"))[0], "{".charCodeAt(0));
  });
});

Deno.test("a file of a copy in memory is refused before it is downloaded", async () => {
  await withNumbers(async (world) => {
    const bfa = await opened(world, { cacheDir: null });
    await bfa.snapshot("latest");
    world.server.take();
    for (const ask of [() => bfa.path("availability.parquet"), () => bfa.sql("SELECT 1")]) {
      const error = await assertRejects(ask, BfaError, "the copy is in memory");
      assertEquals(error.code, "storage");
    }
    assertEquals(names(world.server), []);
  });
});
