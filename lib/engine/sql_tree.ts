/**
 * The check of a parsed statement: an allow-list of the kinds of nodes a syntax tree may hold, of
 * their members, and of the types they name (sql_tree_types.ts); sql_names.ts knows the tables and functions. What is not
 * listed is refused, so that syntax of a later DuckDB is refused until somebody has looked at it.
 *
 * @module
 */

import { FUNCTIONS, TABLE_FUNCTIONS } from "./sql_functions.ts";
import { allowedAggregate, allowedFunction, allowedTable, columnNames } from "./sql_names.ts";
import {
  any,
  array,
  type Check,
  each,
  flag,
  kinds,
  type Members,
  nothing,
  number,
  object,
  off,
  one,
  type Place,
  record,
  rejected,
  shown,
  some,
  text,
  unknown,
} from "./sql_tree_checks.ts";
import { constant, type } from "./sql_tree_types.ts";

/** Names of common table expressions: nothing that could be taken for a path or an address. */
const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

const INSTEAD_OF_SHOW =
  "FROM information_schema.tables lists the tables, DESCRIBE listings the columns of one";

/**
 * Checks the statements that `json_serialize_sql` made of a text.
 *
 * @throws {BfaError} `sql_rejected` for anything but one statement of listed parts.
 */
export function checkTree(statements: unknown): void {
  const list = array(statements);
  if (list.length !== 1) {
    throw rejected(list.length ? "give one statement, not several" : "there is no statement");
  }
  statement(list[0], { ctes: new Set(), depth: 0 });
}

const expression = kinds("the expression", "class", () => EXPRESSIONS);
const expressions = each(expression);
const source = kinds("the source", "type", () => SOURCES);
const node = kinds("the statement", "type", () => NODES);
const modifier = kinds("the clause", "type", () => MODIFIERS);

const orders = each(object({
  type: one("ORDER_DEFAULT", "ASCENDING", "DESCENDING"),
  null_order: text,
  expression,
}));
const MODIFIERS: Readonly<Record<string, Check>> = {
  ORDER_MODIFIER: object({ type: text, orders }),
  LIMIT_MODIFIER: object({ type: text, limit: some(expression), offset: some(expression) }),
  LIMIT_PERCENT_MODIFIER: object({ type: text, limit: some(expression), offset: some(expression) }),
  DISTINCT_MODIFIER: object({ type: text, distinct_on_targets: expressions }),
};

const column = object({ catalog: nothing, schema: nothing, table: text, column: text });
const ordered = object({ type: one("ORDER_MODIFIER"), orders });
const inner = object({ node: (value, place) => node(value, place), named_param_map: any });
const part = (members: Members): Check =>
  object({ class: text, type: text, alias: text, query_location: any, ...members });
const EXPRESSIONS: Readonly<Record<string, Check>> = {
  BETWEEN: part({ input: expression, lower: expression, upper: expression }),
  CASE: part({
    case_checks: each(object({ when_expr: expression, then_expr: expression })),
    else_expr: expression,
  }),
  CAST: part({ child: expression, cast_type: type, try_cast: flag }),
  COLLATE: part({ child: expression, collation: text }),
  COLUMN_REF: part({ column_names: columnNames }),
  COMPARISON: part({ left: expression, right: expression }),
  CONJUNCTION: part({ children: expressions }),
  CONSTANT: part({ value: constant }),
  DEFAULT: () => {
    throw rejected("DEFAULT is not allowed here");
  },
  FUNCTION: part({
    function_name: text,
    schema: text,
    catalog: nothing,
    children: expressions,
    filter: some(expression),
    order_bys: some(ordered),
    distinct: flag,
    is_operator: flag,
    export_state: off,
  }),
  LAMBDA: part({ lhs: expression, expr: expression, syntax_type: any }),
  OPERATOR: part({ children: expressions }),
  PARAMETER: part({ identifier: text }),
  POSITIONAL_REFERENCE: part({ index: number }),
  STAR: part({
    relation_name: text,
    exclude_list: each(text),
    qualified_exclude_list: each(column),
    replace_list: each(object({ key: text, value: expression })),
    rename_list: each(object({ key: column, value: text })),
    columns: flag,
    expr: some(expression),
  }),
  SUBQUERY: part({
    subquery_type: text,
    subquery: inner,
    child: some(expression),
    comparison_type: text,
  }),
  WINDOW: part({
    function_name: text,
    schema: nothing,
    catalog: nothing,
    children: expressions,
    partitions: expressions,
    orders,
    start: text,
    end: text,
    start_expr: some(expression),
    end_expr: some(expression),
    offset_expr: some(expression),
    default_expr: some(expression),
    ignore_nulls: flag,
    filter_expr: some(expression),
    exclude_clause: text,
    distinct: flag,
    arg_orders: orders,
  }),
};
for (const kind of ["FUNCTION", "WINDOW"] as const) {
  const check = EXPRESSIONS[kind]!;
  Object.assign(EXPRESSIONS, {
    [kind]: (value: unknown, place: Place) => {
      allowedFunction(record(value), FUNCTIONS);
      allowedAggregate(record(value));
      check(value, place);
    },
  });
}

