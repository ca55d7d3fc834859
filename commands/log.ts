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
      await print<LogEntry>(
        {
          answer: { count: entries.length, entries },
          rows: entries,
          columns: [
            { name: "sequence", type: "BIGINT", cell: (row) => row.sequence },
            { name: "at", type: "VARCHAR", cell: (row) => row.at },
            { name: "action", type: "VARCHAR", cell: (row) => row.action },
            { name: "channel", type: "VARCHAR", cell: (row) => row.channel },
            { name: "version", type: "VARCHAR", cell: (row) => row.version },
            { name: "previous", type: "VARCHAR", cell: (row) => row.previous },
            { name: "by", type: "VARCHAR", cell: (row) => row.by },
            { name: "reason", type: "VARCHAR", cell: (row) => row.reason },
          ],
          footer: counted(entries.length, "move"),
        },
        inputs,
        tools.world,
      );
    }, { mustExist: true }),
};
