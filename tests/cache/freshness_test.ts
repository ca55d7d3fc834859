import { assertEquals } from "@std/assert";
import {
  AT,
  codeOf,
  type CopyWorld,
  MORE_LISTINGS,
  NEW,
  OLD,
  withWarmCopy,
} from "../helpers/fault_world.ts";
import { renew } from "../../lib/jobs/publish.ts";
import type { Notice, OpenOptions } from "../../lib/mod.ts";

/** Opens the copy as a new process, asks one question, and waits for what goes on behind it. */
async function ask(world: CopyWorld, options?: OpenOptions): Promise<string> {
  const dataset = await world.open(options);
  try {
    return (await dataset.symbols()).version;
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await dataset.settled();
  }
}

const UNCHANGED = ["manifest.json 304 0"];

/** One question to a copy, with an endpoint that has nothing newer. */
const NOTHING_NEWER: {
  at: keyof typeof AT;
  options?: OpenOptions;
  answer?: string;
  requests: string[];
  notices: string[];
}[] = [
  { at: "fresh", requests: [], notices: [] },
  { at: "fresh", options: { offline: true }, requests: [], notices: [] },
  { at: "fresh", options: { maxAge: 86_400_000 }, requests: [], notices: [] },
  { at: "fresh", options: { maxAge: 60_000 }, requests: UNCHANGED, notices: [] },
  { at: "due", requests: UNCHANGED, notices: [] },
  { at: "due", options: { offline: true }, requests: [], notices: [] },
  { at: "due", options: { maxAge: 60_000 }, requests: UNCHANGED, notices: [] },
  { at: "stale", requests: UNCHANGED, notices: ["publisher-late"] },
  { at: "stale", options: { offline: true }, requests: [], notices: [] },
  { at: "expired", answer: "expired", requests: UNCHANGED, notices: [] },
  { at: "expired", options: { acceptExpired: true }, requests: UNCHANGED, notices: ["expired"] },
  { at: "expired", options: { offline: true }, requests: [], notices: ["expired"] },
  { at: "expired", options: { maxAge: 0 }, answer: "expired", requests: UNCHANGED, notices: [] },
];

for (const { at, options = {}, answer = OLD, requests, notices } of NOTHING_NEWER) {
  const with_ = Object.entries(options).map(([name, value]) => ` ${name}=${value}`).join("");
  Deno.test(`a ${at} copy${with_}, nothing newer: ${requests.length} requests, answer ${answer}, notices [${notices}]`, async () => {
    await withWarmCopy(async (world) => {
      world.clock = new Date(AT[at]);
      assertEquals(await ask(world, options), answer);
      assertEquals(world.endpoint.take(), requests);
      assertEquals(world.notices, notices);
    });
  });
}

/** The first question and the next one, when the endpoint has a newer version. */
const NEWER: { at: keyof typeof AT; first: string; next: string }[] = [
  { at: "fresh", first: OLD, next: OLD },
  { at: "due", first: OLD, next: NEW },
  { at: "stale", first: NEW, next: NEW },
  { at: "expired", first: NEW, next: NEW },
];

for (const { at, first, next } of NEWER) {
  Deno.test(`a ${at} copy, a newer version: answers ${first}, then ${next}`, async () => {
    await withWarmCopy(async (world) => {
      world.clock = new Date(AT[at]);
      await world.publishListings(NEW, MORE_LISTINGS);
      const dataset = await world.open();
      assertEquals((await dataset.symbols()).version, first);
      await dataset.settled();
      assertEquals((await dataset.symbols()).version, next);
      await dataset.settled();
      const paths = world.endpoint.take().map((line) => line.split(" ").slice(0, 2).join(" "));
      assertEquals(paths, at === "fresh" ? [] : ["manifest.json 200", "listings.json 200"]);
      assertEquals(world.notices, []);
    });
  });
}

Deno.test("a due copy is not asked about again before nextCheckAt, by any process", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.due);
    await ask(world);
    assertEquals(world.endpoint.take(), UNCHANGED);
    assertEquals((await world.record())!.nextCheckAt, "2024-04-02T12:01:00.000Z");
    world.clock = new Date("2024-04-02T12:00:59.999Z");
    await ask(world);
    assertEquals(world.endpoint.take(), []);
    world.clock = new Date("2024-04-02T12:01:00Z");
    await ask(world);
    assertEquals(world.endpoint.take(), UNCHANGED);
  });
});

