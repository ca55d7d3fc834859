/**
 * What a new day costs, in bytes: versions of the embedded listings with numbers, published one day after
 * another.
 *
 *     deno run -A --unstable-kv tests/bench/refresh.ts                  # whole files built daily, two days
 *     deno run -A --unstable-kv tests/bench/refresh.ts monthly 32      # built monthly, from one time to the next
 *     deno run -A --unstable-kv tests/bench/refresh.ts monthly 2 2026-07-31
 *
 * The publisher's uploads, and the downloads of a client that has pulled everything, of one that has pulled the
 * parts, and of one that has only asked questions, as shares of the whole version.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readWholeFiles, wholeThrough } from "../../lib/core/whole_files.ts";
import { addDays, parseDay } from "../../lib/core/day.ts";
import { deriveListings } from "../../lib/core/derive_listings.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { build } from "../../lib/jobs/build.ts";
import type { Build } from "../../lib/jobs/build_folder.ts";
import { type Dataset, open } from "../../lib/mod.ts";
import { publish } from "../../lib/jobs/publish.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { observe } from "./observe.ts";

const wholeFiles = readWholeFiles(Deno.args[0]);
const count = Number(Deno.args[1] ?? 2);
/** The last day; that of the embedded listings when left out: the end of July has just settled. */
const last = parseDay(Deno.args[2] ?? "2026-08-08");
const days = Array.from({ length: count }, (_, i) => addDays(last, i + 1 - count));

/** What each client pulls; the last one nothing: its copy has what its questions need. */
const CLIENTS: Readonly<Record<string, (name: string) => boolean>> = {
  everything: () => true,
  "the parts": (name) => name.startsWith("parts/") || name === "listings.json",
  "the listings": (name) => name === "listings.json",
};

/** Shares of the whole version, by day: of ordinary ones, and of those on which whole files are built anew. */
const shares = { ordinary: new Map<string, number[]>(), all: new Map<string, number[]>() };

await withPublisher(async (world) => {
  const observations = join(world.dir, "observations.duckdb");
  await observe(observations, 1);
  let uploaded = 0;
  const mirror = world.publisher.mirrors[0]!;
  const counting: Mirror = {
    ...mirror,
    put: (path, body) => mirror.put(path, body.pipeThrough(counter((bytes) => uploaded += bytes))),
  };
  const publisher = { ...world.publisher, mirrors: [counting] };
  const endpoint = serveMirror(world.mirrorDir);
  const clients: { what: string; dataset: Dataset }[] = [];
  for (const what of Object.keys(CLIENTS)) {
    const cacheDir = join(world.dir, what);
    const options = { cacheDir, now: () => world.clock, onNotice: () => {} };
    clients.push({ what, dataset: await open({ endpoint: endpoint.url, ...options }) });
  }
  let before: Build | undefined;
  for (const day of days) {
    world.clock = new Date(`${addDays(day, 1)}T12:00:00Z`);
    const evidence = await withObservations(observations, (store) => store.evidence());
    const listings = { dataThrough: day, listings: deriveListings(evidence, { dataThrough: day }) };
    const outDir = join(world.dir, "build");
    const version = `${day}.1`;
    const made = await build(listings, { version, outDir, observations, wholeFiles });
    uploaded = 0;
    await publish(publisher, made, outDir);
    const whole = made.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
    const through = wholeThrough(day, wholeFiles);
    const ordinary = before !== undefined && through === wholeThrough(addDays(day, -1), wholeFiles);
    const line = [`${version}: ${mb(whole)}, whole files through ${through}`];
    const note = (what: string, bytes: number) => {
      const percent = 100 * bytes / whole;
      line.push(`${what} ${mb(bytes)} (${percent.toFixed(1)} %)`);
      if (!before) return;
      for (const kind of ordinary ? (["ordinary", "all"] as const) : (["all"] as const)) {
        shares[kind].set(what, [...shares[kind].get(what) ?? [], percent]);
      }
    };
    note("uploaded", uploaded);
    for (const { what, dataset } of clients) {
      const sent = endpoint.bytes();
      const names = made.artifacts.map(({ name }) => name);
      if (before) await dataset.refresh();
      else await dataset.pull(names.filter(CLIENTS[what]!));
      // What is new under a new name comes when it is asked for.
      if (what === "everything") await dataset.pull(["*"]);
      assertEquals((await dataset.status()).version, version);
      note(`a client of ${what}`, endpoint.bytes() - sent);
    }
    console.log(line.join("; "));
    if (days.length === 2 && before) {
      const known = new Set(before.artifacts.map(({ sha256 }) => sha256));
      for (const { name, bytes, sha256 } of made.artifacts) {
        if (!known.has(sha256)) console.log(`  changed: ${name} ${mb(bytes)}`);
      }
    }
    before = made;
  }
  await endpoint.close();
});

for (const [kind, found] of Object.entries(shares)) {
  for (const [what, percents] of found) {
    const mean = percents.reduce((sum, percent) => sum + percent, 0) / percents.length;
    const most = Math.max(...percents);
    console.log(
      `${kind} days (${percents.length}): ${what} ${mean.toFixed(2)} % on average, ${
        most.toFixed(2)
      } % at most`,
    );
  }
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function counter(count: (bytes: number) => void) {
  return new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      count(chunk.length);
      controller.enqueue(chunk);
    },
  });
}
