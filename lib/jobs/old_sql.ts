/**
 * SQL on versions that are no longer the newest: one of them at a time, in one more child, for as long as
 * it is asked. Opening one brings its whole database here, so strangers may not do it often.
 *
 * @module
 */

import { asBfaError, BfaError, NotFoundError } from "../core/errors.ts";
import { inTime } from "../core/in_time.ts";
import {
  SqlPool,
  type SqlPoolAnswer,
  type SqlPoolOptions,
  type SqlQuestion,
} from "../engine/sql_pool.ts";
import type { StoredManifest } from "../manifest/store.ts";
import { databaseOf, sqlData, type SqlSources } from "./sql_data.ts";

/** How long versions stay; everything has a default. */
export interface OldSqlOptions {
  /** A version that nobody asks is closed after that, ms. */
  readonly idleMs?: number | undefined;
  /** A version that was opened is not closed for another one before that, ms. */
  readonly holdMs?: number | undefined;
  /** A question waits so long for its version to be opened, ms; opening goes on for the next one. */
  readonly waitMs?: number | undefined;
}

const IDLE_MS = 60_000;
const HOLD_MS = 10_000;
const WAIT_MS = 10_000;

/** The child of an open version, and the files it has open. */
interface Children {
  readonly pool: SqlPool;
  readonly files: readonly string[];
}

/** A version that is open. */
interface Open {
  readonly version: string;
  readonly openedAt: number;
  readonly children: Promise<Children>;
  /** Questions under way. */
  users: number;
  idle?: ReturnType<typeof setTimeout>;
}

/** What old versions are opened with. */
export interface OldSqlParts extends SqlSources {
  /** Where databases may be brought to; nobody else's are there. */
  readonly folder: () => Promise<string>;
  readonly pool?: SqlPoolOptions | undefined;
  readonly onProblem: (error: unknown) => void;
}

/** Answers SQL on old versions. */
export class OldSql {
  readonly #parts: OldSqlParts;
  readonly #idleMs: number;
  readonly #holdMs: number;
  readonly #waitMs: number;
  #open: Open | undefined;
  #closing: Promise<void> = Promise.resolve();

  /** Opens nothing. */
  constructor(parts: OldSqlParts, options: OldSqlOptions = {}) {
    this.#parts = parts;
    this.#idleMs = options.idleMs ?? IDLE_MS;
    this.#holdMs = options.holdMs ?? HOLD_MS;
    this.#waitMs = options.waitMs ?? WAIT_MS;
  }

  /** The version that is open. */
  get open(): string | undefined {
    return this.#open?.version;
  }

  /**
   * Runs one statement on a version.
   *
   * @throws {BfaError} `not_found` for no such version, `not_implemented` for one without a database, `busy`
   *   while another old version is open.
   */
  async query(version: string, question: SqlQuestion): Promise<SqlPoolAnswer> {
    const open = this.#of(await this.#manifestOf(version));
    open.users++;
    clearTimeout(open.idle);
    try {
      return await (await this.#opened(open)).query(question);
    } finally {
      open.users--;
      if (open.users === 0 && this.#open === open) {
        open.idle = setTimeout(() => this.#close(), this.#idleMs);
        Deno.unrefTimer(open.idle);
      }
    }
  }

  /** Ends the child and removes the database. */
  async close(): Promise<void> {
    this.#close();
    await this.#closing;
  }

  async #opened({ version, children }: Open): Promise<SqlPool> {
    const { pool } = await inTime(children, this.#waitMs, () => {
      throw new BfaError("busy", `Cannot run SQL on ${version} yet: it is being opened`);
    });
    return pool;
  }

  /** A version that cannot be asked closes nothing that can. */
  async #manifestOf(version: string): Promise<StoredManifest> {
    const { reader } = this.#parts;
    const sequence = await reader.sequenceOf(version);
    const stored = sequence === undefined ? undefined : await reader.bySequence(sequence);
    if (!stored) throw new NotFoundError(`no version ${version}; \`/v1/versions\` lists them`);
    databaseOf(stored);
    return stored;
  }

  #of(stored: StoredManifest): Open {
    const { version } = stored.manifest.signed;
    const known = this.#open;
    if (known?.version === version) return known;
    const openedAt = performance.now();
    if (known && (known.users > 0 || openedAt - known.openedAt < this.#holdMs)) {
      throw new BfaError(
        "busy",
        `Cannot run SQL on ${version} now: another old version, ${known.version}, is open`,
      );
    }
    this.#close();
    const open: Open = { version, openedAt, users: 0, children: this.#start(stored) };
    // What did not open is forgotten: the next question tries again.
    open.children.catch(() => {
      if (this.#open === open) this.#open = undefined;
    });
    return this.#open = open;
  }

  async #start(stored: StoredManifest): Promise<Children> {
    await this.#closing;
    const { folder, onProblem } = this.#parts;
    try {
      const { data, files } = await sqlData(this.#parts, stored, await folder());
      const pool = new SqlPool({ ...this.#parts.pool, slots: 1 });
      pool.use(data);
      return { pool, files };
    } catch (error) {
      const failure = asBfaError(error, "unavailable", "prepare SQL");
      onProblem(failure);
      throw failure;
    }
  }

  #close(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    clearTimeout(open.idle);
    this.#closing = (async () => {
      const children = await open.children.catch(() => undefined);
      await children?.pool.close();
      for (const file of children?.files ?? []) await Deno.remove(file).catch(() => {});
    })();
  }
}
