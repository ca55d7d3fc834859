/**
 * SQL over HTTP against DuckDB in process on the same file; memory over the hostile catalogue; answers
 * from memory beside a hostile loop:
 *
 *     deno run -A tests/bench/sql.ts
 *
 * Linux: it reads memory from `/proc`. Checks answers before it times anything.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { cases } from "../helpers/sql.ts";
import { median, readLine } from "./measure.ts";

const ROUNDS = 11;

/** What people ask. */
const TYPICAL = [
  "SELECT count(*) FROM daily_availability",
  "SELECT symbol FROM daily_availability WHERE date = DATE '2024-01-15' AND state = 'traded' ORDER BY symbol",
  "SELECT date, state FROM daily_availability WHERE symbol = 'BTCUSDT' ORDER BY date DESC LIMIT 30",
  "SELECT state, count(*) FROM daily_availability GROUP BY 1 ORDER BY 1",
  "SELECT year(date) AS y, count(*) FROM daily_availability WHERE state = 'traded' GROUP BY 1 ORDER BY 1",
  "SELECT date, count(*) AS n FROM daily_availability WHERE available GROUP BY 1 ORDER BY 1 DESC LIMIT 100",
  "SELECT symbol, count(*) AS n FROM daily_availability GROUP BY 1 ORDER BY n DESC, symbol LIMIT 20",
  "SELECT * FROM listings ORDER BY listing",
  "SELECT * FROM listings WHERE symbol = 'LITUSDT' ORDER BY listing",
  "SELECT quote_asset, count(*) FROM listings GROUP BY 1 ORDER BY 1",
  "SELECT date_trunc('month', first_date) AS m, count(*) FROM listings GROUP BY 1 ORDER BY 1",
  "SELECT symbol FROM listings GROUP BY 1 HAVING count(*) > 1 ORDER BY 1",
  "SELECT l.symbol, count(*) FROM listings l JOIN daily_availability d ON d.symbol = l.symbol WHERE d.date >= DATE '2026-07-01' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
  "WITH d AS (SELECT date, count(*) AS n FROM daily_availability WHERE state = 'traded' GROUP BY 1) SELECT date, n, n - lag(n) OVER (ORDER BY date) AS delta FROM d ORDER BY date DESC LIMIT 30",
  "SELECT symbol, min(date), max(date) FROM daily_availability WHERE state = 'archived' GROUP BY 1 ORDER BY 1",
  "SELECT count(DISTINCT symbol) FROM daily_availability WHERE date BETWEEN DATE '2023-01-01' AND DATE '2023-12-31'",
  "SELECT avg(n) FROM (SELECT count(*) AS n FROM daily_availability GROUP BY date)",
  "SELECT strftime(date, '%Y-%m') AS m, count(*) FILTER (available) FROM daily_availability GROUP BY 1 ORDER BY 1",
  "SELECT symbol FROM daily_availability WHERE date = DATE '2021-06-01' EXCEPT SELECT symbol FROM daily_availability WHERE date = DATE '2026-06-01' ORDER BY 1",
  "SELECT symbol, date FROM daily_availability WHERE state = 'missing' ORDER BY ALL",
];

const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
const env = { BFA_DATA_DIR: join(dir, "data"), PORT: "0" };
await stopped(start(env, "--init")); // builds; the next one only starts
const began = performance.now();
const server = start(env);
const url = (await readLine(server.stdout, /bfa serves on (\S+)/))[1]!;
const up = performance.now();
assertEquals((await ask("SELECT 1")).rows, [[1]]);
const first = performance.now();
console.log(
  `first query after start: ${ms(first - up)} (${ms(first - began)} after the process began)`,
);

await typical();
await memory();
await beside();
server.kill("SIGINT");
await server.status;
await Deno.remove(dir, { recursive: true });

