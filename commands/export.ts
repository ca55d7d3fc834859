/**
 * `bfa export FILE`: rows as one file of another format.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Command } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { counted, formatBytes } from "./output.ts";

/** Writes rows to a file. */
export const exportCommand: Command = {
  name: "export",
  summary: "Write rows to a CSV, SQLite or Parquet file",
  about:
    "The file's name decides: .csv, .sqlite or .parquet. Rows come from the copy's parts, which are downloaded as needed, and are in order of day and symbol. The file appears whole or not at all. An SQLite file has the listings too.",
  args: [{ name: "file", help: "Where to write; ends with .csv, .sqlite or .parquet" }],
  options: {
    from: { value: "DAY", help: "First day" },
    to: { value: "DAY", help: "Last day, or `latest`" },
    symbol: { value: "SYMBOL", help: "One symbol alone", choices: "symbols" },
    columns: { value: "NAME", many: true, help: "Columns (all); date and symbol are always there" },
    force: { help: "Replace a file that is there" },
    json: OUTPUT_OPTIONS.json,
    ...CLIENT_OPTIONS,
  },
  examples: [
    "bfa export btc.csv --symbol BTCUSDT",
    "bfa export 2024.sqlite --from 2024-01-01 --to 2024-12-31",
  ],
  async run(inputs, tools) {
    if (inputs.flag("no-copy")) {
      throw new BfaError("usage", "Cannot export without a copy: leave out --no-copy");
    }
    const dataset = await openDataset(inputs, tools);
    const columns = inputs.texts("columns")?.flatMap((text) => text.split(","));
    const exported = await dataset.export(inputs.args[0]!, {
      from: inputs.text("from"),
      to: inputs.text("to"),
      symbol: inputs.text("symbol"),
      columns: columns?.includes("all") ? "all" : columns,
      replace: inputs.flag("force"),
      signal: tools.world.onInterrupt(),
    });
    if (inputs.flag("json")) return tools.world.out(JSON.stringify(exported) + "\n");
    tools.world.out(`${exported.path}\n`);
    const { rows, bytes, version } = exported;
    if (!inputs.flag("quiet")) {
      tools.world.err(`${counted(rows, "row")} of ${version}, ${formatBytes(bytes)}\n`);
    }
  },
};
