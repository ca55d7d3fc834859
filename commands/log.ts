/**
 * `bfa log`.
 *
 * @module
 */

import type { LogEntry } from "../lib/manifest/store.ts";
import type { Command } from "./command.ts";
import { OUTPUT_OPTIONS, PUBLISHER_OPTIONS } from "./options.ts";
import { counted, print } from "./output.ts";

/** Who moved what, when, why. */
export const log: Command = {
  name: "log",
  summary: "Who moved which channel, when and why; newest first",
  args: [],
  options: { ...OUTPUT_OPTIONS, ...PUBLISHER_OPTIONS },
  examples: ["bfa log", "bfa log --json"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ store }) => {
      const entries = await store.log(1_000);
      print<LogEntry>(
        {
          answer: { count: entries.length, entries },
          rows: entries,
          columns: [
            { name: "sequence", right: true, cell: (row) => row.sequence },
            { name: "at", cell: (row) => row.at },
            { name: "action", cell: (row) => row.action },
            { name: "channel", cell: (row) => row.channel },
            { name: "version", cell: (row) => row.version },
            { name: "previous", cell: (row) => row.previous },
            { name: "by", cell: (row) => row.by },
            { name: "reason", cell: (row) => row.reason },
          ],
          footer: counted(entries.length, "move"),
        },
        inputs,
        tools.world,
      );
    }),
};