const sample: Check = (value, place) => {
  const { method, seed } = record(value);
  // The others follow the seed of their connection, which is always the same (sql_answer.ts).
  if (String(method).toLowerCase() === "system" && !(Number(seed) >= 0)) {
    throw rejected(
      "a system sample is another one every time: add REPEATABLE (42), or write (bernoulli)",
    );
  }
  object({ sample_size: constant, is_percentage: flag, method: text, seed: number })(value, place);
};
const from = (members: Members): Check =>
  object({ type: text, alias: text, sample: some(sample), query_location: any, ...members });
const tableCall = EXPRESSIONS.FUNCTION!;
const SOURCES: Readonly<Record<string, Check>> = {
  EMPTY: from({}),
  BASE_TABLE: (value, place) => {
    allowedTable(record(value), place);
    from({
      schema_name: text,
      catalog_name: nothing,
      table_name: text,
      column_name_alias: each(text),
      at_clause: nothing,
    })(value, place);
  },
  EXPRESSION_LIST: from({
    expected_names: each(text),
    expected_types: nothing,
    values: each(expressions),
  }),
  JOIN: from({
    left: (value, place) => source(value, place),
    right: (value, place) => source(value, place),
    condition: some(expression),
    join_type: text,
    ref_type: text,
    using_columns: each(text),
    delim_flipped: flag,
    duplicate_eliminated_columns: nothing,
  }),
  PIVOT: from({
    source: (value, place) => source(value, place),
    aggregates: expressions,
    unpivot_names: each(text),
    pivots: each(object({
      pivot_expressions: expressions,
      unpivot_names: each(text),
      entries: each(object({ values: each(constant), star_expr: some(expression), alias: text })),
      pivot_enum: nothing,
      subquery: nothing,
    })),
    groups: each(text),
    column_name_alias: each(text),
    include_nulls: flag,
  }),
  // DESCRIBE and SUMMARIZE of a query or a published table; SHOW names things of the catalog.
  SHOW_REF: (value, place) => {
    if (record(value).table_name) throw rejected(`SHOW is not answered here: ${INSTEAD_OF_SHOW}`);
    from({
      table_name: nothing,
      query: (value, place) => node(value, place),
      show_type: one("DESCRIBE", "SUMMARY"),
      catalog_name: nothing,
      schema_name: nothing,
    })(value, place);
  },
  SUBQUERY: from({ subquery: inner, column_name_alias: each(text) }),
  TABLE_FUNCTION: (value, place) => {
    const call = record(record(value).function);
    if (call.class !== "FUNCTION") throw rejected("a table function must be called by its name");
    allowedFunction(call, TABLE_FUNCTIONS);
    from({ function: tableCall, column_name_alias: each(text), with_ordinality: text })(
      value,
      place,
    );
  },
};

const NODES: Readonly<Record<string, Check>> = {
  SELECT_NODE: query({
    select_list: expressions,
    from_table: source,
    where_clause: some(expression),
    group_expressions: expressions,
    group_sets: each(each(number)),
    aggregate_handling: text,
    having: some(expression),
    sample: some(sample),
    qualify: some(expression),
  }),
  SET_OPERATION_NODE: query({
    setop_type: text,
    setop_all: flag,
    left: (value, place) => node(value, place),
    right: (value, place) => node(value, place),
    children: each((value, place) => node(value, place)),
  }),
  RECURSIVE_CTE_NODE: query({
    cte_name: text,
    union_all: flag,
    left: (value, place) => node(value, place),
    right: (value, place) => node(value, place),
    aliases: each(text),
    key_targets: expressions,
  }),
};

/** A query: its common table expressions are visible in the rest of it, and in those that follow. */
function query(members: Members): Check {
  const check = object({ type: text, modifiers: each(modifier), cte_map: any, ...members });
  return (value, place) => {
    const { cte_map: map } = record(value);
    const inside = map === undefined ? place : withTables(map, place);
    check(value, inside);
  };
}

function withTables(map: unknown, place: Place): Place {
  const ctes = new Set(place.ctes);
  const entry = object({
    aliases: each(text),
    query: inner,
    materialized: text,
    key_targets: expressions,
  });
  for (const item of array(record(map).map)) {
    const { key, value } = record(item);
    if (typeof key !== "string" || !PLAIN_NAME.test(key)) {
      throw rejected(`${shown(String(key))} cannot name a table`);
    }
    const name = key.toLowerCase();
    const { node } = record(record(record(value).query));
    const recursive = record(node).type === "RECURSIVE_CTE_NODE";
    if (recursive && String(record(node).cte_name).toLowerCase() !== name) throw unknown(key);
    entry(value, { ...place, ctes: recursive ? new Set([...ctes, name]) : new Set(ctes) });
    ctes.add(name);
  }
  return { ...place, ctes };
}

function statement(value: unknown, place: Place): void {
  object({ node, named_param_map: any })(value, place);
}
