/**
 * `bfa state`.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { isGithubPlace } from "../lib/core/github_names.ts";
import { restoreState, saveState, type StateReport } from "../lib/jobs/state.ts";
import { type Actions, runAction } from "./actions.ts";
import type { Command, Inputs } from "./command.ts";
import { dataDirOf, PUBLISHER_OPTIONS } from "./options.ts";
import { counted, formatBytes } from "./output.ts";
import type { Tools } from "./tools.ts";

const ACTIONS: Actions = {
  save: async (inputs, tools) => {
    const releases = await tools.githubReleases(githubPlace(inputs));
    report("saved", await saveState(releases, dataDirOf(inputs), tools.world.now()), inputs, tools);
  },
  restore: async (inputs, tools) => {
    const releases = await tools.githubReleases(githubPlace(inputs));
    report("restored", await restoreState(releases, dataDirOf(inputs)), inputs, tools);
  },
};

/** The publisher's working set, between machines. */
export const state: Command = {
  name: "state",
  summary: "Keep the publisher's observations and KV file between machines, on GitHub",
  about: `ACTION is one of:
  save     as a draft release that is never published; the newest three are kept
  restore  into a data folder that has none; nothing saved yet is no failure`,
  args: [
    { name: "action", help: Object.keys(ACTIONS).join(", "), choices: Object.keys(ACTIONS) },
  ],
  options: {
    "data-dir": PUBLISHER_OPTIONS["data-dir"],
    mirror: PUBLISHER_OPTIONS.mirror,
    json: { help: "The report as JSON" },
  },
  examples: ["bfa state restore --mirror github:OWNER/REPO", "bfa state save"],
  run: (inputs, tools) => runAction(ACTIONS, inputs, tools),
};

function githubPlace(inputs: Inputs): string {
  const place = inputs.texts("mirror")?.find(isGithubPlace);
  if (place !== undefined) return place;
  throw new BfaError(
    "usage",
    "Cannot tell where the state is kept: give --mirror github:OWNER/REPO",
  );
}

function report(did: string, { savedAt, files }: StateReport, inputs: Inputs, tools: Tools): void {
  if (inputs.flag("json")) return tools.world.out(JSON.stringify({ savedAt, files }) + "\n");
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  tools.world.out(
    savedAt === null
      ? "nothing was saved yet\n"
      : `${did} the state of ${savedAt}: ${counted(files.length, "file")}, ${formatBytes(bytes)}\n`,
  );
}
