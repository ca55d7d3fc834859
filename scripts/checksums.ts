/**
 * `sha256sums`: the digest of every file that a release offers, as `sha256sum --check` reads it.
 *
 * @module
 */

import { join } from "@std/path";
import { hashFile } from "../lib/files/file_facts.ts";

/** Writes `sha256sums` over all files of a folder; its subfolders are scratch. */
export async function writeChecksums(dir: string): Promise<void> {
  const lines: string[] = [];
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (!isFile || name === "sha256sums") continue;
    const { sha256 } = await hashFile(join(dir, name));
    lines.push(`${sha256}  ${name}\n`);
  }
  lines.sort((a, b) => a.slice(66) < b.slice(66) ? -1 : 1);
  await Deno.writeTextFile(join(dir, "sha256sums"), lines.join(""));
}

if (import.meta.main) await writeChecksums(Deno.args[0] ?? "dist");
