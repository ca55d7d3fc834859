/**
 * SQL for strangers: keeps the newest version's database ready for a pool of children. This process
 * never loads DuckDB itself.
 *
 * @module
 */

import { join } from "@std/path";
import { asBfaError, BfaError, IntegrityError } from "../core/errors.ts";
import { addDays } from "../core/day.ts";
import type { Listing } from "../core/listing.ts";
import { type Artifact, artifactNamed, type ManifestBody } from "../core/manifest.ts";
import { partsOf, reachOf } from "../core/reach.ts";
import type { SqlVersion } from "../core/sql_schema.ts";
import type { Table, TableColumn } from "../core/table.ts";
import { readRowsJson } from "../engine/sql_answer.ts";
import type { RecentData, SqlData } from "../engine/sql_database.ts";
import { SqlPool, type SqlPoolOptions, type SqlQuestion } from "../engine/sql_pool.ts";
import { type ScratchFolder, scratchFolder } from "../files/scratch_folder.ts";
import type { ManifestReader } from "../manifest/store.ts";
import { artifactPath, type MirrorReader } from "../mirror/mirror.ts";
import type { Followed, Served } from "./follow.ts";
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
  /** The files of what is served. */
  let kept: ReadonlySet<string> = new Set();
  let failed: { at: number; error: BfaError; sequence: number } | undefined;
  let closed = false;

  async function load({ stored, source }: Served): Promise<void> {
    if (closed) return;
    const body = stored.manifest.signed;
    const { version, sequence, artifacts } = body;
    try {
      if (!artifacts.some((artifact) => artifact.name === DATABASE)) {
        throw new BfaError("not_implemented", `Cannot run SQL here: ${version} has no database`);
      }
      const artifact = artifactNamed(body, DATABASE);
      folder ??= await scratchFolder("bfa-sql-");
      const path = join(folder.path, `${artifact.sha256}.duckdb`);
      const files = new Set([path]);
      const fetched = async (artifact: Artifact): Promise<string> => {
        const path = join(folder!.path, `${artifact.sha256}.parquet`);
        if (!kept.has(path)) await bring(mirror, artifact, path);
        files.add(path);
        return path;
      };
      if (!kept.has(path)) await bring(mirror, artifact, path, new DecompressionStream("gzip"));
      const recent = await recentData(body, artifact, source.index.listings, fetched);
      const versions: SqlVersion[] = (await versionList(reader)).versions;
      const id = `${version} ${await digestOf(JSON.stringify(versions))}`;
      served = { version, id, path, versions, recent };
      pool.use(served);
      failed = undefined;
      const old = kept;
      kept = files;
      // Children that have one open keep it; Windows keeps it for them until the service ends.
      for (const file of old) if (!files.has(file)) await Deno.remove(file).catch(() => {});
    } catch (error) {
      failed = { at: Date.now(), error: asBfaError(error, "unavailable", "prepare SQL"), sequence };
      if (failed.error.code !== "not_implemented") onProblem(failed.error);
    }
  }

  function follow(): void {
    const current = followed.current();
    if (current) loading = loading.then(() => load(current));
  }

  follow();
  const stop = followed.onChange(follow);
  return {
    current: () => served && { version: served.version, id: served.id },
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

/** What the database of a version does not have yet. */
async function recentData(
  body: ManifestBody,
  database: Artifact,
  listings: readonly Listing[],
  fetched: (artifact: Artifact) => Promise<string>,
): Promise<RecentData | undefined> {
  const after = reachOf(database, body);
  if (after === body.dataThrough) return undefined;
  const rankings = body.artifacts.filter(({ role }) => role === "recent-volume-rankings");
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
  unpack?: DecompressionStream,
): Promise<void> {
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
    const bytes = file.body.pipeThrough(hashed);
    await (unpack ? bytes.pipeThrough(unpack) : bytes)
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
