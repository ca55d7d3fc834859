/**
 * SQL for the owner of the machine: a database in this process, in memory, over the files of a copy.
 * No gate and no limits: it is their own machine. The files of the copy are only read.
 *
 * @module
 */

import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { BfaError } from "../core/errors.ts";
import type { SqlParams } from "../core/sql_params.ts";
import type { SqlVersion } from "../core/sql_schema.ts";
import type { Table } from "../core/table.ts";
import { loadDuckdb } from "./duckdb.ts";
import { interruptible } from "./interruptible.ts";
import { readTable } from "./sql_answer.ts";
import { publishTables, publishVersions } from "./sql_database.ts";
import { sqlFailure } from "./sql_failure.ts";
import { bindParams } from "./sql_params.ts";

/** The schema that holds the tables behind the published names. */
const STORE = "store";

/** A database in this process. */
export class LocalSql {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /**
   * Opens a database.
   *
   * @param fill Makes `daily_availability` and `listings`, and `volume_rankings` where there is one,
   *   in the schema that is current then.
   */
  static async open(fill: (connection: DuckDBConnection) => Promise<unknown>): Promise<LocalSql> {
    const { DuckDBInstance } = await loadDuckdb();
    const instance = await DuckDBInstance.create(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    try {
      const filling = await instance.connect(); // its temporary tables end with it
      await filling.run("SET GLOBAL TimeZone = 'UTC'");
      await filling.run(`CREATE SCHEMA ${STORE}`);
      await filling.run(`USE memory.${STORE}`);
      await fill(filling);
      filling.closeSync();
      const connection = await instance.connect();
      await publishTables(connection, `memory.${STORE}`);
      await publishVersions(connection, []);
      return new LocalSql(instance, connection);
    } catch (error) {
      instance.closeSync();
      throw error;
    }
  }

  /** Replaces the rows of `versions`. */
  async setVersions(versions: readonly SqlVersion[]): Promise<void> {
    await publishVersions(this.#connection, versions);
  }

  /**
   * Runs SQL and returns the whole result of its last statement. One call at a time: the others wait.
   *
   * @throws {BfaError} `sql_rejected`, or `limit` when the machine's memory is not enough.
   */
  query(sql: string, params?: SqlParams, signal?: AbortSignal): Promise<Table> {
    return this.use(() => this.#query(sql, params, signal));
  }

  /** Does work on the connection, after what is being done on it. */
  use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const run = this.#last.then(() => work(this.#connection));
    this.#last = run.catch(() => {});
    return run;
  }

  async #query(sql: string, params?: SqlParams, signal?: AbortSignal): Promise<Table> {
    const connection = this.#connection;
    try {
      return await interruptible(connection, signal, async () => {
        if (sql.trim() === "") {
          throw new BfaError("sql_rejected", "Cannot run this SQL: there is no statement");
        }
        const statements = await connection.extractStatements(sql).catch(async (error) => {
          await connection.prepare(sql); // says what is wrong with it, which the other does not
          throw error;
        });
        for (let i = 0; i < statements.count - 1; i++) await (await statements.prepare(i)).run();
        const last = await statements.prepare(statements.count - 1);
        bindParams(last, params);
        // Not as a stream: one that fails in its middle ends as one does that is whole.
        return await readTable(await last.run());
      });
    } catch (error) {
      if (signal?.aborted) throw new BfaError("deadline", "Cannot finish this SQL: it was stopped");
      throw sqlFailure(error, { owner: true });
    }
  }

  /** Closes the database. */
  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}
