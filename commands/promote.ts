/**
 * `bfa promote VERSION`.
 *
 * @module
 */

import { promote as promoteVersion } from "../lib/jobs/publish.ts";
import type { Command } from "./command.ts";
import { moveOptions, reportMove } from "./moves.ts";
import { SIGNING_OPTIONS } from "./options.ts";

/** Moves a channel to a version that exists. */
export const promote: Command = {
  name: "promote",
  summary: "Move a channel to a version that was published before",
  args: [{ name: "version", help: "Such as 2026-08-08.1" }],
  options: SIGNING_OPTIONS,
  examples: [
    "bfa promote 2026-08-08.2",
    'bfa promote 2026-08-08.2 --channel latest --reason "candidate looked good"',
  ],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ publisher }) => {
      reportMove(await promoteVersion(publisher, inputs.args[0]!, moveOptions(inputs)), tools);
    }),
};
