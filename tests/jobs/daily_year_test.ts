import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { addDays, type Day } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { parseListings } from "../../lib/core/listings_file.ts";
import { build } from "../../lib/jobs/build.ts";
import { collectKlines } from "../../lib/jobs/collect_klines.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { open } from "../../lib/mod.ts";
import { cutPage, htmlPage, serverError, when } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { quarantineKeys } from "../helpers/bucket_odd.ts";
import { type Collecting, filesOf, withCollecting } from "../helpers/collecting.ts";
import { type DailyWorld, withDaily } from "../helpers/daily_world.ts";
import { serveMirror } from "../helpers/endpoint.ts";

/** A cycle is a third of a year, near enough; `deno task year` runs 365 days, of three cycles and a rest. */
const DAYS = Number(Deno.env.get("BFA_TEST_DAYS") ?? 100);
const CYCLE = 100;
const CYCLES = Math.floor(DAYS / CYCLE);
const FIRST_RUN = "2026-07-01" as Day;

/** A day, counted from the first run. */
const on = (day: number) => addDays(FIRST_RUN, day);
const at = (day: number) => `${on(day)}T05:00:00.000Z`;

/** Volume and prices are collected from here on. */
const NUMBERS_SINCE = on(DAYS - 12);

/** An empty file stands in place of this one. */
const EMPTY = { symbol: "S22USDT", day: on(5) };

/** Those that trade from before the first run to after the last one. */
const TRADING = [
  ...Array.from({ length: 20 }, (_, i) => listing(`S${10 + i}USDT#1`, "2026-06-20")),
  listing("BTCUSDT#1", "2026-06-11"),
];

/** What happens in a cycle: to symbols, to files, and the days on which the source fails. */
function cycle(number: number) {
  const start = number * CYCLE;
  const [day, time] = [(n: number) => on(start + n), (n: number) => at(start + n)];
  const named = (name: string) => `${name}${number || ""}USDT`;
  // A dated contract ends with the day in its name.
  const dated = `BTCUSDT_${day(58).slice(2).replaceAll("-", "")}`;
  return {
    listings: [
      listing(`${named("BACK")}#1`, "2026-06-20", day(14), day(40)),
      listing(`${named("BACK")}#2`, day(75)),
      listing(`${named("AGAIN")}#1`, "2026-06-20", day(48)),
      listing(`${named("AGAIN")}#2`, day(74)),
      listing(`${named("END")}#1`, "2026-06-20", day(30), day(80)),
      listing(`${named("币安人生")}#1`, day(52)),
      listing(`${dated}#1`, day(10), day(58), day(58)),
    ],
    late: [
      { symbol: "S11USDT", from: day(20), days: 15 },
      { symbol: "S12USDT", from: day(36), to: day(37), days: 1 },
      { symbol: "S13USDT", from: day(12), days: 60 },
      { symbol: "S14USDT", from: day(91), days: 3 },
    ],
    uploads: [
      { symbol: "S15USDT", from: day(26), to: day(28), at: time(32) },
      { symbol: "S16USDT", from: day(8), to: day(10), at: time(70) },
    ],
    removals: [
      { symbol: "S19USDT", from: day(42), at: time(47) },
      { symbol: "S20USDT", from: day(3), at: time(60) },
    ],
    gaps: [{ symbol: "S21USDT", from: day(62), interval: "1m" as const }],
    failures: [
      [day(24), when(({ prefix }) => prefix.includes("S20USDT"), serverError())],
      [day(57), when(({ kind }) => kind === "prefixes", htmlPage())],
      [day(90), when(({ prefix }) => prefix.includes("S12USDT"), cutPage())],
    ] as const,
    /** What the reports tell, each once. */
    events: [
      `+${dated}#1`,
      `-${dated}#1`,
      `+${named("币安人生")}#1`,
      `-${named("END")}#1`,
      ...["BACK", "AGAIN"].flatMap((name) => [`-${named(name)}#1`, `+${named(name)}#2`]),
    ],
  };
}

const cycles = Array.from({ length: CYCLES }, (_, number) => cycle(number));

const PAST = history([...TRADING, ...cycles.flatMap(({ listings }) => listings)], {
  through: on(DAYS + 30),
  late: cycles.flatMap(({ late }) => late),
  uploads: [
    ...cycles.flatMap(({ uploads }) => uploads),
    // Numbers of these days were read before.
    { symbol: "S17USDT", from: on(DAYS - 10), at: at(DAYS - 7) },
    { symbol: "S18USDT", from: on(DAYS - 10), at: at(DAYS - 7), interval: "1d" },
  ],
  removals: cycles.flatMap(({ removals }) => removals),
  gaps: cycles.flatMap(({ gaps }) => gaps),
  odd: quarantineKeys(EMPTY.symbol, EMPTY.day, `${on(6)}T07:30:00.000Z`),
});

const FAILURES = new Map(cycles.flatMap(({ failures }) => failures));

/** Every twelfth day, and those before a failure. */
const ASKED: ReadonlySet<Day> = new Set(
  Array.from({ length: DAYS }, (_, i) => addDays(FIRST_RUN, i))
    .filter((day, i) => i % 12 === 0 || FAILURES.has(addDays(day, 1))),
);

const numbersOf = (world: Collecting) => ({
  fetch: world.fetchNumbers,
  since: NUMBERS_SINCE,
  sweepRuns: 3,
  now: () => world.clock,
});

