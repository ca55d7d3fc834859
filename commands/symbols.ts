/**
 * `bfa symbols`.
 *
 * @module
 */

import { SYMBOL_COLUMNS } from "../lib/core/answer_tables.ts";
import type { SymbolRow } from "../lib/core/answer_types.ts";
import { ask } from "./ask.ts";
import type { Command } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, SIFT_OPTIONS } from "./options.ts";

/** Every symbol that ever existed. */
export const symbols: Command = {
  name: "symbols",
  summary: "Every symbol that ever existed",
  args: [],
  options: {
    detail: { help: "Also its days" },
    ...SIFT_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: ["bfa symbols", "bfa symbols --detail --format csv"],
  run: (inputs, tools) =>
    ask(inputs, tools, async (dataset) => {
      const full = await dataset.symbols({ detail: true });
      const { rows: _, ...short } = full;
      const detail = inputs.flag("detail");
      return {
        answer: detail ? full : short,
        rows: full.rows!,
        lists: ["symbols", "rows"],
        columns: SYMBOL_COLUMNS,
        ...(detail ? {} : { line: (row: SymbolRow) => row.symbol }),
        footer: `${full.count} symbols`,
      };
    }),
};
