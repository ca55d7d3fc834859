/**
 * What a new day costs, in bytes: a version of the embedded listings with numbers is published, then one
 * with a day more.
 *
 *     deno run -A --unstable-kv tests/bench/refresh.ts
 *
 * The publisher's uploads, and the downloads of a client that has pulled everything, and of one that has
 * pulled the parts, as shares of the whole version.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { type Build, build } from "../../lib/jobs/build.ts";
import { derive } from "../../lib/jobs/derive.ts";
import { open } from "../../lib/jobs/open.ts";
import { publish } from "../../lib/jobs/publish.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { serveMirror } from "../helpers/endpoint.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { observe } from "./observe.ts";

/** The clock of each version; the second knows of one day more. */
const CLOCKS = ["2026-08-08T12:00:00Z", "2026-08-09T12:00:00Z"].map((text) => new Date(text));

const isPart = (name: string) => name.startsWith("parts/") || name === "listings.json";

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
  const clients = ["everything", "the parts"].map((what) => ({
    what,
    dataset: open({
      endpoint: endpoint.url,
      cacheDir: join(world.dir, what),
      now: () => world.clock,
      onNotice: () => {},
    }),
  }));
  let before: Build | undefined;
  for (const clock of CLOCKS) {
    world.clock = clock;
    const listings = await withObservations(observations, (store) => derive(store, { now: clock }));
    const outDir = join(world.dir, `build-${listings.dataThrough}`);
    const version = `${listings.dataThrough}.1`;
    const made = await build(listings, { version, outDir, observations });
    uploaded = 0;
    await publish(publisher, made, outDir);
    const whole = made.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
    const share = (bytes: number) => `${mb(bytes)} (${(100 * bytes / whole).toFixed(1)} %)`;
    console.log(`${version}: ${made.artifacts.length} artifacts, ${mb(whole)}`);
    console.log(`  uploaded ${share(uploaded)}`);
    for (const { what, dataset } of clients) {
      const sent = endpoint.bytes();
      const client = await dataset;
      const names = made.artifacts.map(({ name }) => name);
      if (before) await client.refresh();
      else await client.pull(what === "everything" ? names : names.filter(isPart));
      assertEquals((await client.status()).version, version);
      console.log(`  downloaded by a client of ${what} ${share(endpoint.bytes() - sent)}`);
    }
    for (const { name, bytes, sha256 } of before ? made.artifacts : []) {
      const same = before!.artifacts.some((artifact) => artifact.sha256 === sha256);
      if (!same) console.log(`    changed: ${name} ${share(bytes)}`);
    }
    before = made;
  }
  await endpoint.close();
});

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
