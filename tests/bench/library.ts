/**
 * Times inside one process, on the embedded listings' own version:
 *
 *     deno run -A tests/bench/library.ts
 *
 * Build, start of the service with its memory, `open()` on a fresh copy with its requests, warm
 * questions, and what a cold client fetches. Checks answers before it times them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { snapshot, timeline } from "../../lib/core/answers.ts";
import { build } from "../../lib/jobs/build.ts";
import { open } from "../../lib/mod.ts";
import { seedListings, seedSource } from "../../lib/source/seed.ts";
import { median, microseconds, readLine } from "./measure.ts";

const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
const env = { BFA_DATA_DIR: `${dir}/data`, PORT: "0" };

const source = await seedSource();
assertEquals(snapshot(source, "2024-01-15").count, 251);
assertEquals(timeline(source, "LITUSDT").listings.length, 2);
report(
  "snapshot(2024-01-15), warm",
  `${microseconds(() => snapshot(source, "2024-01-15")).toFixed(1)} µs`,
);
report("snapshot(latest), warm", `${microseconds(() => snapshot(source, "latest")).toFixed(1)} µs`);
report(
  "timeline(LITUSDT), warm",
  `${microseconds(() => timeline(source, "LITUSDT")).toFixed(1)} µs`,
);

const builds = await samples(3, async (i) => {
  await build(await seedListings(), { version: "2026-08-08.1", outDir: `${dir}/build${i}` });
});
report("build of the embedded listings", `${(median(builds) / 1000).toFixed(1)} s`);

const first = await startService();
await first.stop();
const starts = await samples(5, async () => await (await startService()).stop());
report("service with a version, start to stop", `${median(starts).toFixed(0)} ms`);

const service = await startService();
report(
  "service: start to first answer",
  `${service.readyMs.toFixed(0)} ms, ${service.rssMb} MB resident`,
);
const endpoint = service.url;
let requests = 0;
let bytes = 0;
const counting = async (url: string, init: RequestInit) => {
  requests++;
  const response = await fetch(url, init);
  const body = response.body && await response.arrayBuffer();
  bytes += body?.byteLength ?? 0;
  return new Response(body, response);
};
const options = { endpoint, cacheDir: `${dir}/cache`, fetch: counting };
assertEquals((await (await open(options)).snapshot("2024-01-15")).count, 251);
report("cold client, first snapshot", `${requests} requests, ${bytes} bytes of bodies`);
requests = bytes = 0;
await (await open(options)).refresh();
report("refresh, nothing changed", `${requests} request, ${bytes} bytes of bodies`);
requests = 0;
const opens = await samples(21, async () => {
  await (await open(options)).snapshot("2024-01-15");
});
report(
  "open() on a fresh copy, with its first answer",
  `${median(opens).toFixed(1)} ms, ${requests} requests`,
);
const bare = await samples(21, async () => void await open(options));
report("open() alone", `${median(bare).toFixed(2)} ms`);
await service.stop();
await Deno.remove(dir, { recursive: true });

async function startService() {
  const started = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", "cli.ts", "serve", "--init"],
    env,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const url = (await readLine(child.stdout, /bfa serves on (\S+)/))[1]!;
  await (await fetch(`${url}/v1/snapshot/2024-01-15`)).arrayBuffer();
  const readyMs = performance.now() - started;
  const status = await Deno.readTextFile(`/proc/${child.pid}/status`).catch(() => "");
  const rssMb = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  return {
    url,
    readyMs,
    rssMb,
    async stop() {
      child.kill("SIGINT");
      await child.status;
      await child.stdout.cancel();
    },
  };
}

async function samples(times: number, work: (i: number) => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await work(i);
    taken.push(performance.now() - start);
  }
  return taken;
}

function report(what: string, value: string): void {
  console.log(`${what.padEnd(48)} ${value}`);
}
