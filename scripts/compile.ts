/**
 * Makes executables that need neither Deno nor Node:
 *
 *     deno task compile [--target NAME|all] [--portable]
 *
 * | made | by |
 * | --- | --- |
 * | `dist/bfa-VERSION-TARGET` | `deno compile --self-extracting`, with the one DuckDB library of the target |
 * | `dist/bfa-VERSION-linux-CPU-portable` | {@linkcode makePortable}, for this machine |
 *
 * and beside them `dist/sha256sums` and `dist/sbom.cdx.json`.
 *
 * @module
 */

import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { APP_ENTRY, makeAppFolder } from "./app_folder.ts";
import { runProgram } from "./run_program.ts";
import { writeChecksums } from "./checksums.ts";
import { makePortable } from "./portable.ts";
import { writeSbom } from "./sbom.ts";
import { type Target, targetNamed, TARGETS } from "./targets.ts";

const DIST = "dist";

/** Makes the executable of a target; returns its file and what Deno says is inside. */
export async function compile(
  target: Target,
  dist = DIST,
): Promise<{ file: string; said: string }> {
  const dir = join(dist, `app-${target.name}`);
  await makeAppFolder(dir, target);
  const suffix = target.os === "win32" ? ".exe" : "";
  const file = join(dist, `bfa-${config.version}-${target.name}${suffix}`);
  const said = await runProgram(Deno.execPath(), [
    "compile",
    "--self-extracting", // DuckDB's library must lie beside the module that loads it
    "--allow-all",
    "--no-check",
    "--no-lock",
    `--config=${join(dir, "deno.json")}`,
    `--target=${target.triple}`,
    `--include=${dir}`, // what is imported later, DuckDB among it
    `--output=${file}`,
    join(dir, APP_ENTRY),
  ]);
  return { file, said };
}

if (import.meta.main) {
  const targets: Target[] = [];
  let portable = false;
  for (let i = 0; i < Deno.args.length; i++) {
    const arg = Deno.args[i]!;
    if (arg === "--portable") portable = true;
    else if (arg === "--target" && Deno.args[i + 1] === "all") targets.push(...TARGETS), i++;
    else if (arg === "--target") targets.push(targetNamed(Deno.args[++i]));
    else throw new Error(`Cannot read ${arg}: it takes --target NAME|all and --portable`);
  }
  if (!portable && targets.length === 0) targets.push(targetNamed());
  await Deno.mkdir(DIST, { recursive: true });
  const made: string[] = [];
  for (const target of targets) made.push((await compile(target)).file);
  if (portable) made.push(await makePortable(DIST));
  await writeSbom(join(DIST, "sbom.cdx.json"));
  await writeChecksums(DIST);
  for (const file of made) {
    const { size } = await Deno.stat(file);
    console.log(`${file}  ${(size / 1e6).toFixed(1)} MB`);
  }
}
