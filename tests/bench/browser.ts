/**
 * SQL in the browser, with numbers in all rows of the embedded listings, from a server of files on loopback:
 *
 *     deno run -A --unstable-kv tests/bench/browser.ts
 *
 * Every round is a new browser with nothing kept. Wants chromium and npm's registry.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { open } from "../../lib/mod.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { publishNumbers } from "../helpers/numbers.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { mirrorWithSql, withSqlPage } from "../helpers/sql_in_browser.ts";
import { cpuSeconds, median } from "./measure.ts";

const ROUNDS = 3;

/** Statements in the order they are run; each is a row of the table. */
const STATEMENTS: readonly (readonly [title: string, sql: string])[] = [
  ["first statement, no table", "SELECT 1 AS one"],
  ["first that names `listings`", "SELECT count(*) AS n FROM listings"],
  ["first that names `daily_availability`", "SELECT count(*) AS n FROM daily_availability"],
  ["first that names `volume_rankings`", "SELECT count(*) AS n FROM volume_rankings"],
  [
    "then: a month's volumes by symbol",
    "SELECT symbol, count(*) AS days FROM daily_availability WHERE date BETWEEN '2026-07-01' AND '2026-07-31' GROUP BY ALL ORDER BY ALL",
  ],
  [
    "then: a window over all rows",
    "SELECT count(*) AS n FROM (SELECT lag(close_price) OVER (PARTITION BY symbol ORDER BY date) AS before FROM daily_availability) WHERE before IS NULL",
  ],
];

await withPublisher(async (world) => {
  world.clock = new Date();
  const listings = await seedListings();
  await publishNumbers(world, `${listings.dataThrough}.1`, listings);
  await using files = await mirrorWithSql(world.mirrorDir);
  const bfa = await open({ endpoint: files.origin, cacheDir: `${world.dir}/cache` });
  const expected = new Map<string, string[][]>();
  for (const [, sql] of STATEMENTS) {
    const { rows } = await bfa.sql(sql);
    expected.set(sql, rows.map((row) => row.map(String)));
  }
  const rounds = new Map<string, { seconds: number; cpu: number; bytes: number; mb: number }[]>();
  for (let round = 0; round < ROUNDS; round++) {
    await withSqlPage(async ({ open, run }) => {
      let cpuBefore = 0;
      const timed = async (title: string, work: () => Promise<unknown>) => {
        const [began, sent] = [performance.now(), files.sent];
        await work();
        const seconds = (performance.now() - began) / 1000;
        const { cpu, mb } = renderer();
        const all = rounds.get(title) ?? [];
        all.push({ seconds, cpu: cpu - cpuBefore, bytes: files.sent - sent, mb });
        rounds.set(title, all);
        cpuBefore = cpu;
      };
      await timed("page open, version verified", () => open(files.origin));
      for (const [title, sql] of STATEMENTS) {
        await timed(title, async () => {
          const { rows } = await run(sql);
          assertEquals(rows, expected.get(sql)!.slice(0, 2_000));
        });
      }
    });
  }
  console.log("| what | bytes | seconds | CPU seconds of the renderer | its memory, MB |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const [title, all] of rounds) {
    const of = (pick: (one: typeof all[number]) => number) => median(all.map(pick));
    const times = [of(({ seconds }) => seconds), of(({ cpu }) => cpu)].map((s) => s.toFixed(1));
    const bytes = of(({ bytes }) => bytes).toLocaleString("en");
    console.log(`| ${title} | ${bytes} | ${times.join(" | ")} | ${of(({ mb }) => mb)} |`);
  }
});

/** Processor time and memory of the largest process of a page among our descendants. */
function renderer(): { cpu: number; mb: number } {
  const parents = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    const parent = /^PPid:\s+(\d+)/m.exec(read(`/proc/${name}/status`))?.[1];
    if (parent) parents.set(Number(name), Number(parent));
  }
  let most = { cpu: 0, mb: 0 };
  for (const pid of parents.keys()) {
    let above: number | undefined = pid;
    while (above !== undefined && above !== Deno.pid) above = parents.get(above);
    if (above === undefined || !read(`/proc/${pid}/cmdline`).includes("--type=renderer")) continue;
    const kb = Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
    const mb = Math.round(kb / 1024);
    if (mb > most.mb) most = { cpu: cpuSeconds(pid), mb };
  }
  return most;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // it is no process, or is gone
  }
}
