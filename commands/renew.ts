/**
 * `bfa renew`.
 *
 * @module
 */

import { renew as renewChannel } from "../lib/jobs/publish.ts";
import type { Command } from "./command.ts";
import { moveOptions, reportMove } from "./moves.ts";
import { SIGNING_OPTIONS } from "./options.ts";

/** Signs a channel's version again. */
export const renew: Command = {
  name: "renew",
  summary: "Sign a channel's version again, with a new freshness window: it is still the newest",
  args: [],
  options: SIGNING_OPTIONS,
  examples: ["bfa renew", "bfa renew --next-key ed25519:…"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ publisher }) => {
      reportMove(await renewChannel(publisher, moveOptions(inputs)), tools);
    }),
};
