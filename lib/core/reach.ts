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
  return artifacts.filter((artifact) => {
    const period = periodOf(artifact);
    return period !== undefined &&
      from.slice(0, period.length) <= period && period <= to.slice(0, period.length);
  }).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The year or month that a part is of: `2024` is `parts/2024.parquet`'s. */
export function periodOf({ role, name }: Pick<Artifact, "role" | "name">): string | undefined {
  return role === "part" ? /^parts\/([\d-]+)\.parquet$/.exec(name)?.[1] : undefined;
}
