/**
 * `bfa rollback [VERSION]`.
 *
 * @module
 */

import { rollback as rollbackChannel } from "../lib/jobs/publish.ts";
import type { Command } from "./command.ts";
import { moveOptions, reportMove } from "./moves.ts";
import { SIGNING_OPTIONS } from "./options.ts";

/** Moves a channel back. */
export const rollback: Command = {
  name: "rollback",
  summary: "Move a channel back: to a version, or to the one it named before",
  about: "A new manifest with the next sequence is signed: clients follow it like any other.",
  args: [{ name: "version", help: "Such as 2026-08-08.1", optional: true }],
  options: SIGNING_OPTIONS,
  examples: ['bfa rollback --reason "wrong volumes"', "bfa rollback 2026-08-08.1"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ publisher }) => {
      reportMove(await rollbackChannel(publisher, inputs.args[0], moveOptions(inputs)), tools);
    }),
};
