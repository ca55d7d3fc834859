/**
 * Commands whose first argument says what to do: `bfa cache status`, `bfa keys list`.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Inputs } from "./command.ts";
import type { Tools } from "./tools.ts";

/** What can be done, by name. */
export type Actions = Readonly<
  Record<string, (inputs: Inputs, tools: Tools) => Promise<void> | void>
>;

/** Does what the first argument says. */
export async function runAction(actions: Actions, inputs: Inputs, tools: Tools): Promise<void> {
  const name = inputs.args[0]!;
  if (!Object.hasOwn(actions, name)) {
    throw new BfaError(
      "usage",
      `Cannot do ${JSON.stringify(name)}: choose among ${Object.keys(actions).join(", ")}`,
    );
  }
  await actions[name]!(inputs, tools);
}
