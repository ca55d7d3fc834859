/**
 * The prompt of `bfa sql`: statements over several lines, a history, and a few words about the tables.
 *
 * @module
 */

import { SQL_TABLES } from "../lib/core/sql_schema.ts";
import type { Inputs } from "./command.ts";
import { describeFailure } from "./failure.ts";
import { openDataset } from "./open_dataset.ts";
import { print } from "./output.ts";
import { tableView } from "./sql.ts";
import type { Tools, World } from "./tools.ts";

/** What a line at the prompt asks for. */
export type PromptStep =
  | { readonly kind: "more" }
  | { readonly kind: "run"; readonly sql: string }
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "quit" };

const HELP = `A statement ends with a semicolon, and may take several lines.
.tables          the tables
.schema [TABLE]  their columns
.help            this text
.quit            leave; Ctrl-D does it too
Ctrl-C stops the statement that runs, or throws away what was typed.
`;

/** How many lines of history are kept. */
const HISTORY = 1_000;

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
    if (!this.open && line.trimStart().startsWith(".")) return dotCommand(line.trim());
    if (!this.open && line.trim() === "") return { kind: "more" };
    this.#lines.push(line);
    const sql = this.#lines.join("\n");
    if (!endsStatement(sql)) return { kind: "more" };
    this.clear();
    return { kind: "run", sql };
  }
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
  const [name, table] = line.split(/\s+/, 2) as [string, string | undefined];
  switch (name) {
    case ".quit":
    case ".exit":
      return { kind: "quit" };
    case ".help":
      return { kind: "print", text: HELP };
    case ".tables":
      return { kind: "print", text: Object.keys(SQL_TABLES).join("\n") + "\n" };
    case ".schema":
      return { kind: "print", text: schema(table) };
    default:
      return { kind: "print", text: `there is no ${name}; .help says what there is\n` };
  }
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

/** Opens the prompt; resolves when it is left. */
export async function prompt(inputs: Inputs, tools: Tools): Promise<void> {
  const { world } = tools;
  const dataset = await openDataset(inputs, tools);
  const readline = await import("node:readline");
  const { default: process } = await import("node:process");
  const historyFile = `${tools.cacheDir(inputs)}/sql_history`;
  const asked = new PromptLines();
  const reader = readline.createInterface({
    input: process.stdin,
    output: process.stdout,
    history: readHistory(world, historyFile),
    historySize: HISTORY,
    completer: complete,
    prompt: "bfa> ",
  });
  let history: string[] = [];
  reader.on("history", (lines: string[]) => history = [...lines]);
  let running: AbortController | undefined;
  reader.on("SIGINT", () => {
    if (running) return running.abort();
    asked.clear();
    reader.write(null, { ctrl: true, name: "e" });
    reader.write(null, { ctrl: true, name: "u" });
    world.out("\n");
    show();
  });
  const show = () => {
    reader.setPrompt(asked.open ? "...> " : "bfa> ");
    reader.prompt();
  };

  world.err(".help says what this prompt knows; a statement ends with a semicolon\n");
  show();
  const left = Promise.withResolvers<void>();
  reader.on("close", left.resolve);
  // Lines that are pasted come all at once: one after the other is worked through.
  let working = Promise.resolve();
  reader.on("line", (line: string) => {
    working = working.then(async () => {
      const step = asked.take(line);
      if (step.kind === "quit") return reader.close();
      if (step.kind === "print") world.out(step.text);
      if (step.kind === "run") {
        running = new AbortController();
        try {
          const table = await dataset.sql(step.sql, undefined, { signal: running.signal });
          await print(await tableView(dataset, table), inputs, world);
        } catch (error) {
          world.err(`${describeFailure(error, inputs.flag("verbose")).line}\n`);
        }
        running = undefined;
      }
      show();
    });
  });
  await left.promise;
  await working;
  saveHistory(historyFile, history, world);
  await dataset.settled();
}

function complete(line: string): [string[], string] {
  const word = /[.\w]*$/.exec(line)![0];
  const words = [
    ...Object.keys(SQL_TABLES),
    ...new Set(Object.values(SQL_TABLES).flat().map((c) => c.name)),
  ];
  const commands = [".tables", ".schema", ".help", ".quit"];
  const known = line.trimStart().startsWith(".") && !/\s/.test(line.trim()) ? commands : words;
  return [known.filter((name) => word !== "" && name.startsWith(word)), word];
}

/** Newest first, as readline keeps it. */
function readHistory(world: World, file: string): string[] {
  try {
    return (world.readTextFile(file) ?? "").split("\n").filter(Boolean).reverse();
  } catch {
    return []; // a history that cannot be read is none
  }
}

function saveHistory(file: string, history: readonly string[], world: World): void {
  if (history.length === 0) return;
  try {
    Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(file, history.toReversed().join("\n") + "\n", { mode: 0o600 });
  } catch (error) {
    world.err(`the history is not kept: ${(error as Error).message}\n`);
  }
}