for (
  const [seconds, nextCheckAt] of [
    [600, "2024-04-02T12:10:00.000Z"],
    [31_536_000, "2024-04-02T12:15:00.000Z"], // as hosts say of all their files
  ] as const
) {
  Deno.test(`Cache-Control: max-age=${seconds} moves nextCheckAt, by 15 minutes at most`, async () => {
    await withWarmCopy(async (world) => {
      world.clock = new Date(AT.due);
      const headers = { "cache-control": `public, max-age=${seconds}` };
      world.endpoint.fault = () => new Response(null, { status: 304, headers });
      await ask(world);
      assertEquals((await world.record())!.nextCheckAt, nextCheckAt);
    });
  });
}

Deno.test("a copy that became stale asks, whatever it was told while it was due", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(Date.parse(AT.stale) - 1_000);
    await ask(world);
    assertEquals(world.endpoint.take(), UNCHANGED);
    world.clock = new Date(AT.stale);
    await ask(world);
    assertEquals(world.endpoint.take(), UNCHANGED);
    assertEquals(world.notices, ["publisher-late"]);
  });
});

Deno.test("maxAge on a due copy asks first, although nextCheckAt is not reached", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.due);
    await ask(world);
    world.endpoint.take();
    world.clock = new Date("2024-04-02T12:00:30Z");
    await world.publishListings(NEW, MORE_LISTINGS);
    assertEquals(await ask(world, { maxAge: 10_000 }), NEW);
  });
});

Deno.test("a stale copy says publisher-late to every process, also before nextCheckAt", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.stale);
    await ask(world);
    await ask(world);
    assertEquals(world.endpoint.take(), UNCHANGED);
    assertEquals(world.notices, ["publisher-late", "publisher-late"]);
  });
});

Deno.test("a stale copy, a server that hangs: answers within the budget, says behind alone", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.stale);
    world.endpoint.fault = () => world.ending.then(() => new Response());
    const dataset = await world.open({ budget: 50 });
    const began = performance.now();
    assertEquals((await dataset.symbols()).version, OLD);
    assertEquals((await dataset.symbols()).version, OLD);
    assertEquals(performance.now() - began < 5_000, true);
    await dataset.settled();
    assertEquals(world.endpoint.seen.filter((seen) => seen.status === 0).length, 1);
    assertEquals(world.notices, ["behind"]);
  });
});

Deno.test("a stale copy, a body that hangs: answers within the budget, says behind alone", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.stale);
    world.endpoint.fault = () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode('{"signed":')),
          pull: (controller) => world.ending.then(() => controller.close()),
        }),
      );
    const dataset = await world.open({ budget: 50 });
    assertEquals((await dataset.symbols()).version, OLD);
    await dataset.settled();
    assertEquals((await dataset.symbols()).version, OLD);
    assertEquals(world.notices, ["behind"]);
  });
});

Deno.test("an expired copy, a server that is gone: refuses with expired, answers when accepted", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.expired);
    world.endpoint.fault = () => new Response("gone", { status: 410 });
    const dataset = await world.open();
    assertEquals(await codeOf(dataset.symbols()), "expired");
    assertEquals(await ask(world, { acceptExpired: true }), OLD);
    assertEquals(world.notices, ["expired"]);
    world.endpoint.fault = undefined;
    await renew(world.publisher);
    assertEquals((await dataset.symbols()).version, OLD);
  });
});

Deno.test("a first contact with an expired manifest is refused, as a later one is", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.expired);
    const dataset = await world.open({ cacheDir: null });
    assertEquals(await codeOf(dataset.symbols()), "expired");
    assertEquals(await codeOf(dataset.symbols()), "expired");
    assertEquals(await ask(world, { cacheDir: null, acceptExpired: true }), OLD);
  });
});

Deno.test("a first contact with a stale manifest says publisher-late", async () => {
  await withWarmCopy(async (world) => {
    world.clock = new Date(AT.stale);
    assertEquals(await ask(world, { cacheDir: null }), OLD);
    assertEquals(world.notices, ["pinned", "publisher-late"]);
  });
});

/** Asks by a clock that is a year ahead, which is then set right. */
async function checkedAhead(world: CopyWorld): Promise<void> {
  const right = world.clock;
  world.clock = new Date("2025-04-01T12:05:00Z");
  await (await world.open()).refresh();
  world.clock = right;
}

