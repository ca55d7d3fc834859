import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { normalSql } from "../../lib/core/sql_text.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { FUNCTIONS, TABLE_FUNCTIONS, VOLATILE } from "../../lib/engine/sql_functions.ts";
import { openGate } from "../../lib/engine/sql_gate.ts";
import { checkTree } from "../../lib/engine/sql_tree.ts";
import { cases } from "../helpers/sql.ts";

/** What only binding or running can find out; the gate lets these through. */
const NOT_THE_GATES = new Set(["XD163", "XD164", "XD165", "XS019"]);

Deno.test("the gate refuses every statement that must be refused, and lets the others through", async () => {
  const gate = await openGate();
  const wrong: string[] = [];
  try {
    for (const { id, sql, expect, also, why } of await cases("/tmp/x")) {
      const code = await verdict(sql);
      const allowed = new Set<string>([expect, also ?? expect]);
      const sound = code === "passed"
        ? !(allowed.has("deny") && allowed.size === 1) || NOT_THE_GATES.has(id)
        : allowed.has(code === "limit" ? "limit" : "deny");
      if (!sound) wrong.push(`${id} (${why}): ${code}`);
    }
  } finally {
    gate.close();
  }
  assertEquals(wrong, []);

  async function verdict(sql: string): Promise<string> {
    try {
      await gate.check(normalSql(sql));
      return "passed";
    } catch (error) {
      if (!(error instanceof BfaError)) throw error;
      return error.code;
    }
  }
});

const TABLES = "there are daily_availability, listings, volume_rankings, versions";

/** What is refused, and what is said. */
const REASONS: [sql: string, reason: string][] = [
  ["FROM nosuch", `there is no table "nosuch"; ${TABLES}`],
  ["FROM pg_catalog.pg_class", `there is no table "pg_class"; ${TABLES}`],
  ["FROM information_schema.routines", `there is no table "routines"; ${TABLES}`],
  ["FROM system.information_schema.tables", `there is no table "tables"; ${TABLES}`],
  ["DROP TABLE listings", "only one SELECT can be asked"],
  [
    "PIVOT listings ON quote_asset USING count(*)",
    "only one SELECT can be asked; a PIVOT needs its values: ON quote_asset IN ('USDT', 'USDC')",
  ],
  ["FROM main.listings", 'write the table "listings" without a schema'],
  ["FROM memory.main.LISTINGS", 'write the table "LISTINGS" without a schema'],
  ...["SHOW TABLES", "SHOW ALL TABLES", "SHOW DATABASES"].map((
    sql,
  ): [string, string] => [
    sql,
    "SHOW is not answered here: FROM information_schema.tables lists the tables, DESCRIBE listings the columns of one",
  ]),
];

Deno.test("the gate says what there is instead", async () => {
  const gate = await openGate();
  try {
    for (const [sql, reason] of REASONS) {
      await assertRejects(() => gate.check(sql), BfaError, `Cannot run this SQL: ${reason}`);
    }
    await gate.check("FROM information_schema.tables");
    await gate.check("DESCRIBE listings");
    await gate.check("PIVOT listings ON quote_asset IN ('USDT', 'USDC') USING count(*)");
  } finally {
    gate.close();
  }
});

Deno.test("every listed function is one of DuckDB's, pure by what DuckDB says of it", async () => {
  await withDuckdb({}, async (connection) => {
    const result = await connection.runAndReadAll(`
      SELECT lower(function_name), bool_or(stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')),
        bool_or(coalesce(has_side_effects, false))
      FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro') GROUP BY 1`);
    const known = new Map(
      result.getRows().map(([name, changes, effects]) => [
        String(name),
        changes === true || effects === true,
      ]),
    );
    // DuckDB lists `unnest` as a table function only.
    const unlisted = [...FUNCTIONS].filter((name) => !known.has(name));
    assertEquals(unlisted, ["unnest"]);
    assertEquals([...FUNCTIONS].filter((name) => known.get(name)), []);
    assertEquals([...FUNCTIONS].filter((name) => VOLATILE.has(name)), []);
    assertEquals([...TABLE_FUNCTIONS].sort(), ["generate_series", "range", "unnest"]);
  });
});

Deno.test("checkTree() refuses what a later DuckDB may add", () => {
  const select = (more: object, list: unknown[] = []) => [{
    node: { type: "SELECT_NODE", modifiers: [], cte_map: { map: [] }, select_list: list, ...more },
    named_param_map: [],
  }];
  const one = { class: "CONSTANT", type: "VALUE_CONSTANT", alias: "", query_location: 0 };
  const value = { type: { id: "INTEGER", type_info: null }, is_null: false, value: 1 };
  checkTree(select({}, [{ ...one, value }]));
  const strange: unknown[] = [
    select({ new_clause: null }),
    select({}, [{ ...one, value, new_member: 1 }]),
    select({}, [{ ...one, class: "NEW_EXPRESSION" }]),
    select({}, [{ ...one, value: { ...value, type: { id: "NEW_TYPE", type_info: null } } }]),
    select({ from_table: { type: "NEW_SOURCE" } }),
    select({ modifiers: [{ type: "NEW_MODIFIER" }] }),
    select({ from_table: { type: "constructor" } }),
    select({ from_table: { type: "__proto__" } }),
    select({}, [{ class: "toString" }]),
    [{ node: { type: "INSERT_NODE" } }],
    [],
    null,
    "SELECT",
    [null],
    [{ node: null }],
  ];
  for (const statements of strange) {
    try {
      checkTree(statements);
    } catch (error) {
      assertEquals((error as BfaError).code, "sql_rejected");
      continue;
    }
    throw new Error(`it let ${JSON.stringify(statements)} through`);
  }
});
