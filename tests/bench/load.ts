/**
 * The p95 of answers from memory, alone and beside what others do to the service:
 *
 *     deno run -A tests/bench/load.ts [ROUNDS]
 *
 * - two clients that send hostile SQL all the time, from the catalogue: what takes long, and what takes memory
 * - 1,000 connections that send one byte of a header now and then, and never finish
 * - 30 clients that take a large answer a little at a time
 *
 * Alone and beside alternate in every round; the medians of their p95 are compared. Aim: at most 2 times.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cases } from "../helpers/sql.ts";
import { cpuSeconds, median, readLine } from "./measure.ts";

const ROUNDS = Number(Deno.args[0] ?? 7);
const PATH = "/v1/snapshot/2024-01-15";
const CLIENTS = 4;
const REQUESTS = 500;

const dir = await Deno.makeTempDir({ prefix: "bfa-bench-" });
const service = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "--unstable-kv", "cli.ts", "serve", "--init"],
  env: { BFA_DATA_DIR: join(dir, "data"), PORT: "0" },
  stdout: "piped",
  stderr: "null",
}).spawn();
const url = (await readLine(service.stdout, /bfa serves on (\S+)/))[1]!;
const expected = await (await fetch(url + PATH)).text();
await (await fetch(`${url}/v1/query?sql=SELECT+1`)).body?.cancel(); // children are there

console.log(`p95 of ${PATH}: ${CLIENTS} clients, ${ROUNDS} rounds of ${CLIENTS * REQUESTS}`);
await compare("two hostile SQL loops", hostileSql);
await compare("1,000 slow headers", slowHeaders);
await compare("30 slow readers", slowReaders);
service.kill("SIGINT");
await service.status;
await Deno.remove(dir, { recursive: true });

/** Measures alone, then beside, in turns. `begin` starts the others, and returns how to stop them. */
async function compare(what: string, begin: () => Promise<() => Promise<string>>): Promise<void> {
  const found: Record<"alone" | "beside", number[]> = { alone: [], beside: [] };
  const cpu: Record<"alone" | "beside", number[]> = { alone: [], beside: [] };
  let told = "";
  for (let round = 0; round < ROUNDS; round++) {
    for (const when of ["alone", "beside"] as const) {
      const stop = when === "beside" ? await begin() : undefined;
      const before = cpuSeconds(service.pid);
      found[when].push(await p95());
      cpu[when].push((cpuSeconds(service.pid) - before) / (CLIENTS * REQUESTS) * 1e6);
      if (stop) told = await stop();
    }
  }
  const [alone, beside] = [median(found.alone), median(found.beside)];
  console.log(
    `${(beside / alone).toFixed(2)}  ${what}: alone ${alone.toFixed(2)} ms, beside ${
      beside.toFixed(2)
    } ms; CPU of the service ${median(cpu.alone).toFixed(0)} and ${
      median(cpu.beside).toFixed(0)
    } µs a request; ${told}`,
  );
}

async function p95(): Promise<number> {
  const times: number[] = [];
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    for (let i = 0; i < REQUESTS; i++) {
      const start = performance.now();
      const text = await (await fetch(url + PATH)).text();
      times.push(performance.now() - start);
      assertEquals(text.length, expected.length);
    }
  }));
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)]!;
}

async function hostileSql(): Promise<() => Promise<string>> {
  const hostile = (await cases(dir)).filter(({ id }) => ["T09", "T13", "T20", "M09"].includes(id));
  assertEquals(hostile.length, 4);
  const over = new AbortController();
  let ended = 0;
  const loops = [0, 1].map(async (offset) => {
    for (let i = offset; !over.signal.aborted; i++) {
      const path = `/v1/query?sql=${encodeURIComponent(hostile[i % hostile.length]!.sql)}`;
      await fetch(url + path, { signal: over.signal }).then((r) => r.body?.cancel(), () => {});
      ended++;
    }
  });
  // Both children are taken when a third statement finds none.
  for (let status = 0; status !== 503;) {
    const response = await fetch(`${url}/v1/query?sql=SELECT+1`);
    await response.body?.cancel();
    status = response.status;
  }
  return async () => {
    over.abort();
    await Promise.all(loops);
    return `${ended} statements ended in the last round`;
  };
}

async function slowHeaders(): Promise<() => Promise<string>> {
  const slow = await connections(1_000, `GET ${PATH} HTTP/1.1\r\nHost: a\r\nX-Slow: `);
  let at = 0;
  let sent = 0;
  // Each sends a byte every few seconds, one after the other.
  const timer = setInterval(() => {
    for (let i = 0; i < 5; i++) {
      slow[at++ % slow.length]!.write(new Uint8Array([120])).then(() => sent++, () => {});
    }
  }, 10);
  return () => {
    clearInterval(timer);
    for (const connection of slow) connection.close();
    return Promise.resolve(`${slow.length} connections, ${sent} bytes sent slowly`);
  };
}

async function slowReaders(): Promise<() => Promise<string>> {
  const text = `GET /v1/timeline/BTCUSDT.ndjson?detail=1 HTTP/1.1\r\nHost: a\r\n\r\n`;
  const slow = await connections(30, text.repeat(20));
  let bytes = 0;
  const timer = setInterval(() => {
    for (const connection of slow) {
      connection.read(new Uint8Array(1_000)).then((count) => bytes += count ?? 0, () => {});
    }
  }, 50);
  return () => {
    clearInterval(timer);
    for (const connection of slow) connection.close();
    assert(bytes > 0);
    return Promise.resolve(`${slow.length} connections, ${bytes} bytes taken slowly`);
  };
}

async function connections(count: number, text: string): Promise<Deno.TcpConn[]> {
  const { hostname, port } = new URL(url);
  return await Promise.all(Array.from({ length: count }, async () => {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode(text));
    return connection;
  }));
}
