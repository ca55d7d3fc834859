/**
 * What all questions share: open the dataset, refresh when told, print, let a refresh finish.
 *
 * @module
 */

import type { Dataset } from "../lib/jobs/dataset.ts";
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
  const view = await question(dataset);
  const footer = view.footer && `${view.footer}${await condition(dataset, tools.world.now())}`;
  await print(footer ? { ...view, footer } : view, inputs, tools.world);
  await dataset.settled();
}

/** `version 2026-11-20.1 · fresh`, as it stands after a footer. */
async function condition(dataset: Dataset, now: Date): Promise<string> {
  const { version, freshness, dataThrough } = await dataset.status();
  if (version === null) return ""; // only versions by name were asked
  if (freshness !== "seed" || dataThrough === null) return `   version ${version} · ${freshness}`;
  const age = formatDuration(now.getTime() - Date.parse(dataThrough));
  return `   built-in listings · ${age} old`;
}
