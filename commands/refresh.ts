/**
 * `bfa refresh`.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { OUTPUT_OPTIONS, SILENT_CLIENT_OPTIONS } from "./options.ts";
import { readFormat, TEXT_FORMATS } from "./output.ts";

/** Asks the publisher now. */
export const refresh: Command = {
  name: "refresh",
  summary: "Ask the publisher for a newer version now",
  args: [],
  options: { json: OUTPUT_OPTIONS.json, ...SILENT_CLIENT_OPTIONS },
  examples: ["bfa refresh", "bfa refresh --endpoint http://127.0.0.1:8000"],
  async run(inputs, tools) {
    const format = readFormat(inputs, tools.world, TEXT_FORMATS);
    const result = await (await openDataset(inputs, tools)).refresh();
    if (format === "json") return tools.world.out(JSON.stringify(result) + "\n");
    const { changed, version, sequence } = result;
    tools.world.out(
      changed
        ? `now at ${version} (sequence ${sequence})\n`
        : `${version} is the newest (sequence ${sequence})\n`,
    );
  },
};
