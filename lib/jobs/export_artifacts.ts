/**
 * Artifacts as plain files in a folder, under their own names.
 *
 * @module
 */

import type { Artifact } from "../core/manifest.ts";
import { IntegrityError } from "../core/errors.ts";
import { writeAtomically } from "../files/atomic_file.ts";
import { hashFile } from "../files/file_facts.ts";

/**
 * Writes an artifact into a folder, whole or not at all, and verified; `parts/2024.parquet` into a folder of its own.
 *
 * @param source The artifact's file in the copy.
 * @returns Where it is now.
 */
export async function exportArtifact(
  artifact: Artifact,
  source: string,
  outDir: string,
): Promise<string> {
  const path = `${outDir.replace(/[/\\]+$/, "")}/${artifact.name}`;
  if (await digestOf(path) === artifact.sha256) return path;
  const { readable } = await Deno.open(source);
  const check = async (temporary: string) => {
    const { sha256 } = await hashFile(temporary);
    if (sha256 !== artifact.sha256) {
      throw new IntegrityError(artifact.name, artifact.sha256, sha256);
    }
  };
  try {
    await writeAtomically(path, readable, { check });
  } finally {
    await readable.cancel().catch(() => {}); // closes the file, however far it was read
  }
  return path;
}

/** What parts are called, in all versions. */
const PART = /^\d{4}(-\d{2})?\.parquet$/;

/**
 * Removes from a folder the parts that a version does not have: those who read all of `parts/` would count the days twice
 * of a year that has closed, whose months are one part now.
 *
 * @param artifacts All artifacts of the version.
 * @returns Their names.
 */
export async function removeOtherParts(
  artifacts: readonly Artifact[],
  outDir: string,
): Promise<string[]> {
  const folder = `${outDir.replace(/[/\\]+$/, "")}/parts`;
  const kept = new Set(artifacts.map(({ name }) => name));
  const there = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const others = there.filter((name) => PART.test(name) && !kept.has(`parts/${name}`)).sort();
  for (const name of others) await Deno.remove(`${folder}/${name}`);
  return others.map((name) => `parts/${name}`);
}

/** The digest of what is there; what cannot be read is written, and that says why it cannot be. */
async function digestOf(path: string): Promise<string | undefined> {
  try {
    return (await hashFile(path)).sha256;
  } catch {
    return undefined;
  }
}
