/**
 * `bfa publish DIR`.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { readBuild } from "../lib/jobs/build_folder.ts";
import { publish as publishBuild } from "../lib/jobs/publish.ts";
import { refuseUnreadableListings } from "../lib/jobs/written_listings.ts";
import type { Command } from "./command.ts";
import { moveOptions, reportMove } from "./moves.ts";
import { SIGNING_OPTIONS } from "./options.ts";

/** Publishes a build. */
export const publish: Command = {
  name: "publish",
  summary: "Upload a build, verify it where it landed, and move a channel to it",
  args: [{ name: "dir", help: "The folder that `bfa build` printed" }],
  options: SIGNING_OPTIONS,
  examples: [
    "bfa publish .bfa/builds/2026-08-08.1",
    "DENO_KV_ACCESS_TOKEN=… bfa publish DIR --kv https://kv.example.org --channel candidate",
  ],
  async run(inputs, tools) {
    const dir = inputs.args[0]!;
    const made = await readBuild(dir);
    if (!made) throw new BfaError("not_found", `no build in ${dir}; make one with \`bfa build\``);
    await refuseUnreadableListings(made, dir);
    await tools.withPublisher(inputs, async ({ publisher }) => {
      reportMove(await publishBuild(publisher, made, dir, moveOptions(inputs)), tools);
    });
  },
};
