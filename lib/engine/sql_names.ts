/**
 * Which tables, functions and columns a statement may name.
 *
 * @module
 */

import type { BfaError } from "../core/errors.ts";
import { SQL_TABLES } from "../core/sql_schema.ts";
import { noTable } from "./sql_failure.ts";
import { FUNCTIONS, PARSER_FUNCTIONS, VALUE_FUNCTIONS, VOLATILE } from "./sql_functions.ts";
import { array, type Node, type Place, record, rejected, shown, text } from "./sql_tree_checks.ts";

/** Tables of the standard's catalog that describe the published ones, and hold no path. */
const CATALOG: ReadonlySet<string> = new Set(["tables", "columns"]);

/** Refuses every table but the published ones and those that the statement itself names. */
export function allowedTable(table: Node, { ctes }: Place): void {
  const name = String(table.table_name);
  const schema = String(table.schema_name).toLowerCase();
  const published = Object.hasOwn(SQL_TABLES, name.toLowerCase());
  if (table.catalog_name || schema !== "") {
    if (published) throw rejected(`write the table ${shown(name)} without a schema`);
    const described = schema === "information_schema" && CATALOG.has(name.toLowerCase());
    if (described && !table.catalog_name) return;
  } else if (published || ctes.has(name.toLowerCase())) return;
  throw rejected(noTable(name));
}

/** Refuses every function that is not listed. */
export function allowedFunction(
  { function_name: given, schema }: Node,
  allowed: ReadonlySet<string>,
): void {
  const name = String(given).toLowerCase();
  if (schema !== "" && !(schema === "main" && PARSER_FUNCTIONS.has(name))) {
    throw rejected(`write the function ${shown(name)} without a schema: ${name}(…)`);
  }
  if (allowed.has(name)) return;
  if (VOLATILE.has(name)) throw changing(name);
  throw rejected(`the function ${shown(name)} is not allowed here`);
}

/** Functions whose second argument names the function that they call. */
const CALLERS: ReadonlySet<string> = new Set(
  ["list_aggr", "list_aggregate", "array_aggr", "array_aggregate"],
);

/** Refuses a call that names, in a text, a function that is not listed. */
export function allowedAggregate({ function_name: given, children }: Node): void {
  const caller = String(given).toLowerCase();
  if (!CALLERS.has(caller)) return;
  const argument = array(children)[1];
  const { class: kind, value } = argument === undefined ? {} as Node : record(argument);
  const name = kind === "CONSTANT" ? record(value).value : undefined;
  if (typeof name !== "string") {
    throw rejected(`${caller} takes the name of an aggregate as a plain text: ${caller}(…, 'sum')`);
  }
  allowedFunction({ function_name: name, schema: "" }, FUNCTIONS);
}

/** Refuses a column that DuckDB would take for a call. */
export function columnNames(value: unknown): void {
  const names = array(value);
  for (const name of names) text(name, { ctes: new Set(), depth: 0 });
  const [first] = names as string[];
  // DuckDB takes such a name for a call when no column has it.
  if (names.length === 1 && VALUE_FUNCTIONS.has(first!.toLowerCase())) throw changing(first!);
}

function changing(name: string): BfaError {
  return rejected(`${shown(name)} is not the same every time: write the value itself`);
}
