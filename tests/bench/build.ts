/**
 * Derives and builds a version from many observations, each in a process of its own, and compares:
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

/** What one of the two jobs took. */
interface Taken {
  /** By the clock. */
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** The most memory the process has had until its end. */
  readonly peakRss: number;
}

interface Measured {
  readonly times: number;
  readonly rows: number;
  readonly symbols: number;
  readonly artifacts: number;
  readonly bytes: number;
  readonly derive: Taken;
  readonly build: Taken;
}

async function measure(dir: string, times: number): Promise<Measured> {
  const observations = join(dir, "observations.duckdb");
  const derived = await taken(() =>
    withObservations(observations, (store) => derive(store, { now: NOW }))
  );
  const listings = derived.result;
  const days = listings.listings.reduce(
    (sum, { first, last }) => sum + dayNumber(last ?? listings.dataThrough) - dayNumber(first) + 1,
    0,
  );
  const outDir = join(dir, "build");
  const version = `${listings.dataThrough}.1`;
  const built = await taken(() => build(listings, { version, outDir, observations }));
  const { rows, symbols, artifacts } = built.result;
  assertEquals(rows, days);
  return {
    times,
    rows,
    symbols,
    artifacts: artifacts.length,
    bytes: artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
    derive: derived.taken,
    build: built.taken,
  };
}

async function taken<T>(work: () => Promise<T>): Promise<{ result: T; taken: Taken }> {
  const [started, cpu] = [performance.now(), cpuSeconds(Deno.pid)];
  const result = await work();
  const seconds = (performance.now() - started) / 1000;
  return {
    result,
    taken: { seconds, cpuSeconds: cpuSeconds(Deno.pid) - cpu, peakRss: peakRss(Deno.pid) },
  };
}

function report({ times, rows, symbols, artifacts, bytes, derive, build }: Measured): void {
  console.log(
    `${times} times: ${rows} rows, ${symbols} symbols; ${artifacts} artifacts, ${megabytes(bytes)}`,
  );
  for (const [what, { seconds, cpuSeconds, peakRss }] of Object.entries({ derive, build })) {
    console.log(
      `  ${what.padEnd(7)} ${seconds.toFixed(1).padStart(6)} s, ${
        cpuSeconds.toFixed(1).padStart(6)
      } s of CPU, peak RSS ${megabytes(peakRss)}`,
    );
  }
}

/** How much longer the last takes than the first. */
function compare(first: Measured, last: Measured): void {
  const ratio = (of: (measured: Measured) => number) => (of(last) / of(first)).toFixed(1);
  console.log(
    `${ratio(({ rows }) => rows)} times the rows: derive ${
      ratio(({ derive }) => derive.seconds)
    } times as long (CPU ${ratio(({ derive }) => derive.cpuSeconds)}), build ${
      ratio(({ build }) => build.seconds)
    } times (CPU ${ratio(({ build }) => build.cpuSeconds)}), both ${
      ratio(({ derive, build }) => derive.seconds + build.seconds)
    } times`,
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

async function step(...args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fromFileUrl(import.meta.url), ...args],
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

if (Deno.args[0] === "observe") {
  await observe(join(Deno.args[1]!, "observations.duckdb"), Number(Deno.args[2]));
} else if (Deno.args[0] === "measure") {
  console.log(JSON.stringify(await measure(Deno.args[1]!, Number(Deno.args[2]))));
} else {
  const all: Measured[] = [];
  for (const times of Deno.args.length ? Deno.args : ["1", "10"]) {
    const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
    try {
      await step("observe", dir, times);
      const measured: Measured = JSON.parse(await step("measure", dir, times));
      report(measured);
      all.push(measured);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
  if (all.length > 1) compare(all[0]!, all.at(-1)!);
}
