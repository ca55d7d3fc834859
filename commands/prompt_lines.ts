/**
 * What is typed at the prompt of `bfa sql`: statements over several lines, and words about the prompt itself.
 *
 * @module
 */

import { SQL_TABLES } from "../lib/core/sql_schema.ts";

/** What a line at the prompt asks for. */
export type PromptStep =
  | { readonly kind: "more" }
  | { readonly kind: "run"; readonly sql: string }
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "rows"; readonly most: number }
  | { readonly kind: "quit" };

/** What the prompt itself understands. */
export const PROMPT_COMMANDS = [".tables", ".schema", ".rows", ".help", ".quit"];

/** How many rows are shown, unless `.rows` says otherwise. */
export const ROWS_SHOWN = 100;

/** What people type who come from other prompts. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "exit": ".quit",
  "quit": ".quit",
  "\\q": ".quit",
  "help": ".help",
  "?": ".help",
  "\\?": ".help",
  "\\d": ".tables",
  ".exit": ".quit",
};

const HELP = `A statement ends with a semicolon, and may take several lines.
.tables          the tables
.schema [TABLE]  their columns
.rows N          how many rows of an answer are shown, or all
.help            this text
.quit            leave; exit and Ctrl-D do it too
Ctrl-C stops the statement that runs, or throws away what was typed.
`;

/** Collects lines until they are a statement. */
export class PromptLines {
  #lines: string[] = [];

  /** Whether a statement was begun. */
  get open(): boolean {
    return this.#lines.length > 0;
  }

  /** Forgets what was begun. */
  clear(): void {
    this.#lines = [];
  }

  /** Takes one line. */
  take(line: string): PromptStep {
    if (!this.open) {
      const bare = line.replace(/[\s;]+$/, "").trimStart();
      if (bare === "") return { kind: "more" };
      const command = OTHER_NAMES[bare.toLowerCase()] ?? bare;
      if (command.startsWith(".")) return dotCommand(command);
    }
    this.#lines.push(line);
    const sql = this.#lines.join("\n");
    if (!endsStatement(sql)) return { kind: "more" };
    this.clear();
    return { kind: "run", sql };
  }
}

/**
 * Makes one line of the history of a statement's lines, so that one press of a key brings all of it back. A comment to the
 * end of its line would swallow what follows: such lines stay as they were typed.
 *
 * @param history Newest first; the first one has just been typed. It is changed.
 */
export function joinStatement(history: string[], typed: PromptLines): void {
  const [line, before] = history;
  const goesOn = typed.open;
  if (line === undefined) return;
  typed.take(line);
  if (!goesOn || before === undefined || before.includes("--")) return;
  history.splice(0, 2, `${before} ${line.trimStart()}`);
}

/** Whether a text ends with a semicolon that stands outside of quotes and comments. */
function endsStatement(sql: string): boolean {
  const bare = sql.replace(
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[^]*?\*\/|\$(\w*)\$[^]*?\$\1\$/g,
    (part) => /^(--|\/\*)/.test(part) ? " " : "x",
  );
  return !/['"]|\/\*|\$\w*\$/.test(bare) && /;\s*$/.test(bare);
}

function dotCommand(line: string): PromptStep {
  const [name, word] = line.split(/\s+/, 2) as [string, string | undefined];
  switch (name) {
    case ".quit":
      return { kind: "quit" };
    case ".help":
      return { kind: "print", text: HELP };
    case ".tables":
      return { kind: "print", text: Object.keys(SQL_TABLES).join("\n") + "\n" };
    case ".schema":
      return { kind: "print", text: schema(word) };
    case ".rows":
      return rowsShown(word);
    default:
      return { kind: "print", text: `there is no ${name}; .help says what there is\n` };
  }
}

function rowsShown(word: string | undefined): PromptStep {
  if (word === "all") return { kind: "rows", most: Infinity };
  if (word !== undefined && /^[1-9]\d{0,8}$/.test(word)) {
    return { kind: "rows", most: Number(word) };
  }
  return { kind: "print", text: `write .rows ${ROWS_SHOWN} or .rows all\n` };
}

function schema(table: string | undefined): string {
  if (table !== undefined && !Object.hasOwn(SQL_TABLES, table)) {
    return `there is no table ${table}; there are ${Object.keys(SQL_TABLES).join(", ")}\n`;
  }
  return Object.entries(SQL_TABLES).filter(([name]) => table === undefined || name === table)
    .map(([name, columns]) => {
      const wide = Math.max(...columns.map((column) => column.name.length));
      const lines = columns.map((c) =>
        `  ${c.name.padEnd(wide)}  ${c.type.padEnd(9)}  ${c.description}`
      );
      return `${name}\n${lines.join("\n")}\n`;
    }).join("\n");
}
