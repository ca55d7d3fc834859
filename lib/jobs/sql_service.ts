/**
 * SQL for strangers: keeps the newest version's database ready for a pool of children, and opens others
 * when they are asked for (old_sql.ts). This process never loads DuckDB itself.
 *
 * @module
 */

import { basename, join } from "@std/path";
import { asBfaError, BfaError } from "../core/errors.ts";
import type { TableColumn } from "../core/table.ts";
import type { SqlData } from "../engine/sql_database.ts";
import {
  type SqlLoad,
  SqlPool,
  type SqlPoolAnswer,
  type SqlPoolOptions,
  type SqlQuestion,
} from "../engine/sql_pool.ts";
import { type ScratchFolder, scratchFolder } from "../files/scratch_folder.ts";
import type { ManifestReader } from "../manifest/store.ts";
import type { MirrorReader } from "../mirror/mirror.ts";
import type { Followed, Served } from "./follow.ts";
import { OldSql, type OldSqlOptions } from "./old_sql.ts";
import { databaseOf, sqlData } from "./sql_data.ts";

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
  /**
   * The inside of a JSON array of rows, each an array of cells, in UTF-8; the whole table, where another format was
   * asked for.
   */
  readonly rows: Uint8Array<ArrayBuffer>;
}

/** Answers SQL. */
export interface SqlService {
  /** What answers now, and its id; `undefined` while there is nothing to ask. */
  current(): { version: string; id: string } | undefined;
  /**
   * Runs one statement.
   *
   * @param version Any version; the newest, when left out.
   * @throws {BfaError} `sql_rejected`, `limit`, `deadline`, `busy`, `not_found` or `not_implemented`.
   */
  query(question: SqlQuestion, version?: string): Promise<SqlAnswer>;
  /** The unpacked database of what answers now, and the digest of what it was unpacked from. */
  database(): { version: string; path: string; digest: string } | undefined;
  /** How busy the children of the newest version are. */
  load(): SqlLoad;
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
  readonly old?: OldSqlOptions | undefined;
}

/** After a failed load, how long until a question tries again, ms. */
const RETRY_MS = 5_000;

/** Makes the service; it gets itself ready in the background. */
export function sqlService(options: SqlServiceOptions): SqlService {
  const { followed, onProblem } = options;
  const pool = new SqlPool(options.pool);
  let folder: Promise<ScratchFolder> | undefined;
  /** A folder in it, made when it is needed. */
  async function folderFor(name: string): Promise<string> {
    const { path } = await (folder ??= scratchFolder("bfa-sql-"));
    await Deno.mkdir(join(path, name), { recursive: true });
    return join(path, name);
  }
  const old = new OldSql({ ...options, folder: () => folderFor("old") }, options.old);
  let loading: Promise<void> = Promise.resolve();
  let served: SqlData | undefined;
  /** The files of what is served. */
  let kept: ReadonlySet<string> = new Set();
  let failed: { at: number; error: BfaError; sequence: number } | undefined;
  let closed = false;

  async function load({ stored }: Served): Promise<void> {
    if (closed) return;
    const { sequence } = stored.manifest.signed;
    try {
      databaseOf(stored);
      const prepared = await sqlData(options, stored, await folderFor("newest"));
      served = prepared.data;
      pool.use(served);
      failed = undefined;
      const before = kept;
      kept = new Set(prepared.files);
      // Children that have one open keep it; Windows keeps it for them until the service ends.
      for (const file of before) if (!kept.has(file)) await Deno.remove(file).catch(() => {});
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
    database() {
      if (!served) return undefined;
      const { version, path } = served;
      return { version, path, digest: basename(path, ".duckdb") };
    },
    load: () => pool.load,
    ready: () => loading,
    async query(question, version) {
      if (version !== undefined && version !== served?.version) {
        return answerOf(await old.query(version, question));
      }
      if (failed && Date.now() - failed.at > RETRY_MS) follow();
      if (!served) await loading; // while another version is prepared, the last one answers
      if (!served) throw failed?.error ?? nothingYet();
      const answer = await pool.query(question);
      // Another version may have become the newest meanwhile.
      const other = version !== undefined && version !== answer.data.version;
      return answerOf(other ? await old.query(version, question) : answer);
    },
    async close() {
      closed = true;
      stop();
      await loading;
      await Promise.all([pool.close(), old.close()]);
      await (await folder?.catch(() => undefined))?.remove();
    },
  };
}

function answerOf({ head, rows, data }: SqlPoolAnswer): SqlAnswer {
  return {
    version: data.version,
    id: data.id,
    ...head,
    rows,
  };
}

function nothingYet(): BfaError {
  return new BfaError("not_implemented", "Cannot run SQL here: no version is published yet");
}
