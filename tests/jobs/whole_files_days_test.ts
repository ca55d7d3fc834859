/** Day after day with whole files built monthly or weekly: what is read from afar is what a copy says. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { addDays, type Day, parseDay } from "../../lib/core/day.ts";
import { wholeThrough } from "../../lib/core/whole_files.ts";
import { artifactPath } from "../../lib/mirror/mirror.ts";
import { currentManifest } from "../../lib/manifest/store.ts";
import { type Dataset, open } from "../../lib/mod.ts";
import { history } from "../helpers/bucket_history.ts";
import { type DailyWorld, withDaily } from "../helpers/daily_world.ts";
import { listing } from "../helpers/listing.ts";
import { type RangeServer, serveRanges } from "../helpers/range_server.ts";

/** What the first run finds reaches back over two ends of months. */
const START = parseDay("2026-06-25");

/** The first day that a run finds. */
const FIRST = parseDay("2026-08-27");

/** How many days are run; `deno task year` runs more. */
const DAYS = Deno.env.has("BFA_TEST_DAYS")
  ? { monthly: 50, weekly: 24 }
  : { monthly: 21, weekly: 6 };

/** Files of these days, long settled, are written again: the only day on which whole files change early. */
const REPAIRED = { symbol: "S11USDT", from: parseDay("2026-07-10"), to: parseDay("2026-07-11") };
const REPAIRED_ON = parseDay("2026-09-15");

const PAST = history([
  ...Array.from({ length: 20 }, (_, i) => listing(`S${10 + i}USDT#1`, START)),
  listing("BTCUSDT#1", START),
  listing("ENDUSDT#1", START, "2026-08-29", "2026-09-12"),
  listing("GONEUSDT#1", START, "2026-07-20", "2026-07-22"),
  listing("NEWUSDT#1", "2026-08-30"),
], {
  through: parseDay("2026-10-31"),
  // A file that comes when its month has ended, but has not settled.
  late: [{ symbol: "S12USDT", from: parseDay("2026-08-28"), days: 6 }],
  uploads: [{ ...REPAIRED, at: `${REPAIRED_ON}T20:00:00.000Z` }],
});

/**
 * August has settled with the files of 8 September, a week with those of the second Monday after it; the
 * repaired files are in a settled month and week.
 */
const REBUILT = {
  monthly: [FIRST, "2026-09-08", REPAIRED_ON, "2026-10-08"],
  weekly: [FIRST, "2026-08-31", "2026-09-07", "2026-09-14", REPAIRED_ON],
};

for (const every of ["monthly", "weekly"] as const) {
  const days = DAYS[every];
  const rebuilt = REBUILT[every].filter((day) => day < addDays(FIRST, days));
  Deno.test(`${days} days with whole files built ${every}: every answer from afar is a copy's`, async () => {
    await withDaily(PAST, async (world) => {
      const server = serveRanges(world.side.mirrorDir);
      const changed: string[] = [];
      let before = new Set<string>();
      try {
        for (let i = 0; i < days; i++) {
          const day = addDays(FIRST, i);
          await world.runAt(`${addDays(day, 1)}T12:00:00.000Z`, {
            full: i === 0,
            sweepRuns: 1, // all of every symbol is looked at: repaired files are seen at once
            wholeFiles: every,
            numbers: {
              fetch: world.source.fetchNumbers,
              since: START,
              now: () => world.source.clock,
            },
          });
          const { signed } =
            (await currentManifest(world.side.publisher.store, "latest"))!.manifest;
          assertEquals(signed.version, `${day}.1`);
          const whole = signed.artifacts.filter(({ dataThrough }) => dataThrough !== undefined);
          const through = wholeThrough(day, every);
          assertEquals(
            whole.map(({ name, dataThrough }) => [name, dataThrough]),
            WHOLE.map((name) => [name, through]),
          );
          const fresh = signed.artifacts.filter((artifact) => !before.has(artifactPath(artifact)));
          const names = fresh.map(({ name }) => name);
          if (WHOLE.some((name) => names.includes(name))) {
            changed.push(day);
            assertEquals(names.filter((name) => WHOLE.includes(name)), WHOLE);
          } else {
            const recent = (name: string) => name >= `parts/${addDays(through, 1).slice(0, 7)}`;
            const parts = names.filter((name) => name.startsWith("parts/"));
            assertEquals(parts, parts.filter(recent));
            assertEquals(names.filter((name) => !parts.includes(name)), ORDINARY, `on ${day}`);
          }
          before = new Set(signed.artifacts.map(artifactPath));
          await compareAnswers(world, server, { day, through });
        }
      } finally {
        await server.close();
      }
      assertEquals(changed, rebuilt);
    });
  });
}

const WHOLE = [
  "availability.parquet",
  "availability-by-symbol.parquet",
  "volume-rankings.parquet",
  "availability.duckdb.gz",
];

/** What else than the part of the month changes on an ordinary day. */
const ORDINARY = [
  "listings.json",
  "recent/availability-by-symbol.parquet",
  "blocks/availability.parquet",
  "recent/volume-rankings.parquet",
  "blocks/volume-rankings.parquet",
  "datapackage.json",
];

type Ask = (bfa: Dataset) => Promise<unknown>;

/** Cold questions to a mirror, and their most requests, against those of a copy that has only parts. */
async function compareAnswers(
  { side }: DailyWorld,
  server: RangeServer,
  { day, through }: { day: Day; through: Day },
): Promise<void> {
  const now = () => side.clock;
  const trust = { trustedKeys: side.publisher.signers.map(({ keyId }) => keyId) };
  const cacheDir = join(side.dir, "copy");
  const copy = await open({ endpoint: server.url, cacheDir, now, ...trust });
  await copy.refresh();
  assertEquals((await copy.status()).wholeFilesThrough, through);
  const cold = () => open({ endpoint: server.url, copy: "none", cacheDir: null, now, ...trust });
  const all = { columns: "all" } as const;
  const questions: [Ask, requests: number][] = [
    [(bfa) => bfa.rows({ day: "latest", ...all }), 3],
    [(bfa) => bfa.rows({ day: addDays(through, 1), ...all }), 3],
    [(bfa) => bfa.rows({ day: through, ...all }), 3],
    [(bfa) => bfa.rows({ day: REPAIRED.from, ...all }), 3],
    [(bfa) => bfa.top("latest", 5), 3],
    [(bfa) => bfa.top(through, 5), 3],
    [(bfa) => bfa.rows({ symbol: REPAIRED.symbol, to: through, ...all }), 3],
    [(bfa) => bfa.rows({ symbol: "S12USDT", ...all }), 4],
    [(bfa) => bfa.rows({ symbol: "ENDUSDT", from: "2026-08-01", ...all }), 4],
    [(bfa) => bfa.rows({ symbol: "GONEUSDT", ...all }), 4],
    // Of the whole file and of one or two months.
    [(bfa) => bfa.rows({ from: addDays(through, -1), to: addDays(through, 2) }), 5],
  ];
  for (const [i, [ask, requests]] of questions.entries()) {
    const expected = await ask(copy);
    server.take();
    assertEquals(await ask(await cold()), expected, `question ${i} on ${day}`);
    const seen = server.take();
    assert(seen.length <= requests, `question ${i} on ${day}: ${JSON.stringify(seen)}`);
  }
  await copy.settled();
}
