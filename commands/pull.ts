/**
 * `bfa pull`.
 *
 * @module
 */

import { artifactNamed, isNamed, type ManifestBody } from "../lib/core/manifest.ts";
import { exportArtifact, removeOtherParts } from "../lib/jobs/export_artifacts.ts";
import type { Command } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { counted, formatBytes } from "./output.ts";

/** Downloads a version's files. */
export const pull: Command = {
  name: "pull",
  summary: "Download the files of a version into the copy, and keep them up to date",
  about:
    "Without names: the listings and `parts/`, which hold all rows; a new day changes little of them. Prints where each file is; --out DIR puts them there too, and removes parts of other versions from there when all are pulled.",
  args: [{
    name: "artifact",
    help: "Such as availability.parquet; `parts/` is all in that folder, 'parts/2024*' a year",
    optional: true,
    many: true,
  }],
  options: {
    out: { value: "DIR", help: "Also write the files into this folder, under their own names" },
    all: { help: "Every file of the version" },
    json: OUTPUT_OPTIONS.json,
    ...CLIENT_OPTIONS,
  },
  examples: ["bfa pull availability.parquet", "bfa pull --out data"],
  async run(inputs, tools) {
    const dataset = await openDataset(inputs, tools);
    const names = await dataset.pull(inputs.flag("all") ? ["*"] : inputs.args);
    const { signed } = await dataset.manifest();
    const out = inputs.text("out");
    const files: { name: string; path: string; dataThrough?: string }[] = [];
    for (const name of names) {
      const kept = await dataset.path(name);
      const path = out === undefined
        ? kept
        : await exportArtifact(artifactNamed(signed, name), kept, out);
      const { dataThrough } = artifactNamed(signed, name);
      files.push({ name, path, ...(dataThrough === undefined ? {} : { dataThrough }) });
    }
    const parts = signed.artifacts.filter((artifact) => isNamed(artifact, "parts/"));
    const removed = out !== undefined && parts.length > 0 &&
        parts.every(({ name }) => names.includes(name))
      ? await removeOtherParts(parts, out)
      : [];
    if (removed.length > 0 && !inputs.flag("quiet")) {
      tools.world.err(`removed, as ${signed.version} has them no more: ${removed.join(", ")}\n`);
    }
    if (inputs.flag("json")) {
      return tools.world.out(JSON.stringify({ count: files.length, files }) + "\n");
    }
    tools.world.out(files.map(({ name, path }) => `${name}\t${path}\n`).join(""));
    const bytes = names.reduce((sum, name) => sum + artifactNamed(signed, name).bytes, 0);
    if (!inputs.flag("quiet")) {
      tools.world.err(`${counted(files.length, "file")}, ${formatBytes(bytes)}, verified\n`);
      tools.world.err(behindLine(files, signed));
    }
  },
};

/** What somebody who takes such a file for all there is must know. */
function behindLine(
  files: readonly { name: string; dataThrough?: string }[],
  { dataThrough }: ManifestBody,
): string {
  const behind = files.filter((file) => file.dataThrough !== undefined);
  if (behind.length === 0) return "";
  const names = behind.map(({ name }) => name).join(", ");
  const first = behind[0]!.dataThrough;
  return `through ${first}, not ${dataThrough}: ${names}; the days after it are in parts/ (\`bfa pull parts/\`)\n`;
}
