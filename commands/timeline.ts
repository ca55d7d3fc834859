/**
 * `bfa timeline SYMBOL`.
 *
 * @module
 */

import { TIMELINE_COLUMNS, TIMELINE_DETAIL_COLUMNS } from "../lib/core/answer_tables.ts";
import type { TimelineAnswer } from "../lib/core/answer_types.ts";
import type { RowState } from "../lib/core/listing.ts";
import { ask } from "./ask.ts";
import type { Command } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, SIFT_OPTIONS } from "./options.ts";
import { counted, readFormat } from "./output.ts";

/** The lives of a symbol. */
export const timeline: Command = {
  name: "timeline",
  summary: "The lives of a symbol: listed, traded, halted, gone",
  args: [{ name: "symbol", help: "For example BTCUSDT", choices: "symbols" }],
  options: {
    detail: { help: "One row a day" },
    from: { value: "DAY", help: "First day of the rows" },
    to: { value: "DAY", help: "Last day of the rows, or `latest`" },
    ...SIFT_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: ["bfa timeline LITUSDT", "bfa timeline BTCUSDT --detail --from 2024-01-01 --json"],
  run(inputs, tools) {
    const symbol = inputs.args[0]!;
    const [from, to] = [inputs.text("from"), inputs.text("to")];
    if (inputs.flag("detail") || from !== undefined || to !== undefined) {
      return ask(inputs, tools, async (dataset) => {
        const answer = await dataset.timeline(symbol, { detail: true, from, to });
        return { answer, rows: answer.rows!, columns: TIMELINE_DETAIL_COLUMNS };
      });
    }
    return ask(inputs, tools, async (dataset) => {
      const answer = await dataset.timeline(symbol);
      const view = {
        answer,
        rows: answer.listings,
        lists: ["listings"],
        columns: TIMELINE_COLUMNS,
      };
      if (readFormat(inputs, tools.world) !== "table") return view;
      const days = await dataset.timeline(symbol, { detail: true });
      const columns = TIMELINE_COLUMNS.filter((column) =>
        column.name !== "gaps" || answer.listings.some((listing) => listing.gaps.length > 0)
      );
      return { ...view, columns, picture: picture(days), footer: lives(answer) };
    });
  },
};

const MARKS: readonly [RowState, string][] = [["traded", "▇"], ["archived", "░"], ["missing", "·"]];

/** `LITUSDT: 2 listings` */
function lives({ symbol, listings }: TimelineAnswer): string {
  return `${symbol}: ${counted(listings.length, "listing")}`;
}

/** One mark a month: what most of its days were. */
function picture({ rows, days }: TimelineAnswer): string {
  const byYear = new Map<string, string>();
  for (const [month, ofMonth] of Map.groupBy(rows!, ({ date }) => date.slice(0, 7))) {
    const mark = MARKS.map(([state, mark]) => ({
      mark,
      count: ofMonth.filter((row) => row.state === state).length,
    }))
      .reduce((best, next) => next.count > best.count ? next : best, { mark: " ", count: 0 });
    const year = month.slice(0, 4);
    byYear.set(year, (byYear.get(year) ?? " ".repeat(Number(month.slice(5)) - 1)) + mark.mark);
  }
  const years = [...byYear].map(([year, marks]) => `${year} ${marks}`);
  const counts = MARKS.filter(([state]) => days[state] > 0)
    .map(([state, mark]) => `${mark} ${counted(days[state], "day")} ${state}`);
  return `${years.join("\n")}\n${counts.join("   ")}`;
}
