/**
 * The service's answers without a service: what `bfa get` prints.
 *
 * @module
 */

import type { Source } from "../lib/core/answers.ts";
import type { Day } from "../lib/core/day.ts";
import type { DiffAnswer } from "../lib/core/diff.ts";
import type { RowSource } from "../lib/jobs/row_source.ts";
import type { AskedVersion } from "../lib/jobs/version_sources.ts";
import type { DiffQuestion } from "../lib/jobs/version_diff.ts";
import { answerer } from "./answer.ts";
import { pages } from "./pages.ts";
import type { Differ } from "./question.ts";
import { routed } from "./routed.ts";

/** A dataset on this machine. */
export interface LocalDataset extends RowSource {
  /** The version that answers come from; `undefined` while the embedded listings answer. */
  asked(): Promise<AskedVersion | undefined>;
  at(version: string): LocalDataset;
  asOf(day: string): Promise<LocalDataset>;
  diff(a: string, b: string, question: DiffQuestion): Promise<DiffAnswer>;
}

/** Answers a request as the service would, from a dataset. */
export async function localAnswer(
  dataset: LocalDataset,
  seed: Source,
  request: Request,
): Promise<Response> {
  const current = await dataset.asked();
  const versions = {
    at: async (version: string) => (await dataset.at(version).asked())!,
    asOf: async (day: Day) => (await (await dataset.asOf(day)).asked())!,
  };
  const followed = { current: () => current };
  const rowsOf = (asked: AskedVersion) =>
    asked === current ? dataset : dataset.at(asked.stored.manifest.signed.version);
  const diff: Differ = (a, b, question) =>
    dataset.diff(a.source.version, b.source.version, question);
  const answers = answerer({ followed, versions, rowsOf, diff, seed, channel: "latest" });
  const onProblem = (error: unknown) => {
    throw error; // here it is the user's own machine: say what went wrong
  };
  return await routed({
    answers,
    routes: pages({ source: answers.source, manifest: () => current?.stored.manifest }),
    onProblem,
  }).fetch(request);
}
