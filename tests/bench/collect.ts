/**
 * Collects a simulated bucket, with 50 ms of latency and 32 requests at once:
 *
 *     deno run -A tests/bench/collect.ts [ROUNDS] [SYMBOLS]
 *
 * The embedded listings' symbols and 110 made-up ones, or only the last SYMBOLS of them. In every round a
 * bare loop of `fetch()` over the same pages, the whole history, and an incremental run; each in a process
 * of its own, the simulator too. Medians of ROUNDS (3), with the aims.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { cpuSeconds, median, readLine } from "./measure.ts";

/** A request is answered so long after it came. */
export const LATENCY_MS = 50;
export const CONCURRENCY = 32;

/** What a process that asks says of itself. */
export interface Asked {
  readonly requests: number;
  /** From its first request to its end, DuckDB loaded, the store opened, written and closed. */
  readonly ms: number;
  /** CPU time of the whole process. */
  readonly cpu: number;
  /** The most it had resident, bytes. */
  readonly rss: number;
  /** How late answers began after a request, the median and the slowest tenth, ms. */
  readonly answered?: readonly [number, number];
  readonly symbols?: number;
  readonly news?: readonly number[];
}

interface Run extends Asked {
  /** From the start of the process to its end. */
  readonly processMs: number;
  readonly simulatorCpu: number;
}

const PARTS = fromFileUrl(new URL("./collect_parts.ts", import.meta.url));

function child(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), { args: ["run", "-A", PARTS, ...args], stdout: "piped" })
    .spawn();
}

/** Runs one of the parts to its end. */
async function ask(simulator: number, ...args: string[]): Promise<Run> {
  const [before, started] = [cpuSeconds(simulator), performance.now()];
  const { success, stdout } = await child(...args).output();
  if (!success) throw new Error(`Cannot run ${args[0]}: it failed`);
  const processMs = performance.now() - started;
  const asked: Asked = JSON.parse(new TextDecoder().decode(stdout));
  return { ...asked, processMs, simulatorCpu: cpuSeconds(simulator) - before };
}

function line(what: string, runs: readonly Run[], value: (run: Run) => number, rest = ""): void {
  const all = runs.map(value);
  const spread = all.length > 1 ? `  (${all.map((v) => v.toFixed(2)).join(", ")})` : "";
  console.log(`  ${what.padEnd(34)} ${median(all).toFixed(2)}${rest}${spread}`);
}

function show(what: string, runs: readonly Run[], bare: readonly Run[], pages: number): void {
  const { requests, symbols = 0 } = runs[0]!;
  const ideal = requests * LATENCY_MS / CONCURRENCY;
  console.log(
    `${what}: ${symbols} symbols, ${requests} requests, ideal ${(ideal / 1000).toFixed(2)} s`,
  );
  if (pages) line("requests : pages", runs, (run) => run.requests / pages, "  aim 1.05");
  else line("requests per symbol", runs, (run) => run.requests / symbols, "  aim 1.10");
  line("time, s", runs, ({ ms }) => ms / 1000, `  aim ${(1.3 * ideal / 1000).toFixed(2)}`);
  line("time : ideal", runs, ({ ms }) => ms / ideal, "  aim 1.30");
  line("process, start to end, s", runs, ({ processMs }) => processMs / 1000);
  line("process : ideal", runs, ({ processMs }) => processMs / ideal);
  if (pages) line("time : bare loop", runs, (run) => run.ms / bare[runs.indexOf(run)]!.ms);
  line("CPU of the process, s", runs, ({ cpu }) => cpu);
  line("CPU of the simulator, s", runs, ({ simulatorCpu }) => simulatorCpu);
  line("peak RSS, MB", runs, ({ rss }) => rss / 1e6, "  aim 400");
}

if (import.meta.main) {
  const [rounds, symbols] = [Number(Deno.args[0] ?? 3), Deno.args[1] ?? "100000"];
  const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
  const urls = join(dir, "urls.json");
  const server = child("serve", symbols, urls);
  try {
    const [, listUrl] = await readLine(server.stdout, /ready (\S+)/);
    const pages: string[][] = JSON.parse(await Deno.readTextFile(urls));
    const count = pages.flat().length + Math.ceil(pages.length / 1000);
    const [bare, full, incremental]: [Run[], Run[], Run[]] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      bare.push(await ask(server.pid, "bare", listUrl!, urls));
      const file = join(dir, `observations-${round}.duckdb`);
      full.push(await ask(server.pid, "full", listUrl!, file));
      incremental.push(await ask(server.pid, "incremental", listUrl!, file));
      assertEquals(incremental.at(-1)!.news, [0, 0, 0]);
      assertEquals(full.at(-1)!.news!.slice(1), [0, 0]);
      await Deno.remove(file);
    }
    const [load] = Deno.loadavg();
    console.log(
      `${new Date().toISOString().slice(0, 16)}, load ${load!.toFixed(1)}, ${rounds} rounds`,
    );
    console.log(`bare loop: ${bare[0]!.requests} requests`);
    line("time, s", bare, ({ ms }) => ms / 1000);
    line("time : ideal", bare, ({ ms, requests }) => ms / (requests * LATENCY_MS / CONCURRENCY));
    line("answers begin after, ms, median", bare, ({ answered }) => answered![0]);
    line("the slowest tenth, ms", bare, ({ answered }) => answered![1]);
    line("CPU of the process, s", bare, ({ cpu }) => cpu);
    line("CPU of the simulator, s", bare, ({ simulatorCpu }) => simulatorCpu);
    show("whole history", full, bare, count);
    show("incremental", incremental, bare, 0);
  } finally {
    server.kill("SIGKILL");
    await server.stdout.cancel();
    await server.status;
    await Deno.remove(dir, { recursive: true });
  }
}
