/**
 * SQL for strangers: keeps the newest version's database ready for a pool of children. This process
 * never loads DuckDB itself.
 *
 * @module
 */

import { basename, join } from "@std/path";
import { asBfaError, BfaError, IntegrityError } from "../core/errors.ts";
import { type Artifact, artifactNamed } from "../core/manifest.ts";
import type { SqlVersion } from "../core/sql_schema.ts";
import type { Table, TableColumn } from "../core/table.ts";
import { readRowsJson } from "../engine/sql_answer.ts";
import type { SqlData } from "../engine/sql_database.ts";
import { SqlPool, type SqlPoolOptions, type SqlQuestion } from "../engine/sql_pool.ts";
import { type ScratchFolder, scratchFolder } from "../files/scratch_folder.ts";
import type { ManifestReader, StoredManifest } from "../manifest/store.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";
import type { Followed } from "./follow.ts";
import { versionList } from "./version_list.ts";

export type { SqlPoolOptions, SqlQuestion };

/** An answer to SQL. */
export interface SqlAnswer {
  /** The version that answered. */
  readonly version: string;
  /** The {@linkcode SqlService.id} that answered. */
  readonly id: string;
  readonly columns: readonly TableColumn[];
  readonly count: number;
  /** Whether rows or columns were left out. */
  readonly truncated: boolean;
  /** The inside of a JSON array of rows, each an array of cells, in UTF-8. */
  readonly rowsJson: Uint8Array<ArrayBuffer>;
  /** The rows as cells, read when asked for. */
  table(): Table;
}

/** Answers SQL. */
export interface SqlService {
  /** What answers now, and its id; `undefined` while there is nothing to ask. */
  current(): { version: string; id: string } | undefined;
  /**
   * Runs one statement.
   *
   * @throws {BfaError} `sql_rejected`, `limit`, `deadline`, `busy` or `not_implemented`.
   */
  query(question: SqlQuestion): Promise<SqlAnswer>;
  /** The unpacked database of what answers now, and the digest of what it was unpacked from. */
  database(): { version: string; path: string; digest: string } | undefined;
  /** Resolves when the version that is served now can be asked, or cannot. */
  ready(): Promise<void>;
  /** Ends the children and removes the files. */
  close(): Promise<void>;
}

/** What the service is made of. */
export interface SqlServiceOptions {
  readonly reader: ManifestReader;
  readonly mirror: MirrorReader;
  readonly followed: Followed;
  readonly onProblem: (error: unknown) => void;
  readonly pool?: SqlPoolOptions | undefined;
}

/** After a failed load, how long until a question tries again, ms. */
const RETRY_MS = 5_000;

/** Makes the service; it gets itself ready in the background. */
export function sqlService(options: SqlServiceOptions): SqlService {
  const { reader, mirror, followed, onProblem } = options;
  const pool = new SqlPool(options.pool);
  let folder: ScratchFolder | undefined;
  let loading: Promise<void> = Promise.resolve();
  let served: SqlData | undefined;
  let failed: { at: number; error: BfaError; sequence: number } | undefined;
  let closed = false;

  async function load(stored: StoredManifest): Promise<void> {
    if (closed) return;
    const { version, sequence, artifacts } = stored.manifest.signed;
    try {
      if (!artifacts.some((artifact) => artifact.name === DATABASE)) {
        throw new BfaError("not_implemented", `Cannot run SQL here: ${version} has no database`);
      }
      const artifact = artifactNamed(stored.manifest.signed, DATABASE);
      folder ??= await scratchFolder("bfa-sql-");
      const path = join(folder.path, `${artifact.sha256}.duckdb`);
      if (served?.path !== path) await unpack(mirror, artifact, path);
      const versions: SqlVersion[] = (await versionList(reader)).versions;
      const id = `${version} ${await digestOf(JSON.stringify(versions))}`;
      const before = served;
      served = { version, id, path, versions };
      pool.use(served);
      failed = undefined;
      // Children that have it open keep it; Windows keeps it for them until the service ends.
      if (before && before.path !== path) await Deno.remove(before.path).catch(() => {});
    } catch (error) {
      failed = { at: Date.now(), error: asBfaError(error, "unavailable", "prepare SQL"), sequence };
      if (failed.error.code !== "not_implemented") onProblem(failed.error);
    }
  }

  function follow(): void {
    const stored = followed.current()?.stored;
    if (stored) loading = loading.then(() => load(stored));
  }

  follow();
  const stop = followed.onChange(follow);
  return {
    current: () => served && { version: served.version, id: served.id },
    database() {
      if (!served) return undefined;
      const { version, path } = served;
      return { version, path, digest: basename(path, ".duckdb") };
    },
    ready: () => loading,
    async query(question) {
      if (failed && Date.now() - failed.at > RETRY_MS) follow();
      if (!served) await loading; // while another version is prepared, the last one answers
      if (!served) throw failed?.error ?? nothingYet();
      const { head, rows, data } = await pool.query(question);
      return {
        version: data.version,
        id: data.id,
        ...head,
        rowsJson: rows,
        table: () => ({ columns: head.columns, rows: readRowsJson(rows, head.columns) }),
      };
    },
    async close() {
      closed = true;
      stop();
      await loading;
      await pool.close();
      await folder?.remove();
    },
  };
}

const DATABASE = "availability.duckdb.gz";

function nothingYet(): BfaError {
  return new BfaError("not_implemented", "Cannot run SQL here: no version is published yet");
}

/** Brings a compressed artifact to a file; it appears only when its digest is right. */
async function unpack(mirror: MirrorReader, artifact: Artifact, path: string): Promise<void> {
  const from = artifactPath(artifact);
  const file = await mirror.open(from);
  if (!file) throw new BfaError("unavailable", `Cannot load ${from}: the mirror does not have it`);
  const { createHash } = await import("node:crypto");
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
      .pipeTo((await Deno.create(temporary)).writable);
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

async function digestOf(text: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
