/**
 * The prompt of `bfa sql`: it runs what `prompt_lines.ts` collects, and keeps a history.
 *
 * @module
 */

import { SQL_TABLES } from "../lib/core/sql_schema.ts";
import type { Inputs } from "./command.ts";
import { describeFailure } from "./failure.ts";
import { openDataset } from "./open_dataset.ts";
import { print, readFormat, type View } from "./output.ts";
import { joinStatement, PROMPT_COMMANDS, PromptLines, ROWS_SHOWN } from "./prompt_lines.ts";
import { tableView } from "./sql.ts";
import type { Tools, World } from "./tools.ts";

/** How many lines of history are kept. */
const HISTORY = 1_000;

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
  const typed = new PromptLines(); // what is typed, which may be ahead of what is worked through
  reader.on("history", (lines: string[]) => {
    joinStatement(lines, typed);
    history = [...lines];
  });
  let running: AbortController | undefined;
  let most = ROWS_SHOWN;
  let isLeft = false;
  reader.on("SIGINT", () => {
    if (running) return running.abort();
    asked.clear();
    typed.clear();
    reader.write(null, { ctrl: true, name: "e" });
    reader.write(null, { ctrl: true, name: "u" });
    world.out("\n");
    show();
  });
  const show = () => {
    if (isLeft) return; // Ctrl-D, while a statement ran
    reader.setPrompt(asked.open ? "...> " : "bfa> ");
    reader.prompt();
  };

  world.err(".help says what this prompt knows; a statement ends with a semicolon\n");
  show();
  const left = Promise.withResolvers<void>();
  reader.on("close", () => {
    isLeft = true;
    left.resolve();
  });
  // Lines that are pasted come all at once: one after the other is worked through.
  let working = Promise.resolve();
  reader.on("line", (line: string) => {
    working = working.then(async () => {
      const step = asked.take(line);
      if (step.kind === "quit") return reader.close();
      if (step.kind === "print") world.out(step.text);
      if (step.kind === "rows") most = step.most;
      if (step.kind === "run") {
        running = new AbortController();
        try {
          const table = await dataset.sql(step.sql, undefined, { signal: running.signal });
          await print(cutTo(most, await tableView(dataset, table), inputs, world), inputs, world);
        } catch (error) {
          const told = describeFailure(error, { verbose: inputs.flag("verbose"), place: true });
          world.err(`${told.line}\n`);
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

/** A table for people with its first rows, which says so; what is for programs is whole. */
function cutTo<Row>(most: number, view: View<Row>, inputs: Inputs, world: World): View<Row> {
  const { length } = view.rows;
  if (length <= most || readFormat(inputs, world) !== "table") return view;
  const footer = `${length} rows, of which the first ${most} are shown; .rows all shows all`;
  if (inputs.flag("quiet")) world.err(`${footer}\n`); // never in silence
  return { ...view, rows: view.rows.slice(0, most), footer };
}

function complete(line: string): [string[], string] {
  const word = /[.\w]*$/.exec(line)![0];
  const words = [
    ...Object.keys(SQL_TABLES),
    ...new Set(Object.values(SQL_TABLES).flat().map((c) => c.name)),
  ];
  const known = line.trimStart().startsWith(".") && !/\s/.test(line.trim())
    ? PROMPT_COMMANDS
    : words;
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
