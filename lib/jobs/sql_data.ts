/**
 * The database of a version, brought to a file that SQL children can open.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "@std/path";
import { BfaError, IntegrityError } from "../core/errors.ts";
import type { Artifact } from "../core/manifest.ts";
import type { SqlVersion } from "../core/sql_schema.ts";
import type { SqlData } from "../engine/sql_database.ts";
import type { ManifestReader, StoredManifest } from "../manifest/store.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";
import { versionList } from "./version_list.ts";

/** Where versions and their files are. */
export interface SqlSources {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
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

/** Brings a version's database into a folder, unless it is there. */
export async function sqlData(
  { reader, mirror }: SqlSources,
  stored: StoredManifest,
  folder: string,
): Promise<SqlData> {
  const { version } = stored.manifest.signed;
  const artifact = databaseOf(stored);
  const path = join(folder, `${artifact.sha256}.duckdb`);
  const there = await Deno.stat(path).catch(() => undefined);
  if (!there) await unpack(mirror, artifact, path);
  const versions: SqlVersion[] = (await versionList(reader)).versions;
  return { version, id: `${version} ${digestOf(JSON.stringify(versions))}`, path, versions };
}

/** Brings a compressed artifact to a file; it appears only when its digest is right. */
async function unpack(mirror: MirrorReader, artifact: Artifact, path: string): Promise<void> {
  const from = artifactPath(artifact);
  const file = await mirror.open(from);
  if (!file) throw new BfaError("unavailable", `Cannot load ${from}: the mirror does not have it`);
  const hash = createHash("sha256");
  const hashed = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      hash.update(chunk);
      controller.enqueue(chunk);
    },
  });
  const temporary = `${path}.tmp`;
  try {
    await file.body.pipeThrough(hashed).pipeThrough(new DecompressionStream("gzip"))
      .pipeTo((await Deno.create(temporary)).writable, { signal: AbortSignal.timeout(UNPACK_MS) });
    const actual = hash.digest("hex");
    if (actual !== artifact.sha256) throw new IntegrityError(from, artifact.sha256, actual);
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
