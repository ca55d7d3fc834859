/**
 * `bfa diff A B`.
 *
 * @module
 */

import { DIFF_COLUMNS, type DiffClass } from "../lib/core/diff.ts";
import { BfaError } from "../lib/core/errors.ts";
import { ask } from "./ask.ts";
import type { Command } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { counted } from "./output.ts";

const { at: _, "as-of": __, ...OPTIONS } = CLIENT_OPTIONS;

/** What changed between two versions. */
export const diff: Command = {
  name: "diff",
  summary: "What changed between two versions: listings, days of symbols, and their numbers",
  args: [
    { name: "a", help: "The version to compare, or `latest`; `bfa versions` lists them" },
    { name: "b", help: "The version to compare it with" },
  ],
  options: {
    class: {
      value: "CLASS",
      help: "Only rows that differ for this reason: new day, listing, revision",
    },
    symbol: { value: "SYMBOL", help: "Only rows of this symbol", choices: "symbols" },
    ...OUTPUT_OPTIONS,
    ...OPTIONS,
  },
  examples: [
    "bfa diff 2026-08-08.1 latest",
    "bfa diff 2026-08-08.1 latest --class revision --format csv",
  ],
  run: (inputs, tools) =>
    ask(inputs, tools, async (dataset) => {
      const answer = await dataset.diff(inputs.args[0]!, inputs.args[1]!, {
        class: readClass(inputs.text("class")),
        symbol: inputs.text("symbol"),
      });
      const { listings, classes, numbers } = answer;
      const listingLines = listings.map(({ listing, change, fields }) => {
        const what = Object.entries(fields)
          .filter(([, [before, after]]) => change === "changed" || (before ?? after) !== null)
          .map(([name, [before, after]]) =>
            change === "changed"
              ? `${name} ${JSON.stringify(before)} → ${JSON.stringify(after)}`
              : `${name} ${JSON.stringify(before ?? after)}`
          );
        return `${change} ${listing}: ${what.join(", ")}`;
      });
      return {
        answer,
        rows: answer.rows,
        columns: DIFF_COLUMNS,
        ...(listingLines.length ? { picture: listingLines.join("\n") } : {}),
        footer: `${counted(listings.length, "listing")} changed, ${
          counted(classes["new day"], "row")
        } of new days, ${classes.listing} of listings, ${classes.revision} revised${
          numbers ? "" : "; numbers were not compared: a version was published without rows"
        }`,
      };
    }),
};

function readClass(text: string | undefined): DiffClass | undefined {
  if (text === undefined || text === "new day" || text === "listing" || text === "revision") {
    return text;
  }
  throw new BfaError(
    "usage",
    `Cannot read --class ${JSON.stringify(text.slice(0, 40))}: new day, listing or revision`,
  );
}
