/**
 * `bfa range FROM TO`.
 *
 * @module
 */

import { NAME_COLUMNS } from "../lib/core/answer_tables.ts";
import { ROW_STATES } from "../lib/core/listing.ts";
import { ask } from "./ask.ts";
import type { Command } from "./command.ts";
import { onDays, RANGE_ARGS, readRange } from "./events.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, SIFT_OPTIONS } from "./options.ts";

/** Which symbols existed on at least one day of a range. */
export const range: Command = {
  name: "range",
  summary: "Symbols that really traded on at least one day of a range",
  args: RANGE_ARGS,
  options: {
    state: {
      value: "STATE",
      many: true,
      help: "States to include: traded, archived, missing (traded)",
      choices: ROW_STATES,
    },
    ...SIFT_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: ["bfa range 2024-01-01 2024-12-31", "bfa range 2021-01-01 latest | wc -l"],
  run: (inputs, tools) =>
    ask(inputs, tools, async (dataset) => {
      const answer = await dataset.range(...readRange(inputs), { states: inputs.texts("state") });
      return {
        answer,
        rows: answer.symbols,
        lists: ["symbols"],
        columns: NAME_COLUMNS,
        footer: `${answer.count} ${answer.states.join(" or ")} ${onDays(answer)}`,
      };
    }),
};