Deno.test(`${DAYS} days, one after another, end like one full collection; and every day can be asked for`, async () => {
  await withDaily(PAST, async (world) => {
    const endpoint = serveMirror(world.side.mirrorDir);
    const ask = () =>
      open({
        endpoint: endpoint.url,
        cacheDir: join(world.side.dir, "cache"),
        now: () => world.source.clock,
      });
    const answers = new Map<Day, unknown>();
    const versions: string[] = [];
    const events: string[] = [];
    let [late, changed, gone] = [0, 0, 0];
    const random = Math.random;
    Math.random = () => 0; // no waits between tries
    try {
      for (let i = 0; i < DAYS; i++) {
        const day = addDays(FIRST_RUN, i);
        // Runs start a little earlier or later than a day after the last one.
        const now = `${day}T12:00:${i % 2 ? "01" : "20"}.000Z`;
        world.source.bucket.fault = FAILURES.get(day);
        if (FAILURES.has(day)) {
          await assertRejects(() => world.runAt(now));
          continue;
        }
        const numbers = day > NUMBERS_SINCE ? numbersOf(world.source) : undefined;
        const report = await world.runAt(now, { full: i === 0, sweepRuns: 10, numbers });
        assertEquals(report.gates.filter(({ ok }) => !ok), [], `on ${day}`);
        assertEquals([report.channel, report.dataThrough], ["latest", addDays(day, -1)]);
        versions.push(report.version);
        if (i > 0) events.push(...report.newListings.map((e) => `+${e.listing}`));
        events.push(...report.delistings.map((e) => `-${e.listing}`));
        late += report.collected.late;
        changed += report.collected.changed;
        gone += report.collected.gone;
        if (ASKED.has(day)) {
          const dataset = await ask();
          await dataset.refresh(); // the copy of yesterday may still be good enough
          answers.set(day, await answersOf(dataset, addDays(day, -1)));
        }
      }
    } finally {
      Math.random = random;
    }
    assertEquals(versions.length, DAYS - FAILURES.size);
    assertEquals((await world.side.publisher.store.versions()).map((v) => v.version), versions);
    assertEquals(events.sort(), cycles.flatMap((each) => each.events).sort());
    assertEquals([late, changed, gone], [5 * CYCLES, 6 * CYCLES + 1, 2 * CYCLES]);

    // What was published on a day is what is answered as of it, by client and by store.
    for (const [day, answer] of answers) {
      const dataset = await (await ask()).asOf(day);
      const through = addDays(day, -1);
      assertEquals(await answersOf(dataset, through), answer, `as of ${day}`);
      assertEquals(
        await derivedAsOf(world, day),
        await publishedOn(world, through),
        `as of ${day}`,
      );
    }
    for (const failed of FAILURES.keys()) {
      const dataset = await (await ask()).asOf(failed);
      const before = addDays(failed, -1);
      assertEquals(await answersOf(dataset, addDays(before, -1)), answers.get(before));
    }
    await endpoint.close();
    await compareWithOneCollection(world);
  });
});

async function answersOf(dataset: Awaited<ReturnType<typeof open>>, day: Day) {
  return [await dataset.snapshot(day), await dataset.symbols({ detail: true })];
}

/** The listings as the store knew them at the end of a day. */
async function derivedAsOf({ source }: DailyWorld, day: Day) {
  const asOf = `${day}T23:59:59.999Z`;
  return await source.withStore((store) => derive(store, { now: source.clock, asOf }));
}

async function publishedOn({ side }: DailyWorld, through: Day) {
  const sequence = await side.publisher.store.sequenceOf(`${through}.1`);
  const stored = await side.publisher.store.bySequence(sequence!);
  const artifact = stored!.manifest.signed.artifacts.find(({ role }) => role === "listings")!;
  return parseListings(await Deno.readTextFile(join(side.mirrorDir, artifactPath(artifact))));
}

/** One full collection of the same bucket at the end gives the same files, listings and artifacts. */
async function compareWithOneCollection({ source, side }: DailyWorld): Promise<void> {
  const now = source.clock;
  const lasting = filesOf(PAST, now).filter((file) =>
    file.symbol !== EMPTY.symbol || file.date !== EMPTY.day
  );
  assertEquals(await source.files(), lasting);
  const daily = await source.withStore((store) => derive(store, { now }));
  await withCollecting(PAST, now.toISOString(), async (other) => {
    await other.collect({ full: true });
    const once = await other.withStore(async (store) => {
      const { fetch, ...options } = numbersOf(other);
      await collectKlines(store, fetch, options);
      return await derive(store, { now });
    });
    assertEquals(daily, once);
    const relisted = once.listings.filter(({ id }) => id.endsWith("#2")).length;
    assertEquals(relisted, 2 * CYCLES);
    const version = `${once.dataThrough}.9`;
    const made = [];
    for (const [name, { observations }] of Object.entries({ source, other })) {
      const outDir = join(side.dir, `${name} at the end`);
      made.push(await build(once, { version, outDir, observations }));
    }
    // The quarantine also says when a thing was first seen.
    const digests = made.map(({ artifacts }) =>
      artifacts.filter(({ role }) => !/quarantine|description/.test(role))
        .map(({ name, sha256 }) => `${name} ${sha256}`)
    );
    assert(digests[0]!.length > 5);
    assertEquals(digests[0], digests[1]);
    assertEquals(made[0]!.quarantined, made[1]!.quarantined);
  });
}
