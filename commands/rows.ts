/**
 * `bfa rows DAY|SYMBOL` and `bfa top DAY`: the numbers.
 *
 * @module
 */

import { rowColumns, TOP_COLUMNS } from "../lib/core/number_tables.ts";
import { MOST_RANKS, type TopRow } from "../lib/core/availability_rows.ts";
import { isDay } from "../lib/core/day.ts";
import { BfaError } from "../lib/core/errors.ts";
import { ask, siftOf } from "./ask.ts";
import type { Command, Inputs } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, SIFT_OPTIONS } from "./options.ts";
import { counted } from "./output.ts";

/** Rows of `daily_availability`. */
export const rows: Command = {
  name: "rows",
  summary: "The numbers of a day or a symbol: state, size, volume, trades",
  args: [{ name: "what", help: "UTC day, `latest`, or a symbol", choices: "symbols" }],
  options: {
    from: { value: "DAY", help: "First day of a symbol's rows" },
    to: { value: "DAY", help: "Last day, or `latest`" },
    columns: {
      value: "NAME",
      many: true,
      help: "Columns to give, or `all` (state, size, volume, trades)",
    },
    ...SIFT_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: [
    "bfa rows 2024-01-15 --no-copy --where 'quote_volume_usdt>=1e8' --sort=-trade_count",
    "bfa rows BTCUSDT --from 2024-01-01 --columns all --format csv > btc_days.csv",
  ],
  run: (inputs, tools) =>
    ask(inputs, tools, async (dataset) => {
      const answer = await dataset.rows({ ...readWhich(inputs), columns: readColumns(inputs) });
      return {
        answer,
        rows: answer.rows,
        columns: rowColumns(answer),
        footer: `${counted(answer.count, "row")}, ${answer.from} to ${answer.to}`,
      };
    }),
};

/** The largest volumes of a day. */
export const top: Command = {
  name: "top",
  summary: "The symbols with the largest volumes of a day",
  args: [{ name: "day", help: "UTC day, YYYY-MM-DD, or `latest`" }],
  options: {
    number: { short: "n", value: "N", help: "How many (20)" },
    ...SIFT_OPTIONS,
    ...OUTPUT_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: [
    "bfa top latest",
    "bfa top 2024-01-15 -n 10 --sort rank_change_7d --format csv",
  ],
  run: (inputs, tools) =>
    ask(inputs, tools, async (dataset) => {
      const n = readNumber(inputs);
      const answer = await dataset.top(inputs.args[0]!, siftOf(inputs) ? MOST_RANKS : n);
      return {
        answer,
        most: n ?? 20,
        rows: answer.rows,
        columns: TOP_COLUMNS,
        line: (row: TopRow) => row.symbol,
        footer: `${answer.count} of ${answer.ranked} whose volume on ${answer.date} is known`,
      };
    }),
};

function readWhich(inputs: Inputs) {
  const what = inputs.args[0]!;
  const [from, to] = [inputs.text("from"), inputs.text("to")];
  // Digits and dashes alone are meant as a day: the message about it should be about days.
  if (what !== "latest" && !isDay(what) && !/^[\d-]+$/.test(what)) {
    return { symbol: what, from, to };
  }
  if (from !== undefined) {
    throw new BfaError("usage", "Cannot use --from with a day: write the first day, then --to");
  }
  return to === undefined ? { day: what } : { from: what, to };
}

function readColumns(inputs: Inputs): "all" | string[] | undefined {
  const names = inputs.texts("columns")?.flatMap((text) => text.split(","));
  return names?.includes("all") ? "all" : names;
}

function readNumber(inputs: Inputs): number | undefined {
  const text = inputs.text("number");
  if (text === undefined || /^[1-9]\d{0,6}$/.test(text)) return text ? Number(text) : undefined;
  throw new BfaError(
    "usage",
    `Cannot read -n ${JSON.stringify(text.slice(0, 40))}: write a number from 1 on`,
  );
}
