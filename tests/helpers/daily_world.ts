/** The daily job in a temporary folder: a bucket, a publisher, and a clock that both share. @module */

import { daily, type DailyOptions } from "../../lib/jobs/daily.ts";
import type { DailyReport } from "../../lib/jobs/daily_report.ts";
import { join } from "@std/path";
import type { History } from "./bucket_history.ts";
import { type Collecting, withCollecting } from "./collecting.ts";
import { type TestPublisher, withPublisher } from "./publisher.ts";

/** A daily job and what it works on. */
export interface DailyWorld {
  readonly source: Collecting;
  readonly side: TestPublisher;
  /** Moves the clock and runs the job. */
  runAt(now: string, options?: Partial<DailyOptions>): Promise<DailyReport>;
  /** The version that a channel names. */
  named(channel?: string): Promise<string | undefined>;
}

/** Runs a test with a daily job of its own. */
export async function withDaily(
  past: History,
  test: (world: DailyWorld) => Promise<void>,
): Promise<void> {
  await withPublisher((side) =>
    withCollecting(past, "2026-01-01T12:00:00.000Z", (source) =>
      test({
        source,
        side,
        async runAt(now, options) {
          source.clock = new Date(now);
          side.clock = source.clock;
          return await daily({
            publisher: side.publisher,
            lister: source.lister(),
            observations: source.observations,
            buildsDir: join(side.dir, "builds"),
            facts: new Map(),
            concurrency: 4,
            now: () => source.clock,
            ...options,
          });
        },
        async named(channel = "latest") {
          return (await side.publisher.store.head(channel)).pointer?.version;
        },
      }))
  );
}
