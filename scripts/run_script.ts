/**
 * Scripts that are called by people: what goes wrong is one line.
 *
 * @module
 */

import { asBfaError } from "../lib/core/errors.ts";

/** Runs a script to its end; a failure is a line that begins with the script's name, and exit code 1. */
export async function runScript(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(`${name}: ${asBfaError(error, "unavailable", "go on").message}`);
    Deno.exit(1);
  }
}
