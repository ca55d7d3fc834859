import { assertEquals, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { normalSql } from "../../lib/core/sql_text.ts";

const SAME: [given: string, normal: string][] = [
  ["SELECT 1", "SELECT 1"],
  ["  SELECT\t1 \n;; ; ", "SELECT 1"],
  ["SELECT 1 -- one", "SELECT 1"],
  ["SELECT/* a /* b */ c */1", "SELECT 1"],
  ["SELECT 'a  --b' , \"c  /*d\"", "SELECT 'a  --b' , \"c  /*d\""],
  ["SELECT 'it''s;  '", "SELECT 'it''s;  '"],
  ["SELECT E'\\'  --', 1", "SELECT E'\\'  --', 1"],
  ["SELECT '\\'  --', 1", "SELECT '\\'"],
  ["SELECT $$a  -- b$$  , 2", "SELECT $$a  -- b$$ , 2"],
  ["SELECT $q$ $$ ; $q$  ", "SELECT $q$ $$ ; $q$"],
  ["SELECT $1,  $name", "SELECT $1, $name"],
  ["SELECT a$b$c  , 1", "SELECT a$b$c , 1"],
  ["SELECT 'a'\n  'b'", "SELECT 'a'\n'b'"],
  ["SELECT 'a'  AS b", "SELECT 'a' AS b"],
  ["SELECT 1--2\n+3", "SELECT 1 +3"],
  ["SELECT 'ends with ;'", "SELECT 'ends with ;'"],
  ["SELECT ')))' , ')'", "SELECT ')))' , ')'"],
];

for (const [given, normal] of SAME) {
  Deno.test(`normalSql(${JSON.stringify(given)})`, () => {
    assertEquals(normalSql(given), normal);
    assertEquals(normalSql(normal), normal);
  });
}

const REFUSED: [sql: string, code: string][] = [
  ["", "sql_rejected"],
  [" ;; ; ", "sql_rejected"],
  ["-- only a comment", "sql_rejected"],
  ["SELECT 1\0", "sql_rejected"],
  ["\uFEFFSELECT 1", "sql_rejected"],
  ["SELECT '\ud800'", "sql_rejected"],
  ["SELECT 'a", "sql_rejected"],
  ['SELECT "a', "sql_rejected"],
  ["SELECT $$a", "sql_rejected"],
  ["SELECT 1 /* a", "sql_rejected"],
  ["SELECT 1 /* a /* b */", "sql_rejected"],
  [`SELECT ${"(".repeat(65)}1${")".repeat(65)}`, "limit"],
  [`SELECT ${"[{'a':".repeat(33)}1${"}]".repeat(33)}`, "limit"],
  [`SELECT '${"é".repeat(8192)}'`, "limit"],
];

for (const [sql, code] of REFUSED) {
  Deno.test(`normalSql(${JSON.stringify(sql.slice(0, 30))}) throws ${code}`, () => {
    assertEquals(assertThrows(() => normalSql(sql), BfaError).code, code);
  });
}

Deno.test("normalSql() takes 64 brackets, and any number of them in a text", () => {
  const nested = `SELECT ${"(".repeat(64)}1${")".repeat(64)}`;
  assertEquals(normalSql(nested), nested);
  const quoted = `SELECT '${"(".repeat(1000)}'`;
  assertEquals(normalSql(quoted), quoted);
});
