/**
 * `bfa pull`.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { counted, formatBytes } from "./output.ts";

/** Downloads a version's files. */
export const pull: Command = {
  name: "pull",
  summary: "Download the files of a version into the copy, and keep them up to date",
  about: "Without names: all files. Prints where each one is.",
  args: [{ name: "artifact", help: "Such as availability.parquet", optional: true, many: true }],
  options: { json: OUTPUT_OPTIONS.json!, ...CLIENT_OPTIONS },
  examples: ["bfa pull", "bfa pull availability.parquet"],
  async run(inputs, tools) {
    const dataset = await tools.openDataset(inputs);
    if (inputs.flag("refresh-cache")) await dataset.refresh();
    const names = await dataset.pull(inputs.args);
    const files = await Promise.all(
      names.map(async (name) => ({ name, path: await dataset.path(name) })),
    );
    if (inputs.flag("json")) {
      return tools.world.out(JSON.stringify({ count: files.length, files }) + "\n");
    }
    tools.world.out(files.map(({ name, path }) => `${name}\t${path}\n`).join(""));
    const { artifacts } = (await dataset.manifest()).signed;
    const bytes = artifacts.filter((a) => names.includes(a.name)).reduce(
      (sum, a) => sum + a.bytes,
      0,
    );
    if (!inputs.flag("quiet")) {
      tools.world.err(`${counted(files.length, "file")}, ${formatBytes(bytes)}, verified\n`);
    }
  },
};
