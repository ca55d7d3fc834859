/**
 * What the scripts that ship need of the system.
 *
 * @module
 */

import { basename } from "@std/path";

/** Runs a program to its end; returns what it printed, which the error of a failure shows. */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [
    string,
    string,
  ];
  if (code === 0) return out + err;
  throw new Error(
    `Cannot run ${basename(program)} ${args[0]}: it ended with ${code}\n${out}${err}`,
  );
}

/** For `catch`: what is not there need not be removed. */
export function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
