/**
 * Open, for programs: without types they pass what they like.
 *
 * @module
 */

import { checkOptions } from "./jobs/check_options.ts";
import type { Dataset } from "./jobs/dataset.ts";
import { type OpenOptions, openUnchecked } from "./jobs/open.ts";

/**
 * Opens the dataset. Nothing is downloaded before the first question.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "./open.ts";
 * const bfa = await open({ cacheDir: null, offline: true });
 * const { count, date } = await bfa.snapshot("2019-12-31");
 * assertEquals([count, date], [3, "2019-12-31"]);
 * ```
 */
export async function open(options: OpenOptions = {}): Promise<Dataset> {
  checkOptions(options);
  return await openUnchecked(options);
}
