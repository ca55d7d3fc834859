/**
 * `bfa new-listings` and `bfa delistings`.
 *
 * @module
 */

import { DELISTING_COLUMNS, NEW_LISTING_COLUMNS } from "../lib/core/answer_tables.ts";
import type { EventsAnswer, ListingEvent } from "../lib/core/answer_types.ts";
import type { RowColumn } from "../lib/core/table.ts";
import type { Dataset } from "../lib/jobs/dataset.ts";
import { ask } from "./ask.ts";
import type { Arg, Command, Inputs } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS, SIFT_OPTIONS } from "./options.ts";
import { counted } from "./output.ts";

/** A day, or the two ends of a range. */
export const RANGE_ARGS: readonly Arg[] = [
  { name: "from", help: "UTC day, YYYY-MM-DD, or `latest`" },
  { name: "to", help: "Last day of a range; left out, it is one day", optional: true },
];

/** The listings that began to trade. */
export const newListings: Command = eventsCommand(
  {
    name: "new-listings",
    summary: "Listings that began to trade, dated by their first traded day",
    examples: ["bfa new-listings 2024-01-01 2024-01-31", "bfa new-listings latest --json"],
  },
  NEW_LISTING_COLUMNS,
  (dataset, from, to) => dataset.newListings(from, to),
);

/** The listings that stopped trading. */
export const delistings: Command = eventsCommand(
  {
    name: "delistings",
    summary: "Listings that stopped trading, dated by the first day after the last traded one",
    examples: ["bfa delistings 2024-01-01 2024-12-31", "bfa delistings 2022-05-13 --json"],
  },
  DELISTING_COLUMNS,
  (dataset, from, to) => dataset.delistings(from, to),
);

function eventsCommand(
  words: Pick<Command, "name" | "summary" | "examples">,
  columns: readonly RowColumn<ListingEvent>[],
  question: (dataset: Dataset, from: string, to: string) => Promise<EventsAnswer>,
): Command {
  return {
    ...words,
    args: RANGE_ARGS,
    options: { ...SIFT_OPTIONS, ...OUTPUT_OPTIONS, ...CLIENT_OPTIONS },
    run: (inputs, tools) =>
      ask(inputs, tools, async (dataset) => {
        const answer = await question(dataset, ...readRange(inputs));
        const one = words.name.replace("-", " ").replace(/s$/, "");
        return {
          answer,
          rows: answer.events,
          lists: ["events"],
          columns,
          footer: `${counted(answer.count, one)} ${onDays(answer)}`,
        };
      }),
  };
}

/** `on 2024-01-15`, or `from 2024-01-01 to 2024-01-31`. */
export function onDays({ from, to }: { from: string; to: string }): string {
  return from === to ? `on ${from}` : `from ${from} to ${to}`;
}

/** The two ends of a range; one day means both. */
export function readRange({ args }: Inputs): [from: string, to: string] {
  return [args[0]!, args[1] ?? args[0]!];
}
