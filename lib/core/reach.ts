/**
 * How far the files of a version go: not all of them need to go as far as the version does.
 *
 * @module
 */

import type { Day, DayRange } from "./day.ts";
import type { Artifact, ManifestBody } from "./manifest.ts";

/** How far a file of a version goes. */
export function reachOf(
  artifact: Pick<Artifact, "dataThrough">,
  version: Pick<ManifestBody, "dataThrough">,
): Day {
  return artifact.dataThrough ?? version.dataThrough;
}

/** How far the whole files of a version go, where that is not as far as the version. */
export function wholeFilesThrough({ artifacts }: Pick<ManifestBody, "artifacts">): Day | undefined {
  return artifacts.map((artifact) => artifact.dataThrough).filter((day) => day !== undefined)
    .sort()[0];
}

/** The parts that days of a range can be in, the oldest first. */
export function partsOf(
  { artifacts }: Pick<ManifestBody, "artifacts">,
  [from, to]: DayRange,
): Artifact[] {
  if (from > to) return [];
  return artifacts.filter(({ role, name }) => {
    const period = /^parts\/([\d-]+)\.parquet$/.exec(name)?.[1];
    return role === "part" && period !== undefined &&
      from.slice(0, period.length) <= period && period <= to.slice(0, period.length);
  }).sort((a, b) => a.name < b.name ? -1 : 1);
}
