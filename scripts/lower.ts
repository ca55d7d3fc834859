/**
 * Newer syntax, such as `using`, in that of older runtimes.
 *
 * @module
 */

import { dirname } from "@std/path";
import { runProgram } from "./run_program.ts";

/** Rewrites files of one folder, in their place, for a target as esbuild names it; `more` are options of its. */
export async function lower(
  files: readonly string[],
  target: string,
  more: readonly string[] = [],
): Promise<void> {
  const options = [`--target=${target}`, `--outdir=${dirname(files[0]!)}`, "--allow-overwrite"];
  const esbuild = ["-y", "esbuild@0.28.2", ...files, ...options, ...more, "--log-level=error"];
  await runProgram("npx", esbuild);
}
