/**
 * Comparing two versions, on the embedded listings with numbers for every row: what is read, how long it
 * takes, how long it keeps others waiting, and what it holds.
 *
 *     deno run -A --unstable-kv tests/bench/diff.ts
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { addDays } from "../../lib/core/day.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { build } from "../../lib/jobs/build.ts";
import { loadListings } from "../../lib/jobs/load_listings.ts";
import { publish } from "../../lib/jobs/publish.ts";
import { mirrorRows, RowCache } from "../../lib/jobs/row_source.ts";
import { type DiffSide, VersionDiff } from "../../lib/jobs/version_diff.ts";
import { httpMirror } from "../../lib/mirror/http.ts";
import { httpClient } from "../../lib/net/client.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { writeObservations } from "../helpers/numbers.ts";
import { withPublisher } from "../helpers/publisher.ts";
import { serveRanges } from "../helpers/range_server.ts";

await withPublisher(async (world) => {
  const seed = await seedListings();
  world.clock = new Date(`${seed.dataThrough}T23:00:00Z`);
  const observations = `${world.dir}/numbers.duckdb`;
  await writeObservations(observations, seed);
  const revised = addDays(seed.dataThrough, -3);
  const changes = [
    [],
    [`UPDATE files SET file_size_bytes = file_size_bytes + 1 WHERE date = '${revised}'`],
    ["UPDATE klines SET quote_volume_usdt = quote_volume_usdt + 1, trade_count = trade_count + 1"],
  ];
  const versions: string[] = [];
  for (const [i, statements] of changes.entries()) {
    await withDuckdb({ path: observations }, async (connection) => {
      for (const sql of statements) await connection.run(sql);
    });
    const version = `${seed.dataThrough}.${i + 1}`;
    const outDir = `${world.dir}/build-${i}`;
    await publish(world.publisher, await build(seed, { version, outDir, observations }), outDir);
    await Deno.remove(outDir, { recursive: true });
    versions.push(version);
  }

  const server = serveRanges(world.mirrorDir);
  const mirror = httpMirror(server.url, httpClient());
  const { store } = world.publisher;
  const side = async (version: string): Promise<DiffSide> => {
    const stored = (await store.bySequence((await store.sequenceOf(version))!))!;
    const { signed } = stored.manifest;
    const source = { version, index: await loadListings(mirror, signed) };
    const cache = new RowCache(16 * 1024 * 1024);
    return { stored, source, pieces: mirrorRows(mirror, signed, cache).pieces };
  };
  for (
    const [what, a, b, question] of [
      ["a day of sizes", versions[0]!, versions[1]!, {}],
      ["two numbers of every row", versions[1]!, versions[2]!, {}],
      ["the same, of one symbol", versions[1]!, versions[2]!, { symbol: "BTCUSDT" }],
    ] as const
  ) {
    const diff = new VersionDiff(await side(a), await side(b));
    server.take();
    const first = await watched(() => diff.answer({ ...question, limit: 20_000 }));
    const read = server.take();
    assertEquals(first.answer.numbers, true);
    report(what, `${first.answer.count} rows differ; ${first.told}`);
    const bytes = read.reduce((sum, { bytes }) => sum + bytes, 0);
    report("", `${read.length} requests, ${bytes} bytes`);
    const offset = Math.max(0, first.answer.count - 100);
    const page = await watched(() => diff.answer({ ...question, offset, limit: 100 }));
    assertEquals(page.answer.rows.length, 100);
    report("", `its last page: ${page.told}`);
  }
  await server.close();
});

/** How long something takes, how long it blocks, and how much more memory the process has afterwards. */
async function watched<T>(work: () => Promise<T>): Promise<{ answer: T; told: string }> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  const started = performance.now();
  const answer = await work();
  clearInterval(timer);
  const ms = Math.round(performance.now() - started);
  const rss = Math.round(Deno.memoryUsage().rss / 1e6);
  return { answer, told: `${ms} ms, blocks for at most ${Math.round(longest)} ms, RSS ${rss} MB` };
}

function report(what: string, told: string): void {
  console.log(`${what.padEnd(26)} ${told}`);
}
