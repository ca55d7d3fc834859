/**
 * `bfa diff A B`.
 *
 * @module
 */

import { DIFF_COLUMNS } from "../lib/core/diff.ts";
import { ask } from "./ask.ts";
import type { Command } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { counted } from "./output.ts";

const { at: _, "as-of": __, ...OPTIONS } = CLIENT_OPTIONS;

/** What changed between two versions. */
export const diff: Command = {
  name: "diff",
  summary: "What changed between two versions: listings, and days of symbols",
  args: [
    { name: "a", help: "The version to compare; `bfa versions` lists them" },
    { name: "b", help: "The version to compare it with" },
  ],
  options: { ...OUTPUT_OPTIONS, ...OPTIONS },
  examples: [
    "bfa diff 2026-11-19.1 2026-11-20.1",
    "bfa diff 2026-11-19.1 2026-11-20.1 --format csv",
  ],
  run: (inputs, tools) =>
    ask(inputs, tools, async (dataset) => {
      const answer = await dataset.diff(inputs.args[0]!, inputs.args[1]!);
      const { listings, classes } = answer;
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
        } of new days, ${counted(classes.revision, "row")} revised`,
      };
    }),
};