/** 20 queries over HTTP, and in this process on the same file. */
async function typical(): Promise<void> {
  const file = join(dir, "availability.duckdb");
  for await (const { name } of Deno.readDir(join(dir, "data/builds"))) {
    const packed = await Deno.open(join(dir, "data/builds", name, "availability.duckdb.gz"));
    await packed.readable.pipeThrough(new DecompressionStream("gzip"))
      .pipeTo((await Deno.create(file)).writable);
  }
  // As DuckDB comes: as many threads as there are cores.
  await withDuckdb({ path: file, threads: navigator.hardwareConcurrency }, async (connection) => {
    const local = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
    const pairs: { sql: string; http: number; local: number }[] = [];
    for (const sql of TYPICAL) {
      const same = (rows: unknown[][]) =>
        rows.map((row) => row.map((cell) => String(cell).slice(0, 10)));
      assertEquals(same((await ask(sql)).rows), same(await local(sql)), sql);
      const times: { http: number[]; local: number[] } = { http: [], local: [] };
      for (let round = 0; round < ROUNDS; round++) {
        times.http.push(await timed(() => ask(sql)));
        times.local.push(await timed(() => local(sql)));
      }
      pairs.push({ sql, http: median(times.http), local: median(times.local) });
    }
    const http = median(pairs.map((pair) => pair.http));
    const here = median(pairs.map((pair) => pair.local));
    const ratios = pairs.map((pair) => pair.http / pair.local).sort((a, b) => a - b);
    console.log(
      `20 typical queries, medians: over HTTP ${ms(http)}, in process ${ms(here)}, ratio ${
        (http / here).toFixed(2)
      } (per query ${ratios[0]!.toFixed(2)} to ${ratios.at(-1)!.toFixed(2)}, median ${
        median(ratios).toFixed(2)
      })`,
    );
  });
}

/** The whole catalogue over HTTP, one statement after the other. */
async function memory(): Promise<void> {
  const before = resident(server.pid, "VmRSS");
  let child = 0;
  const watch = setInterval(() => {
    for (const pid of children(server.pid)) child = Math.max(child, resident(pid, "VmHWM"));
  }, 10);
  const counts: Record<number, number> = {};
  for (const { sql } of await cases(dir)) {
    const response = await fetch(`${url}/v1/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sql }),
    });
    await response.arrayBuffer();
    counts[response.status] = (counts[response.status] ?? 0) + 1;
  }
  clearInterval(watch);
  const grown = resident(server.pid, "VmRSS") - before;
  console.log(
    `hostile catalogue: ${JSON.stringify(counts)}; a child at most ${
      mb(child)
    }, the server grew by ${mb(grown)} (from ${mb(before)})`,
  );
}

/** `/v1/snapshot` alone, and with two hostile statements running all the time. */
async function beside(): Promise<void> {
  const hostile = (await cases(dir)).filter(({ id }) => ["T09", "T13", "T20", "M09"].includes(id));
  const p95: { alone: number[]; beside: number[] } = { alone: [], beside: [] };
  for (let round = 0; round < 5; round++) {
    p95.alone.push(await snapshots());
    const stop = new AbortController();
    const loops = [0, 1].map(async (offset) => {
      for (let i = offset; !stop.signal.aborted; i++) {
        const query = `/v1/query?sql=${encodeURIComponent(hostile[i % hostile.length]!.sql)}`;
        await fetch(url + query, { signal: stop.signal }).then((r) => r.body?.cancel(), () => {});
      }
    });
    await ask("SELECT 1").catch(() => {}); // by now they run
    p95.beside.push(await snapshots());
    stop.abort();
    await Promise.all(loops);
  }
  const [alone, with_] = [median(p95.alone), median(p95.beside)];
  console.log(
    `/v1/snapshot/2024-01-15, p95: alone ${alone.toFixed(2)} ms, beside a hostile loop ${
      with_.toFixed(2)
    } ms, ratio ${(with_ / alone).toFixed(2)}`,
  );
}

async function snapshots(): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 2_000; i++) {
    times.push(
      await timed(async () => {
        await (await fetch(`${url}/v1/snapshot/2024-01-15`)).arrayBuffer();
      }),
    );
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)]!;
}

async function ask(sql: string): Promise<{ rows: unknown[][] }> {
  const response = await fetch(`${url}/v1/query?sql=${encodeURIComponent(sql)}`);
  const body = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(body));
  return body;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function resident(pid: number, field: "VmRSS" | "VmHWM"): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function children(pid: number): number[] {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function start(env: Record<string, string>, ...more: string[]): Deno.ChildProcess {
  const args = ["run", "-A", "--unstable-kv", "cli.ts", "serve", ...more];
  return new Deno.Command(Deno.execPath(), { args, env, stdout: "piped", stderr: "null" }).spawn();
}

async function stopped(child: Deno.ChildProcess): Promise<void> {
  await readLine(child.stdout, /bfa serves on (\S+)/);
  child.kill("SIGINT");
  await child.status;
}

function ms(time: number): string {
  return `${time.toFixed(1)} ms`;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
