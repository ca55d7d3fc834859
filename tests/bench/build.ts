/**
 * Derives and builds a version from many observations, each in a process of its own:
 *
 *     deno run -A tests/bench/build.ts [TIMES...]
 *
 * TIMES is how often the embedded listings are taken, under other names each time: 1 and 10 when left
 * out, 0.65 and 6.5 million days. Every day has a file and its numbers.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { dayNumber } from "../../lib/core/day.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { build } from "../../lib/jobs/build.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { cpuSeconds, peakRss } from "./measure.ts";
import { observe } from "./observe.ts";

const NOW = new Date("2026-08-09T12:00:00Z");

async function measure(dir: string, times: number): Promise<void> {
  const observations = join(dir, "observations.duckdb");
  let started = performance.now();
  const listings = await withObservations(observations, (store) => derive(store, { now: NOW }));
  const derived = (performance.now() - started) / 1000;
  const derivedRss = peakRss(Deno.pid);
  const days = listings.listings.reduce(
    (sum, { first, last }) => sum + dayNumber(last ?? listings.dataThrough) - dayNumber(first) + 1,
    0,
  );
  started = performance.now();
  const outDir = join(dir, "build");
  const version = `${listings.dataThrough}.1`;
  const made = await build(listings, { version, outDir, observations });
  const built = (performance.now() - started) / 1000;
  assertEquals(made.rows, days);
  const bytes = made.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  console.log(`${times} times: ${made.rows} rows, ${made.symbols} symbols`);
  console.log(`  derive    ${derived.toFixed(1)} s, peak RSS ${megabytes(derivedRss)}`);
  console.log(`  build     ${built.toFixed(1)} s, peak RSS ${megabytes(peakRss(Deno.pid))}`);
  console.log(`  CPU       ${cpuSeconds(Deno.pid).toFixed(1)} s for both`);
  console.log(`  artifacts ${made.artifacts.length}, ${megabytes(bytes)}`);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

async function step(...args: string[]): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fromFileUrl(import.meta.url), ...args],
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.stdout.write(stdout);
}

if (Deno.args[0] === "observe") {
  await observe(join(Deno.args[1]!, "observations.duckdb"), Number(Deno.args[2]));
} else if (Deno.args[0] === "measure") {
  await measure(Deno.args[1]!, Number(Deno.args[2]));
} else {
  for (const times of Deno.args.length ? Deno.args : ["1", "10"]) {
    const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
    try {
      await step("observe", dir, times);
      await step("measure", dir, times);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
}
