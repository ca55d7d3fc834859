/** A bucket as the simulator's own tests use it. @module */

import { parseDay } from "../../lib/core/day.ts";
import { type Bucket, serveBucket } from "./bucket.ts";
import { type History, history, type HistoryOptions } from "./bucket_history.ts";

/** The last day of the histories, when a test names none. */
export const THROUGH = parseDay("2026-08-08");

/** The clock of the buckets: all files have appeared. */
export const LATER = Date.parse("2026-08-11T00:00:00Z");

/** A bucket that closes with its scope, and short ways to ask it. */
export interface Served extends AsyncDisposable {
  readonly bucket: Bucket;
  readonly history: History;
  get(query: string): Promise<Response>;
  list(parameters: Record<string, string>): Promise<string>;
  statuses(query: string, times: number): Promise<number[]>;
}

/** Serves a history of these listings. */
export function serve(
  lives: Parameters<typeof history>[0],
  options: Partial<HistoryOptions> = {},
): Served {
  const past = history(lives, { through: THROUGH, ...options });
  const bucket = serveBucket(past, { now: new Date(LATER) });
  const get = (query: string) => fetch(bucket.listUrl + query);
  return {
    bucket,
    history: past,
    get,
    list: async (parameters) => await (await get(`?${new URLSearchParams(parameters)}`)).text(),
    async statuses(query, times) {
      const statuses: number[] = [];
      for (let i = 0; i < times; i++) {
        const answer = await get(query);
        await answer.body?.cancel();
        statuses.push(answer.status);
      }
      return statuses;
    },
    [Symbol.asyncDispose]: () => bucket.close(),
  };
}
