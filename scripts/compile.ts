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

import { parseArgs } from "node:util";
import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { BfaError } from "../lib/core/errors.ts";
import { APP_ENTRY, makeAppFolder } from "./app_folder.ts";
import { ProgramFailed, runProgram } from "./run_program.ts";
import { runScript } from "./run_script.ts";
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
  const { err } = await runProgram(Deno.execPath(), [
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
  ]).catch((error) => {
    throw refusal(error, target);
  });
  return { file, said: err };
}

/** Of all that Deno says, what to do. */
function refusal(error: unknown, { name }: Target): unknown {
  const isUnreachable = error instanceof ProgramFailed &&
    error.stderr.includes("error sending request for url (https://dl.deno.land/");
  if (!isUnreachable) return error;
  return new BfaError(
    "network",
    `Cannot make bfa for ${name}: Deno's runtime for it cannot be fetched from dl.deno.land; for this machine, \`deno task compile --portable\` needs none`,
    { cause: error },
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: "string", multiple: true, default: [] },
      portable: { type: "boolean", default: false },
    },
  });
  const { portable } = values;
  const targets = values.target.flatMap((name) => name === "all" ? TARGETS : [targetNamed(name)]);
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

if (import.meta.main) await runScript("compile", main);
