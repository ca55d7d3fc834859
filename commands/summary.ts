/**
 * `bfa summary FROM TO`.
 *
 * @module
 */

import { SUMMARY_COLUMNS } from "../lib/core/answer_tables.ts";
import { ask } from "./ask.ts";
import type { Command } from "./command.ts";
import { RANGE_ARGS, readRange } from "./events.ts";
import { counted } from "./output.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, SIFT_OPTIONS } from "./options.ts";

/** Counts per state, one row a day. */
export const summary: Command = {
  name: "summary",
  summary: "How many listings were in each state, one row a day",
  args: RANGE_ARGS,
  options: { ...SIFT_OPTIONS, ...OUTPUT_OPTIONS, ...CLIENT_OPTIONS },
  examples: ["bfa summary 2024-01-01 2024-01-31", "bfa summary 2019-12-31 latest --format csv"],
  run: (inputs, tools) =>
    ask(inputs, tools, async (dataset) => {
      const answer = await dataset.summary(...readRange(inputs));
      return {
        answer,
        rows: answer.rows,
        columns: SUMMARY_COLUMNS,
        footer: counted(answer.count, "day"),
      };
    }),
};
