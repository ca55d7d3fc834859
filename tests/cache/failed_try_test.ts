import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { retryAt } from "../../lib/core/freshness.ts";
import type { Notice } from "../../lib/mod.ts";
import {
  AT,
  type CopyWorld,
  MORE_LISTINGS,
  NEW,
  OLD,
  withWarmCopy,
} from "../helpers/fault_world.ts";

/** Asks one question at an instant, as a new process; what it answered, and how many requests that took. */
async function askAt(world: CopyWorld, at: string): Promise<[version: string, requests: number]> {
  world.clock = new Date(at);
  world.endpoint.take();
  const dataset = await world.open();
  const { version } = await dataset.symbols();
  await dataset.settled();
  return [version, world.endpoint.take().length];
}

const silent = () => new Response("later", { status: 410 });

Deno.test("retryAt(): half a minute, then twice as long each time, a quarter of an hour at most", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 60].map((count) =>
    (retryAt({ at: "2024-04-02T18:00:00Z", count }).getTime() - Date.parse(AT.stale)) / 1000
  );
  assertEquals(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
});

for (const at of ["due", "stale"] as const) {
  Deno.test(`a ${at} copy, a silent publisher: processes ask again after 30 s, then after 60 s, not before`, async () => {
    await withWarmCopy(async (world) => {
      world.endpoint.fault = silent;
      const time = (seconds: number) => new Date(Date.parse(AT[at]) + seconds * 1000).toISOString();
      for (const [seconds, requests] of [[0, 1], [1, 0], [29, 0], [30, 1], [89, 0], [90, 1]]) {
        assertEquals(await askAt(world, time(seconds!)), [OLD, requests!], `at ${seconds} s`);
      }
      assertEquals((await world.record())!.failed, {
        at: time(90),
        count: 3,
        code: "network",
        reason: `Cannot fetch ${world.endpoint.url}manifest.json: the server answered 410`,
      });
    });
  });
}

Deno.test("the notice of a stale copy says when it asks again, also in the process that does not ask", async () => {
  await withWarmCopy(async (world) => {
    world.endpoint.fault = silent;
    world.clock = new Date(AT.stale);
    const told: (Notice & { kind: "behind" })[] = [];
    const onNotice = (notice: Notice) => void (notice.kind === "behind" && told.push(notice));
    for (let i = 0; i < 2; i++) await (await world.open({ onNotice })).symbols();
    assertEquals(told.map((notice) => [notice.retryAt, notice.reason]), [
      [
        "2024-04-02T18:00:30.000Z",
        `Cannot fetch ${world.endpoint.url}manifest.json: the server answered 410`,
      ],
      [
        "2024-04-02T18:00:30.000Z",
        `Cannot fetch ${world.endpoint.url}manifest.json: the server answered 410`,
      ],
    ]);
  });
});

Deno.test("refresh() asks at once, and its success ends the waiting", async () => {
  await withWarmCopy(async (world) => {
    world.endpoint.fault = silent;
    await askAt(world, AT.stale);
    world.endpoint.fault = undefined;
    await world.publishListings(NEW, MORE_LISTINGS);
    assertEquals((await (await world.open()).refresh()).version, NEW);
    assertEquals((await world.record())!.failed, undefined);
  });
});

Deno.test("a failed try of the future counts for nothing: the clock was ahead then", async () => {
  await withWarmCopy(async (world) => {
    world.endpoint.fault = silent;
    await askAt(world, "2024-04-10T00:00:00Z");
    assertEquals(await askAt(world, AT.stale), [OLD, 1]);
  });
});

Deno.test("a cache that cannot be written: the process that failed remembers", async () => {
  await withWarmCopy(async (world) => {
    world.endpoint.fault = silent;
    world.clock = new Date(AT.stale);
    const sources = join(world.cacheDir, "v1/sources");
    for await (const { name } of Deno.readDir(sources)) {
      const record = join(sources, name, "current.json");
      const text = await Deno.readTextFile(record);
      const dataset = await world.open();
      await dataset.symbols();
      await Deno.writeTextFile(record, text); // as if it had not been written
      world.endpoint.take();
      assertEquals((await dataset.symbols()).version, OLD);
      assertEquals(world.endpoint.take(), []);
    }
  });
});
