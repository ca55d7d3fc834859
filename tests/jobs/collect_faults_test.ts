import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError, type ErrorCode } from "../../lib/core/errors.ts";
import { listing } from "../helpers/listing.ts";
import type { ObservationStore } from "../../lib/engine/observations.ts";
import { collect } from "../../lib/jobs/collect.ts";
import type { VisionLister } from "../../lib/source/vision.ts";
import {
  brokenOff,
  cutPage,
  type Fault,
  firstTimes,
  forbidden,
  htmlPage,
  repeatedPage,
  serverError,
  tooMany,
  when,
} from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { quarantineKeys } from "../helpers/bucket_odd.ts";
import { filesOf, smallListings, withCollecting } from "../helpers/collecting.ts";
import { spawnDeno, waitForLine } from "../helpers/process.ts";

const THROUGH = parseDay("2026-03-31");
const NOON = "2026-04-01T12:00:00.000Z";
const PROGRAM = fromFileUrl(new URL("../helpers/collect_process.ts", import.meta.url));

/** Three pages of LONGUSDT, one of each of the others. */
const PAST = history([...smallListings(), listing("LONGUSDT#1", "2023-01-01")], {
  through: THROUGH,
});

/** Pages are asked for again at once. */
async function withoutJitter(test: () => Promise<void>): Promise<void> {
  const random = Math.random;
  Math.random = () => 0;
  try {
    await test();
  } finally {
    Math.random = random;
  }
}

type Place = readonly [name: string, picks: (fault: Fault) => Fault];

const PLACES: readonly Place[] = [
  [
    "the page of directories",
    (fault) => when(({ kind, marker }) => kind === "prefixes" && marker === "", fault),
  ],
  [
    "page 2 of a symbol",
    (fault) => when(({ prefix, marker }) => prefix.includes("LONGUSDT") && marker !== "", fault),
  ],
];

const PASSING: readonly (readonly [string, Fault])[] = [
  ["429 with Retry-After", tooMany(0)],
  ["500", serverError()],
  ["HTML", htmlPage()],
  ["a cut page", cutPage()],
  ["a broken connection", brokenOff()],
  ["a repeated page", repeatedPage()],
];

for (const [place, picks] of PLACES) {
  for (const [name, fault] of PASSING) {
    Deno.test(`${name} twice on ${place} is asked for again`, () =>
      withoutJitter(() =>
        withCollecting(PAST, NOON, async (world) => {
          // The first page has no marker to repeat from.
          const first = name === "a repeated page" && place !== "page 2 of a symbol";
          world.bucket.fault = firstTimes(2, picks(fault));
          const report = await world.collect({ full: true });
          const expected = filesOf(PAST, world.clock);
          assertEquals(await world.files(), expected);
          assertEquals([report.added, report.odd], [expected.length, 0]);
          const { prefixes, keys } = world.bucket.take();
          assertEquals(prefixes + keys, 2 + 12 + 3 + (first ? prefixes - 2 : 2));
        })
      ));
  }
}

const LASTING: readonly (readonly [string, Fault, ErrorCode, number])[] = [
  ["403", forbidden(), "network", 1],
  ["429 without end", tooMany(0), "network", 3],
  ["429 with an hour of Retry-After", tooMany(3_600), "network", 1],
  ["500", serverError(), "network", 3],
  ["HTML", htmlPage(), "integrity", 3],
  ["a cut page", cutPage(), "integrity", 3],
  ["a broken connection", brokenOff(), "network", 3],
  ["a repeated page", repeatedPage(), "integrity", 3],
];

for (const [place, picks] of PLACES) {
  for (const [name, fault, code, tries] of LASTING) {
    if (name === "a repeated page" && place === "the page of directories") continue;
    Deno.test(`${name} on ${place} stops the run, and the next one completes it`, () =>
      withoutJitter(() =>
        withCollecting(PAST, NOON, async (world) => {
          let broken = 0;
          world.bucket.fault = picks((...args) => (broken++, fault(...args)));
          const error = await assertRejects(() => world.collect({ full: true }), BfaError);
          assertEquals([error.code, broken], [code, tries]);
          assertEquals(error.message.includes("\n"), false);
          const expected = filesOf(PAST, world.clock);
          const half = place === "page 2 of a symbol" ? await world.files() : [];
          // What was learned is whole symbols, as they are, and not the broken one.
          const learned = new Set(half.map((file) => file.symbol));
          assertEquals(learned.has("LONGUSDT"), false);
          assertEquals(half, expected.filter((file) => learned.has(file.symbol)));

          world.bucket.fault = undefined;
          world.bucket.take();
          const report = await world.collect({ full: true });
          assertEquals(report.resumed, learned.size);
          assertEquals(world.bucket.take().keys, 12 - learned.size + 3);
          assertEquals(await world.files(), expected);
        })
      ));
  }
}

Deno.test("a directory page that repeats for ever stops the run", () =>
  withoutJitter(() => {
    const many = Array.from(
      { length: 1_050 },
      (_, i) => listing(`S${String(i).padStart(4, "0")}USDT#1`, "2026-03-29"),
    );
    return withCollecting(history(many, { through: THROUGH }), NOON, async (world) => {
      world.bucket.fault = when(({ marker }) => marker !== "", repeatedPage());
      const error = await assertRejects(() => world.collect({ full: true }), BfaError);
      assertEquals(error.code, "integrity");
      const { prefixes, keys } = world.bucket.take();
      assertEquals({ prefixes, keys }, { prefixes: 1 + 1 + 3, keys: 0 });
    });
  }));

