/**
 * `bfa observations`.
 *
 * @module
 */

import { isDay, parseDay } from "../lib/core/day.ts";
import { BfaError } from "../lib/core/errors.ts";
import { observedDay, type ObservedFile } from "../lib/engine/observed_day.ts";
import type { Command, Inputs } from "./command.ts";
import { observationsFile, OUTPUT_OPTIONS, PUBLISHER_OPTIONS } from "./options.ts";
import { counted, print } from "./output.ts";

/** What was collected about a day, and when. */
export const observations: Command = {
  name: "observations",
  summary: "What was known about a day's files, now or at an earlier time",
  about:
    "From the publisher's own log of what it saw of the source, in DATA_DIR/observations.duckdb. (What was\npublished at a time: `--as-of` of any question.)",
  args: [
    { name: "day", help: "The files of this day" },
    {
      name: "symbol",
      help: "Only of these symbols",
      optional: true,
      many: true,
      choices: "symbols",
    },
  ],
  options: {
    "as-of": {
      value: "TIME",
      help: "Only what was learned by the end of this day, or by this time (2026-08-09T12:00:00Z)",
    },
    revisions: { help: "All that was ever learned of them: new, changed, gone, back" },
    ...OUTPUT_OPTIONS,
    "data-dir": PUBLISHER_OPTIONS["data-dir"],
  },
  examples: [
    "bfa observations 2024-01-15 --as-of 2024-01-16",
    "bfa observations 2024-01-15 BTCUSDT --revisions",
  ],
  async run(inputs, { world }) {
    const day = parseDay(inputs.args[0]!);
    const asOf = readAsOf(inputs);
    const files = await observedDay(
      observationsFile(inputs),
      day,
      {
        asOf,
        symbols: inputs.args.slice(1),
        revisions: inputs.flag("revisions"),
      },
    );
    const known = inputs.flag("revisions")
      ? counted(files.length, "revision")
      : counted(files.length, "file");
    await print<ObservedFile>(
      {
        answer: { day, asOf: asOf ?? null, count: files.length, files },
        rows: files,
        columns: [
          { name: "symbol", type: "VARCHAR", cell: (row) => row.symbol },
          { name: "learned", type: "VARCHAR", cell: (row) => row.learnedAt },
          { name: "what", type: "VARCHAR", cell: (row) => row.what },
          { name: "file_size_bytes", type: "BIGINT", title: "SIZE", cell: (row) => row.bytes },
          {
            name: "last_modified",
            type: "VARCHAR",
            title: "WRITTEN",
            cell: (row) => row.lastModified,
          },
          { name: "etag", type: "VARCHAR", title: "ETAG", cell: (row) => row.etag },
          { name: "trade_count", type: "BIGINT", title: "TRADES", cell: (row) => row.trades },
          {
            name: "quote_volume_usdt",
            type: "DOUBLE",
            title: "VOLUME",
            cell: (row) => row.quoteVolume,
          },
        ],
        footer: `${known} of ${day}${asOf ? `, as known at ${asOf}` : ""}`,
      },
      inputs,
      world,
    );
  },
};

/** A day counts to its end. */
function readAsOf(inputs: Inputs): string | undefined {
  const text = inputs.text("as-of");
  if (text === undefined) return undefined;
  if (isDay(text)) return `${text}T23:59:59.999Z`;
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new BfaError(
    "usage",
    `Cannot read --as-of ${
      JSON.stringify(text)
    }: write a day, 2026-08-09, or a time, 2026-08-09T12:00:00Z`,
  );
}
