/**
 * `sha256sums`: the digest of every file that a release offers, as `sha256sum --check` reads it.
 *
 * @module
 */

import { join } from "@std/path";

/** Writes `sha256sums` over all files of a folder; its subfolders are scratch. */
export async function writeChecksums(dir: string): Promise<void> {
  const lines: string[] = [];
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (!isFile || name === "sha256sums") continue;
    const hash = await sha256(join(dir, name));
    lines.push(`${hash}  ${name}\n`);
  }
  lines.sort((a, b) => a.slice(66) < b.slice(66) ? -1 : 1);
  await Deno.writeTextFile(join(dir, "sha256sums"), lines.join(""));
}

async function sha256(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}

if (import.meta.main) await writeChecksums(Deno.args[0] ?? "dist");
