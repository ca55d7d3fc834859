/**
 * `bfa snapshot DAY`.
 *
 * @module
 */

import { SNAPSHOT_COLUMNS, SNAPSHOT_DETAIL_COLUMNS } from "../lib/core/answer_tables.ts";
import type { ListingRow, SnapshotAnswer } from "../lib/core/answer_types.ts";
import { ROW_STATES } from "../lib/core/listing.ts";
import type { Dataset } from "../lib/jobs/dataset.ts";
import { ask, siftOf } from "./ask.ts";
import type { Command } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, SIFT_OPTIONS } from "./options.ts";
import { type Format, readFormat, type View } from "./output.ts";

/** Which symbols existed on a day. */
export const snapshot: Command = {
  name: "snapshot",
  summary: "Symbols that really traded on a day",
  args: [{ name: "day", help: "UTC day, YYYY-MM-DD, or `latest`" }],
  options: {
    state: {
      value: "STATE",
      many: true,
      help: "States to include: traded, archived, missing (traded)",
      choices: ROW_STATES,
    },
    detail: { help: "Also the listing's days and state" },
    ...SIFT_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: [
    "bfa snapshot 2024-01-15",
    "bfa snapshot latest --where quote_asset=USDC --format csv > today.csv",
  ],
  run: (inputs, tools) => {
    const states = inputs.texts("state");
    const detail = inputs.flag("detail");
    const format = readFormat(inputs, tools.world);
    return format === "lines" && !detail && !siftOf(inputs)
      ? ask(inputs, tools, (dataset) => names(dataset, inputs.args[0]!, states))
      : ask(inputs, tools, async (dataset) => {
        const full = await dataset.snapshot(inputs.args[0]!, { states, detail: true });
        const { rows: _, ...short } = full;
        return {
          answer: detail ? full : short,
          rows: full.rows!,
          lists: ["symbols", "rows"],
          ...(detail ? {} : { line: (row: ListingRow) => row.symbol }),
          columns: detail ? SNAPSHOT_DETAIL_COLUMNS : SNAPSHOT_COLUMNS,
          footer: await footer(dataset, full, format),
        };
      });
  },
};

/** What a pipe gets: the symbols alone, so that nothing else is put together. */
async function names(
  dataset: Dataset,
  day: string,
  states: string[] | undefined,
): Promise<View<string>> {
  const answer = await dataset.snapshot(day, { states });
  return { answer, rows: answer.symbols, columns: [], line: (symbol) => symbol };
}

/** `251 traded on 2024-01-15 (9 archived: --state archived)` */
async function footer(dataset: Dataset, answer: SnapshotAnswer, format: Format): Promise<string> {
  if (format !== "table") return "";
  const counts = (await dataset.summary(answer.date)).rows[0]!;
  const others = (["traded", "archived", "missing"] as const)
    .filter((state) => !answer.states.includes(state) && counts[state] > 0)
    .map((state) => `${counts[state]} ${state}: --state ${state}`);
  const more = others.length ? ` (${others.join(", ")})` : "";
  return `${answer.count} ${answer.states.join(" or ")} on ${answer.date}${more}`;
}
