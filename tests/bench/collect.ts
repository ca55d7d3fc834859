/**
 * Collects a simulated bucket, which runs in a process of its own:
 *
 *     deno run -A tests/bench/collect.ts [SYMBOLS]
 *
 * The seed's symbols and 110 made-up ones, or only the last SYMBOLS of them. Requests against pages,
 * time with 50 ms of latency, CPU time of this process and of the simulator, memory of this process, an
 * incremental run, and the build.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parseDay } from "../../lib/core/day.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { build } from "../../lib/jobs/build.ts";
import { collect } from "../../lib/jobs/collect.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { httpClient } from "../../lib/net/client.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { visionLister } from "../../lib/source/vision.ts";
import { serveBucket } from "../helpers/bucket.ts";
import { history } from "../helpers/bucket_history.ts";
import { madeUpListings } from "../helpers/bucket_lives.ts";
import { cpuSeconds, peakRss, readLine } from "./measure.ts";

const NOW = new Date("2026-08-09T12:00:00Z");
const LATENCY_MS = 50;
const CONCURRENCY = 32;

async function serve(symbols: number): Promise<void> {
  const { listings } = await seedListings();
  const wanted = [...listings, ...madeUpListings(110)].slice(-symbols);
  const past = history(wanted, { through: parseDay("2026-08-08") });
  const bucket = serveBucket(past, { now: NOW });
  bucket.latencyMs = LATENCY_MS;
  console.log(`ready ${bucket.listUrl}`);
}

async function bench(symbols: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fromFileUrl(import.meta.url), "serve", symbols],
    stdout: "piped",
  }).spawn();
  const [, listUrl] = await readLine(child.stdout, /ready (\S+)/);
  const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
  const observations = join(dir, "observations.duckdb");
  const now = () => NOW;
  try {
    const listings = await withObservations(observations, async (store) => {
      for (const full of [true, false]) {
        const before = [cpuSeconds(Deno.pid), cpuSeconds(child.pid)];
        const started = performance.now();
        const lister = visionLister(httpClient(), listUrl!);
        const report = await collect(store, lister, { full, now, concurrency: CONCURRENCY });
        const ms = performance.now() - started;
        const cpu = [cpuSeconds(Deno.pid) - before[0]!, cpuSeconds(child.pid) - before[1]!];
        if (!full) assertEquals([report.added, report.changed, report.gone], [0, 0, 0]);
        const { requests, keys } = report;
        const ideal = requests * LATENCY_MS / CONCURRENCY;
        const what = full ? "full" : "incremental";
        console.log(`${what}: ${report.symbols} symbols, ${keys} keys, ${requests} requests`);
        console.log(`  requests per symbol  ${(requests / report.symbols).toFixed(3)}`);
        console.log(
          `  time                 ${(ms / 1000).toFixed(1)} s (ideal ${
            (ideal / 1000).toFixed(1)
          } s)`,
        );
        console.log(
          `  CPU                  ${cpu.map((s) => s.toFixed(1)).join(" s + simulator ")} s`,
        );
        console.log(`  peak RSS             ${Math.round(peakRss(Deno.pid) / 1e6)} MB`);
      }
      return await derive(store, { now: NOW });
    });
    const started = performance.now();
    const version = `${listings.dataThrough}.1`;
    const made = await build(listings, { version, outDir: join(dir, "build"), observations });
    const seconds = (performance.now() - started) / 1000;
    console.log(`build: ${made.rows} rows in ${seconds.toFixed(1)} s`);
  } finally {
    child.kill("SIGKILL");
    await child.stdout.cancel();
    await child.status;
    await Deno.remove(dir, { recursive: true });
  }
}

if (Deno.args[0] === "serve") await serve(Number(Deno.args[1]));
else await bench(Deno.args[0] ?? "100000");
