/**
 * The published tables in the browser's database. What is large is fetched when a statement first names it.
 *
 * @module
 */

import { joinBytes } from "../lib/core/bytes.ts";
import type { Artifact } from "../lib/core/manifest.ts";
import {
  type Column,
  createTable,
  DAILY_AVAILABILITY,
  LISTINGS,
  VOLUME_RANKINGS,
  volumeRankingsSql,
  withUrls,
} from "../lib/core/schema.ts";
import { listingCells, SQL_TABLES, tableFiles, versionCells } from "../lib/core/sql_schema.ts";
import { arrow } from "../lib/formats/arrow.ts";
import { type BrowserDatabase, messagesToBeRead, stopped } from "./database.ts";
import type { OpenedDataset } from "./dataset.ts";
import { arrowOfParquet } from "./parquet_arrow.ts";

/** The schema that holds the rows behind the published names. */
const STORE = "store";

/** The tables of one version. */
export class BrowserTables {
  readonly #database: BrowserDatabase;
  readonly #dataset: OpenedDataset;
  readonly #there = new Set<string>();

  /** Loads nothing yet: the names are there, and reading them is an error. */
  constructor(database: BrowserDatabase, dataset: OpenedDataset) {
    this.#database = database;
    this.#dataset = dataset;
    database.execute(`CREATE SCHEMA ${STORE}`);
    for (const [name, columns] of Object.entries(SQL_TABLES)) {
      const nulls = columns.map((column) => `NULL::${column.type} AS ${column.name}`).join(", ");
      const why = `Cannot read ${name}: the statement must contain its name`;
      this.#view(
        name,
        `SELECT ${nulls} FROM (SELECT error('${why}') AS why) WHERE why IS NOT NULL`,
      );
    }
  }

  /**
   * Makes the tables that a statement names. One that it only seems to name is made all the same.
   *
   * @throws {IntegrityError} for a file that is not what the manifest says.
   * @throws {BfaError} `deadline` when it was stopped.
   */
  async need(sql: string, signal: AbortSignal): Promise<void> {
    for (const name of Object.keys(SQL_TABLES)) {
      if (new RegExp(`\\b${name}\\b`, "i").test(sql)) await this.#table(name, signal);
    }
  }

  async #table(name: string, signal: AbortSignal): Promise<void> {
    if (this.#there.has(name)) return;
    await this.#make(name, signal);
    this.#there.add(name);
  }

  async #make(name: string, signal: AbortSignal): Promise<void> {
    const { source, manifest, versions } = this.#dataset;
    const files = tableFiles(manifest.signed.artifacts);
    switch (name) {
      case "listings":
        return this.#fill(name, LISTINGS, source.index.listings.map(listingCells));
      case "versions":
        return this.#fill(name, SQL_TABLES["versions"]!, (await versions()).map(versionCells));
      case "daily_availability":
        await this.#read(name, DAILY_AVAILABILITY, files.daily_availability, signal);
        return this.#view(name, withUrls(`${STORE}.${name}`));
      case "volume_rankings": {
        const columns = VOLUME_RANKINGS.map((column) => column.name).join(", ");
        if (files.volume_rankings.length) {
          await this.#read(name, VOLUME_RANKINGS, files.volume_rankings, signal);
          return this.#view(name, `SELECT ${columns} FROM ${STORE}.${name}`);
        }
        // Versions without volumes have no such file.
        for (const table of ["daily_availability", "listings"]) await this.#table(table, signal);
        return this.#view(name, `SELECT ${columns} FROM (${volumeRankingsSql()})`);
      }
    }
  }

  #view(name: string, select: string): void {
    this.#database.execute(`CREATE OR REPLACE VIEW ${name} AS ${select}`);
  }

  #fill(name: string, columns: readonly Column[], rows: (string | number | null)[][]): void {
    this.#empty(name, columns);
    this.#database.insert(STORE, name, joinBytes([...arrow({ columns, rows })]));
    this.#view(name, `FROM ${STORE}.${name}`);
  }

  /** Reads files, each fetched while the one before is taken in. */
  async #read(
    name: string,
    columns: readonly Column[],
    files: readonly Artifact[],
    signal: AbortSignal,
  ): Promise<void> {
    this.#empty(name, columns);
    const fetched = (at: number) => {
      const artifact = files[at];
      const bytes = artifact && this.#dataset.bytes(artifact);
      bytes?.catch(() => {}); // told of when its turn comes
      return bytes;
    };
    let next = fetched(0);
    for (let at = 0; at < files.length; at++) {
      const bytes = (await next)!;
      next = fetched(at + 1);
      for await (const stream of arrowOfParquet(bytes, files[at]!.name, columns)) {
        await messagesToBeRead();
        if (signal.aborted) throw stopped();
        this.#database.insert(STORE, name, stream);
      }
    }
  }

  #empty(name: string, columns: readonly Column[]): void {
    this.#database.execute(`DROP TABLE IF EXISTS ${STORE}.${name}`);
    this.#database.execute(createTable(`${STORE}.${name}`, columns));
  }
}
