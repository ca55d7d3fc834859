/**
 * The database of a version, brought to a file that SQL children can open.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "@std/path";
import { addDays } from "../core/day.ts";
import { BfaError, IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import { partsOf, reachOf } from "../core/reach.ts";
import type { SqlVersion } from "../core/sql_schema.ts";
import type { RecentData, SqlData } from "../engine/sql_database.ts";
import type { ManifestReader, StoredManifest } from "../manifest/store.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";
import { loadListings } from "./load_listings.ts";
import { openArtifact } from "./verified_artifact.ts";
import { versionList } from "./version_list.ts";

/** Where versions and their files are. */
export interface SqlSources {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
}

/** What a pool of children can be given. */
export interface PreparedSql {
  readonly data: SqlData;
  /** The files it needs, for as long as it is asked. */
  readonly files: readonly string[];
}

const DATABASE = "availability.duckdb.gz";

/** How long a mirror may take for a database, ms: one that goes silent is asked anew by the next try. */
const UNPACK_MS = 120_000;

/**
 * The artifact that is a version's database.
 *
 * @throws {BfaError} `not_implemented` when the version has none.
 */
export function databaseOf({ manifest: { signed } }: StoredManifest): Artifact {
  const artifact = signed.artifacts.find(({ name }) => name === DATABASE);
  if (artifact) return artifact;
  throw new BfaError("not_implemented", `Cannot run SQL here: ${signed.version} has no database`);
}

/** Brings a version's database, and what came after it, into a folder, unless it is there. */
export async function sqlData(
  { reader, mirror }: SqlSources,
  stored: StoredManifest,
  folder: string,
): Promise<PreparedSql> {
  const { version } = stored.manifest.signed;
  const files: string[] = [];
  const fetched = async (artifact: Artifact): Promise<string> => {
    const packed = artifact.name.endsWith(".gz");
    const path = join(folder, `${artifact.sha256}.${packed ? "duckdb" : "parquet"}`);
    const there = await Deno.stat(path).catch(() => undefined);
    if (!there) await bring(mirror, artifact, path, packed);
    files.push(path);
    return path;
  };
  const path = await fetched(databaseOf(stored));
  const recent = await recentData(mirror, stored, fetched);
  const versions: SqlVersion[] = (await versionList(reader)).versions;
  const id = `${version} ${digestOf(JSON.stringify(versions))}`;
  return { data: { version, id, path, versions, recent }, files };
}

/** What the database of a version does not have yet. */
async function recentData(
  mirror: MirrorReader,
  stored: StoredManifest,
  fetched: (artifact: Artifact) => Promise<string>,
): Promise<RecentData | undefined> {
  const body = stored.manifest.signed;
  const after = reachOf(databaseOf(stored), body);
  if (after === body.dataThrough) return undefined;
  const rankings = body.artifacts.filter(({ role }) => role === "recent-volume-rankings");
  const { listings } = await loadListings(mirror, body);
  return {
    after,
    availability: await Promise.all(
      partsOf(body, [addDays(after, 1), body.dataThrough]).map(fetched),
    ),
    rankings: await Promise.all(rankings.map(fetched)),
    listings: listings.map(({ gaps: _, halts: __, ...row }) => row),
  };
}

/** Brings an artifact to a file, unpacked where it is packed; it appears only when its digest is right. */
async function bring(
  mirror: MirrorReader,
  artifact: Artifact,
  path: string,
  packed: boolean,
): Promise<void> {
  const from = artifactPath(artifact);
  const bytes = await openArtifact(mirror, artifact);
  if (!bytes) throw new BfaError("unavailable", `Cannot load ${from}: the mirror does not have it`);
  const temporary = `${path}.tmp`;
  try {
    const file = await Deno.create(temporary).catch(async (error) => {
      await bytes.cancel();
      throw error;
    });
    await (packed ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes)
      .pipeTo(file.writable, { signal: AbortSignal.timeout(UNPACK_MS) });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    // Bytes that are no gzip are wrong bytes too.
    if (!(error instanceof TypeError)) throw error;
    throw new IntegrityError(from, artifact.sha256, "unreadable", { cause: error });
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
