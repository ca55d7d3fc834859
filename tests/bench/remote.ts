/**
 * What questions about rows fetch and take, on the embedded listings with numbers for every row:
 *
 *     deno run -A tests/bench/remote.ts             # whole files built daily
 *     deno run -A tests/bench/remote.ts monthly     # monthly, on a day when they lack the most
 *
 * A plain HTTP mirror with ranges serves a whole version. Every cold question is asked by a dataset that
 * keeps nothing and knows nothing. Checks answers before it times them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Day } from "../../lib/core/day.ts";
import { readWholeFiles } from "../../lib/core/whole_files.ts";
import { build } from "../../lib/jobs/build.ts";
import { publish } from "../../lib/jobs/publish.ts";
import { type Dataset, open } from "../../lib/mod.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { writeObservations } from "../helpers/numbers.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { serveRanges } from "../helpers/range_server.ts";
import { floorOf } from "./floor.ts";
import { median } from "./measure.ts";

const QUESTIONS: [string, (bfa: Dataset) => Promise<{ count: number }>][] = [
  ["rows of latest", (bfa) => bfa.rows({ day: "latest" })],
  ["rows of 2024-01-15", (bfa) => bfa.rows({ day: "2024-01-15" })],
  ["rows of BTCUSDT, all its days", (bfa) => bfa.rows({ symbol: "BTCUSDT" })],
  ["rows of 1000PEPEUSDT, all its days", (bfa) => bfa.rows({ symbol: "1000PEPEUSDT" })],
  ["top 20 of latest", (bfa) => bfa.top("latest", 20)],
  ["rows of latest, with prices", (bfa) => bfa.rows({ day: "latest", columns: PRICES })],
  ["rows of latest, all columns", (bfa) => bfa.rows({ day: "latest", columns: "all" })],
  [
    "rows of BTCUSDT in 2025, all columns",
    (bfa) => bfa.rows({ symbol: "BTCUSDT", from: "2025-01-01", to: "2025-12-31", columns: "all" }),
  ],
  ["rows of BTCUSDT, all columns", (bfa) => bfa.rows({ symbol: "BTCUSDT", columns: "all" })],
  ["rows of July 2026", (bfa) => bfa.rows({ from: "2026-07-01", to: "2026-07-31" })],
];

/** The day before the end of July has settled: whole files go through June. */
const LONGEST = "2026-08-07" as Day;

const PRICES = [
  "state",
  "quote_volume_usdt",
  "open_price",
  "high_price",
  "low_price",
  "close_price",
];

await withPublisher(async (world) => {
  const wholeFiles = readWholeFiles(Deno.args[0]);
  const { listings, dataThrough } = await seedListings();
  const seed = { listings, dataThrough: wholeFiles === "daily" ? dataThrough : LONGEST };
  const version = `${seed.dataThrough}.1`;
  world.clock = new Date(`${seed.dataThrough}T23:00:00Z`);
  const observations = `${world.dir}/numbers.duckdb`;
  await writeObservations(observations, seed);
  const outDir = `${world.dir}/build`;
  const started = performance.now();
  const built = await build(seed, { version, outDir, observations, wholeFiles });
  report("build with numbers", `${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const { name, role, bytes, parquet } of built.artifacts) {
    if (role === "blocks") report(name, `${bytes} bytes`);
    if (!parquet?.index) continue;
    report(name, `${bytes} bytes, footer ${parquet.footerBytes}`);
  }
  await publish(world.publisher, built, outDir);

  const mirror = serveRanges(world.mirrorDir);
  const now = () => world.clock;
  const keepNothing = () => open({ endpoint: mirror.url, copy: "none", cacheDir: null, now });
  const manifest = (await fetch(`${mirror.url}manifest.json`)).arrayBuffer();
  report("manifest", `${(await manifest).byteLength} bytes`);
  mirror.take();

  // The answers are those of a copy, which reads other files.
  const copy = await open({ endpoint: mirror.url, cacheDir: null, now });
  for (const [, ask] of QUESTIONS) assertEquals(await ask(await keepNothing()), await ask(copy));
  mirror.take();

  for (const [what, ask] of QUESTIONS) {
    const { count } = await ask(await keepNothing());
    const seen = mirror.take();
    const bytes = seen.reduce((sum, { bytes }) => sum + bytes, 0);
    const took = await samples(7, async () => void await ask(await keepNothing()));
    mirror.take();
    report(what, `${count} rows: ${seen.length} requests, ${bytes} bytes; ${took.toFixed(1)} ms`);
  }

  for (const question of [{ day: "latest" }, { symbol: "BTCUSDT" }]) {
    const { rows } = await copy.rows({ ...question, columns: "all" });
    const { stored, level19, integers, information } = floorOf(rows);
    report(
      `floor of ${Object.values(question)}, all columns`,
      `${stored} bytes as stored, ${level19} by zstd -19, ${integers} as integers; information ${information}`,
    );
  }

  const bfa = await keepNothing();
  await bfa.rows({ day: "2026-08-01" });
  mirror.take();
  const next = [
    ...["2026-07-30", "2021-05-19", "2023-11-09", "2025-01-01", "2020-03-12"]
      .map((day) => ({ day })),
    ...["ETHUSDT", "DOGEUSDT", "0GUSDT"].map((symbol) => ({ symbol })),
  ];
  for (const question of next) {
    await bfa.rows(question);
    const seen = mirror.take();
    const bytes = seen.reduce((sum, { bytes }) => sum + bytes, 0);
    const what = Object.values(question)[0];
    report(`next question, rows of ${what}`, `${seen.length} request, ${bytes} bytes`);
  }
  const again = await samples(21, async () => void await bfa.rows({ day: "2026-07-30" }));
  report("asked again", `${mirror.take().length} requests, ${again.toFixed(1)} ms`);
  await mirror.close();
});

async function samples(times: number, work: () => Promise<void>): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await work();
    taken.push(performance.now() - start);
  }
  return median(taken);
}

function report(what: string, value: string): void {
  console.log(`${what.padEnd(42)} ${value}`);
}