Deno.test("a copy that was checked by a clock a year ahead: the corrected clock asks again", async () => {
  await withWarmCopy(async (world) => {
    await checkedAhead(world);
    await world.publishListings(NEW, MORE_LISTINGS);
    assertEquals((await (await world.open()).refresh()).version, NEW);
  });
  await withWarmCopy(async (world) => {
    await checkedAhead(world);
    world.clock = new Date(AT.stale);
    await world.publishListings(NEW, MORE_LISTINGS);
    assertEquals(await ask(world), NEW);
  });
  await withWarmCopy(async (world) => {
    await checkedAhead(world);
    await world.publishListings(NEW, MORE_LISTINGS);
    assertEquals(await ask(world), OLD); // a fresh copy asks nobody
    assertEquals(await ask(world, { maxAge: 10_000 }), NEW);
  });
});

/** A clock that lost its battery: the copy was signed in its future. */
const BEHIND = new Date("1970-01-01T00:00:10Z");

Deno.test("a clock that is behind: the copy is not fresh for ever; it asks first, and says which clock to set", async () => {
  await withWarmCopy(async (world) => {
    const told: Notice[] = [];
    const onNotice = (notice: Notice) => told.push(notice);
    world.clock = BEHIND;
    assertEquals(await ask(world, { onNotice }), OLD);
    assertEquals(world.endpoint.take(), UNCHANGED);
    assertEquals(told.splice(0), [{
      kind: "clock",
      version: OLD,
      publishedAt: "2024-04-01T12:05:00Z",
      now: "1970-01-01T00:00:10.000Z",
    }]);
    // Not at every question: what the publisher said counts for a while by any clock.
    assertEquals(await ask(world), OLD);
    assertEquals([world.endpoint.take(), world.notices.splice(0)], [[], ["clock"]]);
    assertEquals(await ask(world, { offline: true }), OLD);
    assertEquals([world.endpoint.take(), world.notices.splice(0)], [[], ["clock"]]);
    assertEquals((await (await world.open()).status()).publisher, "unknown");
    world.clock = new Date(AT.fresh);
    await world.publishListings(NEW, MORE_LISTINGS);
    world.clock = new Date(BEHIND.getTime() + 60_000);
    assertEquals(await ask(world), NEW);
    assertEquals(world.notices, ["clock"]);
  });
});

Deno.test("a clock that is behind, and nobody answers: the copy answers and says both", async () => {
  await withWarmCopy(async (world) => {
    world.clock = BEHIND;
    world.endpoint.fault = () => new Response("gone", { status: 410 });
    assertEquals(await ask(world), OLD);
    assertEquals(world.notices, ["clock", "behind"]);
  });
});

Deno.test("a first contact by a clock that is behind says so; a version that was asked for by name does not", async () => {
  await withWarmCopy(async (world) => {
    world.clock = BEHIND;
    assertEquals(await ask(world, { cacheDir: null }), OLD);
    assertEquals(world.notices.splice(0), ["pinned", "clock"]);
    assertEquals(await ask(world, { version: OLD }), OLD);
    assertEquals(world.notices, []);
  });
});

Deno.test("a newer manifest that has expired does not take the place of a copy that has not", async () => {
  await withWarmCopy(async (world) => {
    await world.publishListings(NEW, MORE_LISTINGS);
    const ended = "2024-04-02T13:00:00Z";
    await world.forge({
      freshness: { refreshAfter: ended, staleAfter: ended, expiresAt: ended },
    });
    world.clock = new Date(AT.stale);
    const before = await world.record();
    const error = await (await world.open()).refresh().catch((error) => error);
    assertEquals(
      [error.code, error.message],
      [
        "stale",
        `Cannot accept manifest 2 (${NEW}): its signature ended on ${ended}, before that of ${OLD}; tell its publisher`,
      ],
    );
    assertEquals(await world.record(), before);
    assertEquals(await ask(world), OLD);
    assertEquals(world.notices.splice(0), ["behind"]);
    // Where the copy has expired, too, the newer of the two is kept.
    world.clock = new Date(AT.expired);
    assertEquals(await ask(world, { acceptExpired: true }), NEW);
    assertEquals(world.notices, ["expired"]);
  });
});
