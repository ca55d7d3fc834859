/**
 * The processes of the bench of collecting:
 *
 *     serve SYMBOLS URLS           the simulator; writes the queries of all pages to a file
 *     bare LIST_URL URLS           asks for all of them, and drops what it gets
 *     full|incremental LIST_URL FILE   collects
 *
 * @module
 */

import { parseDay } from "../../lib/core/day.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { collect } from "../../lib/jobs/collect.ts";
import { inParallel } from "../../lib/jobs/in_parallel.ts";
import { whileListing } from "../../lib/jobs/list_symbols.ts";
import { httpClient } from "../../lib/net/client.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { visionLister } from "../../lib/source/vision.ts";
import { serveBucket } from "../helpers/bucket.ts";
import { history } from "../helpers/bucket_history.ts";
import { madeUpListings } from "../helpers/bucket_lives.ts";
import { type Asked, CONCURRENCY, LATENCY_MS } from "./collect.ts";
import { cpuSeconds, peakRss } from "./measure.ts";

const NOW = new Date("2026-08-09T12:00:00Z");

/** It keeps nothing but a directory's name: every page is made when it is asked for. */
async function serve(symbols: number, urls: string): Promise<void> {
  const { listings } = await seedListings();
  const wanted = [...listings, ...madeUpListings(110)].slice(-symbols);
  const past = history(wanted, { through: parseDay("2026-08-08") });
  const bucket = serveBucket(past, { now: NOW });
  await Deno.writeTextFile(urls, JSON.stringify(await pagesOf(bucket.listUrl, past.symbols)));
  bucket.latencyMs = LATENCY_MS;
  console.log(`ready ${bucket.listUrl}`);
}

/** The queries of every symbol's pages. */
async function pagesOf(listUrl: string, symbols: readonly string[]): Promise<string[][]> {
  const pages: string[][] = [];
  for (const symbol of symbols) {
    const queries: string[] = [];
    const http = httpClient({
      fetch: (url, init) => {
        queries.push(new URL(url).search);
        return fetch(url, init);
      },
    });
    const lister = visionLister(http, listUrl);
    let keys = 0;
    for await (const page of lister.files(symbol)) keys += page.keys;
    if (keys > 0) pages.push(queries);
  }
  return pages;
}

async function bare(listUrl: string, urls: string): Promise<Asked> {
  const pages: string[][] = JSON.parse(await Deno.readTextFile(urls));
  const begun: number[] = [];
  const started = performance.now();
  await inParallel(pages, CONCURRENCY, async (queries) => {
    for (const query of queries) {
      const asked = performance.now();
      const { body } = await fetch(listUrl + query);
      begun.push(performance.now() - asked);
      const reader = body!.getReader({ mode: "byob" });
      let buffer = new Uint8Array(65_536);
      for (let ended = false; !ended;) {
        const { value, done } = await reader.read(buffer);
        buffer = new Uint8Array(value!.buffer);
        ended = done;
      }
    }
  });
  const ms = performance.now() - started;
  const sorted = begun.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(sorted.length * part)]!;
  return { requests: begun.length, ms, ...ofThisProcess(), answered: [at(0.5), at(0.9)] };
}

async function collectOnce(full: boolean, listUrl: string, file: string): Promise<Asked> {
  const lister = visionLister(httpClient(), listUrl);
  const options = { full, now: () => NOW, concurrency: CONCURRENCY };
  const started = performance.now();
  const report = await whileListing(
    lister,
    (listed) => withObservations(file, (store) => collect(store, lister, { ...options, listed })),
  );
  const ms = performance.now() - started;
  const { requests, symbols, added, changed, gone } = report;
  return { requests, symbols, ms, ...ofThisProcess(), news: [added, changed, gone] };
}

function ofThisProcess(): { cpu: number; rss: number } {
  return { cpu: cpuSeconds(Deno.pid), rss: peakRss(Deno.pid) };
}

const [what, first, second] = Deno.args;
if (what === "serve") await serve(Number(first), second!);
else if (what === "bare") console.log(JSON.stringify(await bare(first!, second!)));
else console.log(JSON.stringify(await collectOnce(what === "full", first!, second!)));
