/**
 * `bfa versions`.
 *
 * @module
 */

import type { ListedVersion } from "../lib/manifest/versions_reply.ts";
import type { Command } from "./command.ts";
import { openDataset } from "./open_dataset.ts";
import { OUTPUT_OPTIONS, SILENT_CLIENT_OPTIONS } from "./options.ts";
import { counted, print } from "./output.ts";

/** The versions an endpoint serves. */
export const versions: Command = {
  name: "versions",
  summary: "The versions that the publisher serves, newest first",
  args: [],
  options: { ...OUTPUT_OPTIONS, ...SILENT_CLIENT_OPTIONS },
  examples: ["bfa versions", "bfa snapshot latest --at 2026-08-08.1"],
  async run(inputs, tools) {
    const list = await (await openDataset(inputs, tools)).versions();
    const isBehind = list.versions.some((row) => row.wholeFilesThrough !== undefined);
    const channelsOf = (version: string) =>
      Object.entries(list.channels).filter(([, at]) => at.version === version).map(([n]) => n);
    await print<ListedVersion>(
      {
        answer: { count: list.versions.length, ...list },
        rows: list.versions,
        columns: [
          { name: "version", type: "VARCHAR", cell: (row) => row.version },
          { name: "sequence", type: "BIGINT", cell: (row) => row.sequence },
          { name: "published", type: "VARCHAR", cell: (row) => row.publishedAt },
          { name: "rows", type: "BIGINT", cell: (row) => row.rows },
          { name: "symbols", type: "BIGINT", cell: (row) => row.symbols },
          { name: "bytes", type: "BIGINT", title: "SIZE", isSize: true, cell: (row) => row.bytes },
          { name: "channels", type: "VARCHAR", cell: (row) => channelsOf(row.version).join(" ") },
          ...(isBehind
            ? [{
              name: "whole_files_through",
              type: "DATE" as const,
              cell: (row: ListedVersion) => row.wholeFilesThrough ?? row.dataThrough,
            }]
            : []),
        ],
        footer: counted(list.versions.length, "version"),
      },
      inputs,
      tools.world,
    );
  },
};
