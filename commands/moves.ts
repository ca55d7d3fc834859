/**
 * What the commands that move a channel share: how they are told to, and what they say.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Moved, MoveOptions } from "../lib/jobs/publish.ts";
import { isKeyId } from "../lib/manifest/signature.ts";
import type { Inputs } from "./command.ts";
import type { Tools } from "./tools.ts";

/** Reads `--channel`, `--reason` and `--next-key`. */
export function moveOptions(inputs: Inputs): MoveOptions {
  const nextKeys = inputs.texts("next-key");
  for (const key of nextKeys ?? []) {
    if (!isKeyId(key)) {
      throw new BfaError(
        "usage",
        `Cannot announce ${JSON.stringify(key)}: a key looks like ed25519:…`,
      );
    }
  }
  return { channel: inputs.text("channel"), reason: inputs.text("reason"), nextKeys };
}

/** Says where a channel points now. */
export function reportMove({ stored, changed }: Moved, { world }: Tools): void {
  const { channel, version, sequence } = stored.manifest.signed;
  world.out(
    changed
      ? `${channel} is now ${version} (sequence ${sequence})\n`
      : `${channel} is ${version} already (sequence ${sequence}); its mirrors are complete\n`,
  );
}
