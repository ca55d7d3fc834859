/**
 * One executable for Linux that brings Deno, the program and DuckDB along: a small shell script with an archive
 * behind it. It needs no `denort`, so it can be made wherever Deno runs.
 *
 * @module
 */

import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { makeAppFolder } from "./app_folder.ts";
import { runProgram } from "./run_program.ts";
import { targetNamed } from "./targets.ts";

/** Makes it for this machine; returns the file. */
export async function makePortable(dist: string): Promise<string> {
  const target = targetNamed();
  if (target.os !== "linux") {
    throw new Error("Cannot make a portable executable: only Linux has it");
  }
  const dir = join(dist, `portable-${target.name}`);
  await makeAppFolder(dir, target);
  await Deno.copyFile(Deno.execPath(), join(dir, "deno"));
  await Deno.chmod(join(dir, "deno"), 0o755);

  const archive = join(dist, "portable.tar.gz");
  // Not the folder itself: unpacking would make a new one look old, and it would be cleared away.
  const names = (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();
  // The same files give the same bytes.
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  await runProgram("tar", ["-cf", archive, ...same, "-I", "gzip -n", "-C", dir, ...names]);
  const packed = await Deno.readFile(archive);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", packed)).toHex();

  const file = join(dist, `bfa-${config.version}-${target.name}-portable`);
  const script = await launcher({
    id: `${config.version}-${digest.slice(0, 16)}`,
    cpu: target.cpu,
  });
  await Deno.writeFile(file, new Uint8Array(await new Blob([script, packed]).arrayBuffer()));
  await Deno.chmod(file, 0o755);
  await Deno.remove(archive);
  return file;
}

/** The script in front; it knows where the archive begins. */
async function launcher({ id, cpu }: { id: string; cpu: string }): Promise<string> {
  const path = new URL("portable.sh", import.meta.url);
  const filled = (await Deno.readTextFile(path))
    .replaceAll("@VERSION@", config.version)
    .replaceAll("@CPU@", cpu)
    .replaceAll("@ID@", id);
  const OFFSET = "@OFFSET@"; // as many digits as letters: filling it in moves nothing
  const offset = new TextEncoder().encode(filled).length + 1;
  return filled.replace(OFFSET, String(offset).padStart(OFFSET.length, "0"));
}
