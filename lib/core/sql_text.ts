/**
 * The text of an SQL question, before any parser sees it: its limits, and its normal form.
 *
 * @module
 */

import { BfaError } from "./errors.ts";

/** The longest statement that the service reads, bytes of UTF-8. */
const MAX_SQL_BYTES = 16 * 1024;

/** How deep brackets may be nested: a parser that recurses must not be driven to its limits. */
const MAX_SQL_DEPTH = 64;

/** One lexical element; whitespace and comments are one kind. Strings and quoted names are whole. */
const TOKEN = new RegExp(
  [
    String.raw`(?<space>[ \t\n\r\f\v]+|--[^\n\r]*)`,
    String.raw`(?<comment>/\*)`,
    // The prefix E makes a backslash an escape; every other prefix is a name that stands before.
    String
      .raw`(?<text>(?<![\p{L}\p{N}_$])[eE]'(?:[^'\\]|\\[^]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")`,
    String.raw`(?<dollars>(?<![\p{L}\p{N}_$])\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$)`,
    String.raw`(?<name>[\p{L}\p{N}_$]+)`,
    String.raw`(?<other>[^])`,
  ].join("|"),
  "uy",
);

/**
 * The normal form of a statement: comments gone, whitespace outside of quotes a single space, no
 * semicolon at the end. Two texts with the same normal form are the same question.
 *
 * @throws {BfaError} `sql_rejected` for an empty text, a NUL, a byte order mark or an open quote;
 *   `limit` for a text that is too long or nested too deeply.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { normalSql } from "./sql_text.ts";
 * assertEquals(normalSql("SELECT 1 -- one\n  ;"), "SELECT 1");
 * ```
 */
export function normalSql(sql: string, options: { limits?: boolean } = {}): string {
  const limits = options.limits ?? true;
  if (sql.includes("\0") || sql.includes("\uFEFF")) {
    throw new BfaError("sql_rejected", "Cannot run this SQL: it holds a NUL or a byte order mark");
  }
  if (!sql.isWellFormed()) {
    throw new BfaError("sql_rejected", "Cannot run this SQL: it is not well-formed Unicode");
  }
  if (limits && new TextEncoder().encode(sql).length > MAX_SQL_BYTES) {
    throw new BfaError("limit", `Cannot run this SQL: it is longer than ${MAX_SQL_BYTES} bytes`);
  }
  const text = withoutNoise(sql, limits ? MAX_SQL_DEPTH : Infinity).replace(/[;\s]+$/, "");
  if (text === "") throw new BfaError("sql_rejected", "Cannot run this SQL: there is no statement");
  return text;
}

function withoutNoise(sql: string, maxDepth: number): string {
  let made = "";
  let depth = 0;
  let gap = "";
  for (let at = 0; at < sql.length;) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(sql)!;
    const { space, comment, dollars } = token.groups!;
    let end = TOKEN.lastIndex;
    if (comment) end = commentEnd(sql, at);
    if (dollars) end = closing(sql, dollars, end);
    const part = sql.slice(at, end);
    at = end;
    if (space || comment) {
      gap += part;
      continue;
    }
    if (part === "'" || part === '"') throw open("a quote");
    if ("([{".includes(part)) depth++;
    else if (")]}".includes(part)) depth--;
    if (depth > maxDepth) {
      throw new BfaError(
        "limit",
        `Cannot run this SQL: brackets are nested deeper than ${maxDepth}`,
      );
    }
    made += spaceFor(gap, made) + part;
    gap = "";
  }
  return made;
}

/** Two texts on two lines are one text to SQL: there, the line break counts. */
function spaceFor(gap: string, before: string): string {
  if (gap === "" || before === "") return "";
  return before.endsWith("'") && /[\n\r]/.test(gap) ? "\n" : " ";
}

/** Comments nest. */
function commentEnd(sql: string, from: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = from + 2;
  for (let depth = 1; depth > 0;) {
    const found = edge.exec(sql);
    if (!found) throw open("a comment");
    depth += found[0] === "/*" ? 1 : -1;
  }
  return edge.lastIndex;
}

function closing(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from);
  if (at < 0) throw open("a quote");
  return at + mark.length;
}

function open(what: string): BfaError {
  return new BfaError("sql_rejected", `Cannot run this SQL: ${what} is not closed`);
}
