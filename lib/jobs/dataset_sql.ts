/**
 * SQL on a dataset's copy, in this process: the database of one version, opened when it is first asked.
 *
 * @module
 */

import type { Source } from "../core/answers.ts";
import type { SqlParams } from "../core/sql_params.ts";
import type { SqlVersion } from "../core/sql_schema.ts";
import type { Table } from "../core/table.ts";
import type { LocalSql } from "../engine/local_sql.ts";
import type { VersionsReply } from "../manifest/versions_reply.ts";
import type { KeptCopy } from "./kept_copy.ts";
import { versionRow } from "./version_list.ts";

/** Where else a dataset knows something from. */
export interface DatasetSqlSources {
  /** The embedded listings. */
  readonly seed: () => Promise<Source>;
  /** All versions; left out where nobody may be asked. */
  readonly versions: (() => Promise<VersionsReply>) | undefined;
}

/** Runs SQL on a copy, or on the embedded listings where there is none. */
export class DatasetSql {
  readonly #copy: KeptCopy | undefined;
  readonly #sources: DatasetSqlSources;
  #open: { version: string; sql: Promise<LocalSql> } | undefined;

  /** Opens nothing. */
  constructor(copy: KeptCopy | undefined, sources: DatasetSqlSources) {
    this.#copy = copy;
    this.#sources = sources;
  }

  /** Runs SQL on the version that the dataset answers from. */
  async query(
    version: string,
    text: string,
    params: SqlParams | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Table> {
    const sql = await this.open(version);
    if (/\bversions\b/i.test(text)) await sql.setVersions(await this.#versions());
    return await sql.query(text, params, signal);
  }

  /** The database of the version that the dataset answers from. */
  async open(version: string): Promise<LocalSql> {
    if (this.#open?.version !== version) {
      const opening = { version, sql: this.#load() };
      this.#open = opening;
      opening.sql.catch(() => this.#open = undefined); // the next call tries again
    }
    return await this.#open.sql;
  }

  async #load(): Promise<LocalSql> {
    const { sqlOnFiles, sqlOnListings } = await import("./local_sql.ts");
    const copy = this.#copy;
    if (!copy) return await sqlOnListings((await this.#sources.seed()).index);
    const { copy: loaded, source } = await copy.current();
    const { artifacts } = loaded.manifest.signed;
    return await sqlOnFiles((await source()).index, artifacts, (name) => copy.path(name));
  }

  /** All versions where they can be asked for; else the one of the copy. */
  async #versions(): Promise<readonly SqlVersion[]> {
    if (!this.#copy) return [];
    if (this.#sources.versions) return (await this.#sources.versions()).versions;
    return [versionRow((await this.#copy.current()).copy.manifest.signed)];
  }
}
