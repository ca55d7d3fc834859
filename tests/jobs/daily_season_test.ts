import { assertEquals, assertRejects } from "@std/assert";
import { addDays, type Day, parseDay } from "../../lib/core/day.ts";
import { listing } from "../helpers/listing.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { forbidden, htmlPage, serverError, when } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { filesOf, livesOf, smallListings, withCollecting } from "../helpers/collecting.ts";
import { withDaily } from "../helpers/daily_world.ts";

const DAYS = 60;
const FIRST_RUN = "2026-02-01" as Day;
const LAST_RUN = addDays(FIRST_RUN, DAYS - 1);

/** Late files, repairs, a removal, a relisting, an end with files after it, a new symbol. */
const PAST = history([
  ...smallListings(),
  ...Array.from({ length: 60 }, (_, i) => listing(`S${10 + i}USDT#1`, "2026-01-05")),
  listing("BACKUSDT#1", "2026-01-05", "2026-01-25", "2026-02-02"),
  listing("BACKUSDT#2", "2026-03-10"),
  listing("ENDUSDT#1", "2026-01-05", "2026-03-01", "2026-03-12"),
  listing("NEWUSDT#1", "2026-02-20"),
], {
  through: parseDay("2026-03-31"),
  late: [
    { symbol: "ETHUSDT", from: "2026-02-10", days: 15 },
    { symbol: "SOLUSDT", from: "2026-03-05", to: "2026-03-06", days: 2 },
  ],
  uploads: [
    { symbol: "BTCUSDT", from: "2026-02-14", to: "2026-02-16", at: "2026-02-20T05:00:00.000Z" },
  ],
  removals: [{ symbol: "XRPUSDT", from: "2026-03-03", at: "2026-03-08T05:00:00.000Z" }],
  gaps: [{ symbol: "GAPUSDT", from: "2026-02-22", interval: "1m" }],
});

/** The days on which the source fails, and how. */
const FAILURES = new Map([
  ["2026-02-12", when(({ prefix }) => prefix.includes("SOLUSDT"), forbidden())],
  ["2026-02-25", when(({ kind }) => kind === "prefixes", htmlPage())],
  ["2026-03-14", when(({ prefix }) => prefix.includes("S20USDT"), serverError(501))],
]);

Deno.test(`${DAYS} days one after another end like one full collection at the end`, async () => {
  await withDaily(PAST, async (world) => {
    const random = Math.random;
    Math.random = () => 0; // no waits between tries
    const published: string[] = [];
    try {
      for (let i = 0; i < DAYS; i++) {
        const day = addDays(FIRST_RUN, i);
        // Runs start a little earlier or later than a day after the last one.
        const at = `${day}T12:00:${i % 2 ? "01" : "20"}.000Z`;
        world.source.bucket.fault = FAILURES.get(day);
        if (FAILURES.has(day)) {
          await assertRejects(() => world.runAt(at));
          continue;
        }
        const report = await world.runAt(at, { full: i === 0 });
        const failed = report.gates.filter(({ ok }) => !ok);
        assertEquals(failed, [], `on ${day}`);
        assertEquals([report.channel, report.dataThrough], ["latest", addDays(day, -1)]);
        published.push(report.version);
      }
    } finally {
      Math.random = random;
    }
    const versions = (await world.side.publisher.store.versions()).map(({ version }) => version);
    assertEquals(versions, published);
    assertEquals(published.length, DAYS - FAILURES.size);

    const now = new Date(`${LAST_RUN}T12:00:01.000Z`);
    const mine = await world.source.withStore((store) => derive(store, { now }));
    assertEquals(await world.source.files(), filesOf(PAST, now));
    await withCollecting(PAST, now.toISOString(), async (other) => {
      await other.collect({ full: true });
      const once = await other.withStore((store) => derive(store, { now }));
      assertEquals(mine, once);
      assertEquals(livesOf(mine.listings).map(({ id }) => id).filter((id) => /BACK/.test(id)), [
        "BACKUSDT#1",
        "BACKUSDT#2",
      ]);
    });
  });
});
