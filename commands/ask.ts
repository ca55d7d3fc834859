/**
 * What all questions share: open the dataset, refresh when told, print, let a refresh finish.
 *
 * @module
 */

import type { Dataset } from "../lib/jobs/dataset.ts";
import type { Sift } from "../lib/core/sift.ts";
import type { Inputs } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { formatDuration, print, type View } from "./output.ts";
import type { Tools } from "./tools.ts";

/** Asks the dataset and prints what it says. */
export async function ask<Row>(
  inputs: Inputs,
  tools: Tools,
  question: (dataset: Dataset) => Promise<View<Row>>,
): Promise<void> {
  const dataset = await openDataset(inputs, tools);
  const view = await sifted(await question(dataset), siftOf(inputs));
  const footer = view.footer && `${view.footer}${await condition(dataset, tools.world.now())}`;
  await print(footer ? { ...view, footer } : view, inputs, tools.world);
  await dataset.settled();
}

/** What of an answer's rows is wanted; `undefined` for all, as they come. */
export function siftOf(inputs: Inputs): Sift | undefined {
  const [where, sort] = [inputs.texts("where"), inputs.texts("sort")];
  return where || sort ? { where, sort } : undefined;
}

/** A view with the wanted rows alone. */
async function sifted<Row>(view: View<Row>, wanted: Sift | undefined): Promise<View<Row>> {
  if (!wanted) return view;
  const { sift, siftedBody } = await import("../lib/core/sift.ts");
  const { tableOf } = await import("../lib/core/table.ts");
  const { answer, rows, columns, lists = ["rows"], most, footer } = view;
  const positions = sift(tableOf(columns, rows), wanted).slice(0, most);
  return {
    ...view,
    answer: siftedBody(answer, lists, positions),
    rows: positions.map((at) => rows[at]!),
    ...(footer ? { footer: `${positions.length} of ${footer}` } : {}),
  };
}

/** `version 2026-11-20.1 · fresh`, as it stands after a footer. */
async function condition(dataset: Dataset, now: Date): Promise<string> {
  const { version, freshness, dataThrough } = await dataset.status();
  if (version === null) return ""; // only versions by name were asked
  if (freshness !== "seed" || dataThrough === null) return `   version ${version} · ${freshness}`;
  const age = formatDuration(now.getTime() - Date.parse(dataThrough));
  return `   built-in listings · ${age} old`;
}
