/**
 * A publisher's working set (observations, KV file) kept between runs on machines that forget: as the
 * files of a draft release that is never published. Only who may write to the repository sees it.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError, IntegrityError } from "../core/errors.ts";
import { makeFolder, writeAtomically } from "../files/atomic_file.ts";
import { hashFile } from "../files/file_facts.ts";
import type { Asset, GithubReleases, Release } from "../mirror/github_releases.ts";

/** What makes up the working set, in the data folder. A database may have left a log beside it. */
const FILES = [
  "observations.duckdb",
  "observations.duckdb.wal",
  "kv.sqlite3",
  "kv.sqlite3-wal",
];

/** How many saved states are kept. */
const KEEP = 3;

const TAG = /^state-\d{8}T\d{6}Z$/;

/** What was saved or restored. */
export interface StateReport {
  /** When it was saved; `null` when there is none. */
  readonly savedAt: string | null;
  readonly files: readonly StateFile[];
}

/** A file of a saved state. */
interface StateFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Saves the working set: its files first, then the word that it is complete, then older ones go. */
export async function saveState(
  releases: GithubReleases,
  dataDir: string,
  now: Date,
): Promise<StateReport> {
  const files: StateFile[] = [];
  for (const name of await present(dataDir)) {
    files.push({ name, ...await hashFile(join(dataDir, name)) });
  }
  if (files.length === 0) {
    throw new BfaError("not_found", `no working set in ${dataDir}: nothing to save`);
  }
  const savedAt = now.toISOString().replace(/\.\d+Z$/, "Z");
  const tag = `state-${savedAt.replace(/[-:]/g, "")}`;
  const draft = await releases.createDraft(tag, { name: "state, unfinished", body: "" });
  for (const file of files) {
    const read = () => Deno.readFile(join(dataDir, file.name));
    await releases.upload(draft, { ...file, mediaType: "application/octet-stream", read }, []);
  }
  const body = JSON.stringify({ savedAt, files });
  await releases.update(draft, { tag_name: tag, name: "state, complete", body, draft: true });
  const states = statesOf(await releases.drafts());
  for (const old of states.slice(KEEP)) await releases.remove(old);
  return { savedAt, files };
}

/** Restores the newest complete working set into a data folder that has none. */
export async function restoreState(
  releases: GithubReleases,
  dataDir: string,
): Promise<StateReport> {
  const [taken] = await present(dataDir);
  if (taken) {
    throw new BfaError("usage", `Cannot restore into ${dataDir}: ${taken} is there already`);
  }
  let states = statesOf(await releases.drafts());
  // An old one is not among the newest releases.
  if (!states.some(readState)) states = statesOf(await releases.drafts(true));
  for (const draft of states) {
    const state = readState(draft);
    if (!state) continue;
    const assets = new Map((await releases.assets(draft)).map((asset) => [asset.name, asset]));
    const scratch = join(dataDir, `restoring-${crypto.randomUUID()}`);
    await makeFolder(scratch);
    try {
      // All of it comes before any of it is in place: half a state would pass for a whole one.
      for (const file of state.files) await restoreFile(releases, scratch, file, assets);
      for (const { name } of state.files) {
        await Deno.rename(join(scratch, name), join(dataDir, name));
      }
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
    return state;
  }
  return { savedAt: null, files: [] };
}

async function restoreFile(
  releases: GithubReleases,
  dir: string,
  { name, sha256 }: StateFile,
  assets: ReadonlyMap<string, Asset>,
): Promise<void> {
  const asset = assets.get(name);
  if (!asset) throw new BfaError("integrity", `Cannot restore ${name}: its release has lost it`);
  await writeAtomically(join(dir, name), await releases.download(asset), {
    async check(written) {
      const { sha256: actual } = await hashFile(written);
      if (actual !== sha256) throw new IntegrityError(name, sha256, actual);
    },
  });
}

/** What a draft says it holds; `undefined` while it is not complete. */
function readState({ name, body }: Release): StateReport | undefined {
  if (name !== "state, complete") return undefined;
  try {
    const state = JSON.parse(body ?? "");
    const known = Array.isArray(state.files) &&
      state.files.every((file: StateFile) => FILES.includes(file.name));
    return known ? state : undefined;
  } catch {
    return undefined;
  }
}

/** The states among drafts, newest first. */
function statesOf(drafts: readonly Release[]): Release[] {
  return drafts.filter(({ tag_name }) => TAG.test(tag_name))
    .sort((a, b) => a.tag_name < b.tag_name ? 1 : -1);
}

async function present(dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of FILES) {
    const info = await Deno.stat(join(dataDir, name)).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    });
    if (info?.isFile && info.size > 0) found.push(name); // GitHub takes no empty file
  }
  return found;
}