Deno.test("a run that was interrupted before the day's files is not gone on with after them", async () => {
  await withCollecting(PAST, "2026-03-31T12:00:00.000Z", async (world) => {
    await world.collect({ full: true });
    // Fails at noon of one day, and runs again a little earlier on the next.
    world.clock = new Date("2026-03-31T12:00:05.000Z");
    world.bucket.fault = when(({ prefix }) => prefix.includes("ZECUSDT"), forbidden());
    await assertRejects(() => world.collect({ concurrency: 1 }), BfaError);
    world.bucket.fault = undefined;
    world.clock = new Date("2026-04-01T12:00:00.000Z");
    await world.collect();
    assertEquals((await world.files()).length, filesOf(PAST, world.clock).length);
  });
});

Deno.test("the report of a run that needed three tries is that of one that needed one", async () => {
  const past = history([...smallListings(), listing("NEWUSDT#1", "2026-03-20")], {
    through: THROUGH,
    late: [{ symbol: "ETHUSDT", from: "2026-03-18", days: 6 }],
    uploads: [{ symbol: "BTCUSDT", from: "2026-03-12", at: "2026-03-22T05:00:00.000Z" }],
    removals: [{ symbol: "GAPUSDT", from: "2026-03-12", at: "2026-03-22T05:00:00.000Z" }],
    odd: quarantineKeys("SOLUSDT", parseDay("2026-03-16"), "2026-03-17T07:30:00.000Z"),
  });
  const reportOf = async (failAt: readonly string[]) => {
    let report: Awaited<ReturnType<typeof collect>> | undefined;
    await withCollecting(past, "2026-03-21T06:00:00.000Z", async (world) => {
      await world.collect({ full: true });
      for (const symbol of failAt) {
        world.clock = new Date("2026-03-25T11:00:00.000Z");
        world.bucket.fault = when(({ prefix }) => prefix.includes(symbol), forbidden());
        await assertRejects(() => world.collect({ concurrency: 1, batchFiles: 10 }), BfaError);
      }
      world.bucket.fault = undefined;
      world.clock = new Date("2026-03-25T12:00:00.000Z");
      report = await world.collect({ concurrency: 1, batchFiles: 10 });
      assertEquals(await world.files(), filesOf(past, world.clock).filter(notEmpty));
      const stored = await world.withStore((store) => store.lastReport());
      assertEquals<unknown>(stored, report);
    });
    return report!;
  };
  // The empty file that stands in place of SOLUSDT's own.
  const notEmpty = (file: { symbol: string; date: string }) =>
    file.symbol !== "SOLUSDT" || file.date !== "2026-03-16";
  const once = await reportOf([]);
  const { added, changed, gone, late, odd, newSymbols, changes } = once;
  // 5 days of 10 symbols and a late one, and all 5 of the new one.
  assertEquals({ added, changed, gone, late, newSymbols }, {
    added: 10 * 5 + 1 + 5,
    changed: 1,
    gone: 1,
    late: 1,
    newSymbols: ["NEWUSDT"],
  });
  assertEquals(odd, 7); // those of days before the look-back are not listed again
  assertEquals<unknown>(changes, [
    { symbol: "ETHUSDT", date: "2026-03-18", what: "late" },
    { symbol: "BTCUSDT", date: "2026-03-12", what: "changed" },
    { symbol: "GAPUSDT", date: "2026-03-12", what: "gone" },
  ]);
  const thrice = await reportOf(["HALTUSDT", "XRPUSDT"]);
  assertEquals(thrice.resumed, 10);
  // Each try lists the directories, and its failures may cost a page: they are no symbol's.
  assertEquals(thrice, { ...once, resumed: 10, requests: once.requests });
});

Deno.test("a store that cannot write stops the run with its own error", async () => {
  const broken = {
    symbols: () => Promise.resolve(new Map()),
    begin: () => Promise.resolve({ id: 1, startedAt: NOON, done: new Set<string>() }),
    learn: () => Promise.reject(new BfaError("storage", "the disk is full")),
  } as unknown as ObservationStore;
  const objects = filesOf(PAST, new Date(NOON)).filter((f) => f.symbol === "LONGUSDT").map((f) => ({
    key: "data/futures/um/daily/klines/AUSDT/1m/AUSDT-1m-" + f.date + ".zip",
    size: f.bytes,
    lastModified: f.lastModified,
    etag: f.etag,
  }));
  const lister: VisionLister = {
    requests: 0,
    async *directories() {
      yield "data/futures/um/daily/klines/AUSDT/";
      yield "data/futures/um/daily/klines/BUSDT/";
    },
    async *files(symbol) {
      if (symbol === "AUSDT") { // 50,000 files: a batch is written while the listing goes on
        for (let i = 0; i < 50; i++) yield { keys: 1000, objects, prefixes: [], next: "x" };
      } else {
        await new Promise((done) => setTimeout(done, 20)); // the failure comes first
        yield { keys: 0, objects: [], prefixes: [], next: undefined };
      }
    },
  };
  const error = await assertRejects(
    () => collect(broken, lister, { full: true, now: () => new Date(NOON), concurrency: 1 }),
    BfaError,
  );
  assertEquals(error.code, "storage");
});

Deno.test("a second collection is told which process holds the file", async () => {
  await withCollecting(PAST, NOON, async (world) => {
    await world.collect({ full: true });
    const child = spawnDeno(
      ["run", "-A", "--no-check", "--quiet", PROGRAM, "hold", world.observations],
    );
    try {
      await waitForLine(child, /held/);
      const error = await assertRejects(() => world.collect(), BfaError);
      assertEquals(error.code, "unavailable");
      assertStringIncludes(error.message, `PID ${child.pid}`);
      assert(!error.message.includes("\n"), error.message);
    } finally {
      await child.stop("SIGKILL");
    }
    assertEquals((await world.collect()).added, 0);
  });
});
