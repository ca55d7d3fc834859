/**
 * The folder that a build leaves: artifacts, and `build.json` that says what they are.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import type { Day } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import type { FileFormats } from "../core/file_formats.ts";
import type { Artifact } from "../core/manifest.ts";
import { diskRefusal } from "../engine/disk_refusal.ts";
import { storageError } from "../files/atomic_file.ts";

/** What a build made; written beside the artifacts as `build.json`. */
export interface Build {
  readonly version: string;
  readonly dataThrough: Day;
  readonly schemaVersion: number;
  readonly rows: number;
  readonly symbols: number;
  /** Rows of the quarantine; left out when the version was built without observations. */
  readonly quarantined?: number;
  /** What its files use of their formats. */
  readonly formats?: FileFormats;
  readonly artifacts: readonly Artifact[];
}

/**
 * Fills a folder with a build: it appears whole or not at all. An earlier build is replaced whole; a folder of
 * anything else is never touched.
 *
 * @param write Writes the artifacts into the folder it is given.
 */
export async function fillBuildFolder(
  dir: string,
  write: (dir: string) => Promise<Build>,
): Promise<Build> {
  await refuseForeignFolder(dir);
  await removeLeftOver(dirname(dir));
  const scratch = `${dir}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(scratch, { recursive: true });
    const made = await write(scratch);
    await Deno.writeTextFile(join(scratch, "build.json"), JSON.stringify(made, null, 2) + "\n");
    await Deno.remove(dir, { recursive: true }).catch(() => {});
    await Deno.rename(scratch, dir);
    return made;
  } catch (error) {
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
    throw diskRefusal(error, dir) ?? storageError(error, dir);
  }
}

/** What a build that was killed has left. A younger one may be another process's. */
const LEFT_OVER_MS = 86_400_000;

const SCRATCH = /^\d{4}-\d{2}-\d{2}\.\d+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

async function removeLeftOver(folder: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name).catch(() => []);
  for (const path of names.filter((name) => SCRATCH.test(name)).map((name) => join(folder, name))) {
    const { mtime } = await Deno.stat(path).catch(() => ({ mtime: null }));
    if (!mtime || Date.now() - mtime.getTime() < LEFT_OVER_MS) continue;
    await Deno.remove(path, { recursive: true }).catch(() => {});
  }
}

async function refuseForeignFolder(dir: string): Promise<void> {
  try {
    if ((await Array.fromAsync(Deno.readDir(dir))).length === 0) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (await readBuild(dir)) return;
  throw new BfaError(
    "usage",
    `Cannot build into ${dir}: it holds other files than an earlier build; give an empty or a new folder`,
  );
}

/** Reads what an earlier build made, or `undefined` when there is none. */
export async function readBuild(dir: string): Promise<Build | undefined> {
  const path = join(dir, "build.json");
  let made: Build;
  try {
    made = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error instanceof SyntaxError ? unreadable(path, error) : error;
  }
  if (typeof made?.version === "string" && Array.isArray(made.artifacts)) return made;
  throw unreadable(path);
}

function unreadable(path: string, cause?: unknown): BfaError {
  return new BfaError("integrity", `Cannot use ${path}: it is damaged; build again`, { cause });
}
