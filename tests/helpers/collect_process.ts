/**
 * A collector in a process of its own.
 *
 *     deno run -A tests/helpers/collect_process.ts hold FILE
 *     deno run -A tests/helpers/collect_process.ts collect FILE LIST_URL NOW
 *     deno run -A tests/helpers/collect_process.ts daily DIR LIST_URL NOW
 *
 * `hold` opens the observations and keeps them open; `collect` runs a full collection once, with a
 * `b` before every batch, which begins when a byte comes on standard input or that has ended; `daily` runs the daily job on a day after the other, with a `.` before each.
 * Batches are of one or a few symbols, so that there are many.
 *
 * @module
 */

import { join } from "@std/path";
import { withObservations } from "../../lib/engine/observation_store.ts";
import type { ObservationStore } from "../../lib/engine/observations.ts";
import { collect } from "../../lib/jobs/collect.ts";
import { daily } from "../../lib/jobs/daily.ts";
import { httpClient } from "../../lib/net/client.ts";
import { visionLister } from "../../lib/source/vision.ts";
import { publisherOn } from "./publish_process.ts";

const say = (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(text));

/** One daily run on a folder, as of an instant. */
export async function dailyOn(dir: string, listUrl: string, now: Date, kv: Deno.Kv) {
  const publisher = { ...await publisherOn(kv, join(dir, "mirror")), now: () => now };
  return await daily({
    publisher,
    lister: visionLister(httpClient(), listUrl),
    observations: join(dir, "observations.duckdb"),
    buildsDir: join(dir, "builds"),
    facts: new Map(),
    concurrency: 4,
    batchFiles: 50,
    now: () => now,
  });
}

/** A store that says when it begins with a batch, and waits until it may. */
function withBatches(store: ObservationStore): ObservationStore {
  return {
    ...store,
    async learn(...batch) {
      say("b");
      await Deno.stdin.read(new Uint8Array(1));
      return await store.learn(...batch);
    },
  };
}

async function main([what, path, listUrl, now]: string[]): Promise<void> {
  if (what === "hold") {
    await withObservations(path!, async (store) => {
      await store.symbols();
      say("held\n");
      await new Promise((never) => setTimeout(never, 3_600_000));
    });
  } else if (what === "collect") {
    await withObservations(path!, async (store) => {
      const clock = () => new Date(now!);
      const lister = visionLister(httpClient(), listUrl!);
      // One symbol after the other: as many batches as symbols.
      const options = { full: true, now: clock, concurrency: 1, batchFiles: 1 };
      const report = await collect(withBatches(store), lister, options);
      say(`\n${JSON.stringify(report)}\n`);
    });
  } else if (what === "daily") {
    const kv = await Deno.openKv(join(path!, "kv.sqlite3"));
    for (let time = Date.parse(now!);; time += 86_400_000) {
      say(".");
      const { version } = await dailyOn(path!, listUrl!, new Date(time), kv);
      say(`<${version}>`);
    }
  }
}

if (import.meta.main) await main(Deno.args);
