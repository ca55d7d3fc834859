/**
 * The gate in front of untrusted SQL. It parses a statement in an empty database that can reach
 * nothing, and checks the syntax tree against the allow-lists. Preparing a statement already opens the
 * files it names; parsing does not: the gate comes first.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { loadDuckdb } from "./duckdb.ts";
import { plainReason, sqlFailure } from "./sql_failure.ts";
import { checkTree } from "./sql_tree.ts";

/** A gate, with a small database of its own. */
export interface SqlGate {
  /**
   * Lets a statement through, or throws.
   *
   * @param sql The statement in its normal form (`normalSql`), exactly as it will be run.
   * @throws {BfaError} `sql_rejected` or `limit`.
   */
  check(sql: string): Promise<void>;
  /** Closes its database. */
  close(): void;
}

/** What every database that meets untrusted SQL is opened with: it can reach nothing. */
export const LOCKED_SETTINGS: Readonly<Record<string, string>> = {
  threads: "1",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  allow_community_extensions: "false",
  temp_directory: "",
};

/** What closes a database from the inside, in this order: nothing can be opened or set afterwards. */
export const LOCK_STATEMENTS: readonly string[] = [
  "SET max_temp_directory_size = '0B'",
  "SET enable_external_access = false",
  "SET disabled_filesystems = 'LocalFileSystem'",
  "SET allowed_configs = ['streaming_buffer_size']", // a connection's own: see `sql_answer.ts`
  "SET lock_configuration = true",
];

/** Opens a gate. */
export async function openGate(): Promise<SqlGate> {
  const { DuckDBInstance } = await loadDuckdb();
  const instance = await DuckDBInstance.create(":memory:", {
    ...LOCKED_SETTINGS,
    memory_limit: "64MB",
  });
  const connection = await instance.connect();
  for (const statement of LOCK_STATEMENTS) await connection.run(statement);
  const parse = await connection.prepare("SELECT json_serialize_sql($1::VARCHAR)");
  return {
    async check(sql) {
      parse.bindVarchar(1, sql);
      const reader = await parse.runAndReadAll();
      try {
        checkTree(statementsIn(String(reader.getRows()[0]![0]), sql));
      } catch (error) {
        throw sqlFailure(error);
      }
    },
    close() {
      parse.destroySync();
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function statementsIn(json: string, sql: string): unknown {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(json);
  } catch {
    // A number such as 1e400 becomes Infinity, which JSON does not have.
    throw new BfaError("sql_rejected", "Cannot run this SQL: a number in it is too large");
  }
  if (parsed.error === false) return parsed.statements;
  const message = String(parsed.error_message);
  if (parsed.error_type === "not implemented" && /only select/i.test(message)) {
    // DuckDB looks up values that are not written down with a statement of its own.
    const pivots = /\bPIVOT\b/i.test(sql)
      ? "; a PIVOT needs its values: ON quote_asset IN ('USDT', 'USDC')"
      : "";
    throw new BfaError(
      "sql_rejected",
      `Cannot run this SQL: only one SELECT can be asked${pivots}`,
    );
  }
  if (/^Max(imum)? (expression depth|grouping set)/.test(message)) {
    throw new BfaError("limit", "Cannot run this SQL: it is nested too deeply");
  }
  throw new BfaError("sql_rejected", `Cannot run this SQL: ${plainReason(message)}`);
}
