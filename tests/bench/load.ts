/**
 * The p95 of answers from memory, alone and beside what others do to the service:
 *
 *     deno run -A tests/bench/load.ts [ROUNDS]
 *
 * - two clients that send hostile SQL all the time, from the catalogue: what takes long, and what takes memory
 * - 1,000 connections that send one byte of a header now and then, and never finish
 * - 30 clients that take a large answer a little at a time
 * - one client that asks for a month of all rows, and one for all rows of a symbol, over 4 connections, as fast as it can
 *
 * Alone and beside alternate in every round; the medians of their p95 are compared. Aim: at most 2 times.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { seedListings } from "../../lib/source/seed.ts";
import { type ServedVersion, withServed } from "../helpers/interop.ts";
import { cases } from "../helpers/sql.ts";
import { cpuSeconds, median } from "./measure.ts";

const ROUNDS = Number(Deno.args[0] ?? 7);
const PATH = "/v1/snapshot/2024-01-15";
const CLIENTS = 4;
const REQUESTS = 500;

let service: ServedVersion["service"];
let url: string;
let expected: string;

const { listings, dataThrough } = await seedListings();
await withServed(async (served) => {
  service = served.service;
  url = service.url;
  expected = await (await fetch(url + PATH)).text();
  await (await fetch(`${url}/v1/query?sql=SELECT+1`)).body?.cancel(); // children are there
  console.log(`p95 of ${PATH}: ${CLIENTS} clients, ${ROUNDS} rounds of ${CLIENTS * REQUESTS}`);
  await compare("two hostile SQL loops", () => hostileSql(served.scratch));
  await compare("1,000 slow headers", slowHeaders);
  await compare("30 slow readers", slowReaders);
  for (const suffix of ["", ".csv", ".parquet", ".arrow"]) {
    await compare(`months of all rows${suffix && `, as ${suffix.slice(1)}`}`, () => {
      return longQuestions(Array.from({ length: 60 }, (_, i) => {
        const month = `${2021 + i % 5}-${String(1 + Math.floor(i / 5)).padStart(2, "0")}`;
        return `/v1/rows${suffix}?from=${month}-01&to=${month}-28&columns=all`;
      }));
    });
  }
  const symbols = listings.filter(({ first }) => first < "2021-01-01").map(({ symbol }) => symbol);
  await compare("all rows of symbols", () => {
    return longQuestions(symbols.map((symbol) => `/v1/rows?symbol=${symbol}&columns=all`));
  });
}, { file: { listings, dataThrough }, version: `${dataThrough}.1` });

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

async function hostileSql(dir: string): Promise<() => Promise<string>> {
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

/** Four connections of one client that ask for what is not in memory, on a thread of their own. */
async function longQuestions(paths: readonly string[]): Promise<() => Promise<string>> {
  const code = `onmessage = ({ data: { url, paths } }) => {
    let answers = 0;
    for (const at of [0, 1, 2, 3]) (async () => {
      for (let i = at;; i += 4) {
        const response = await fetch(url + paths[i % paths.length] + "&limit=" + (100_000 - i));
        if (!response.ok) throw new Error(await response.text());
        for await (const _ of response.body);
        postMessage(++answers);
      }
    })();
  };`;
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  let answers = 0;
  const began = Promise.withResolvers<void>();
  worker.onmessage = ({ data }) => {
    answers = data;
    began.resolve();
  };
  worker.postMessage({ url, paths });
  await began.promise;
  const before = performance.now();
  return () => {
    worker.terminate();
    const seconds = (performance.now() - before) / 1000;
    return Promise.resolve(`${(answers / seconds).toFixed(1)} answers a second in the last round`);
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
