/**
 * `bfa sql [QUERY]`: SQL on this machine's copy, in this process; no service is needed.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { jsonValue } from "../lib/core/json_cell.ts";
import type { SqlParams, SqlValue } from "../lib/core/sql_params.ts";
import type { Cell, Table } from "../lib/core/table.ts";
import type { Dataset } from "../lib/jobs/dataset.ts";
import { ask } from "./ask.ts";
import type { Command, Inputs } from "./command.ts";
import { CLIENT_OPTIONS, OUTPUT_OPTIONS } from "./options.ts";
import { counted, type View } from "./output.ts";
import type { Tools } from "./tools.ts";

/** Runs SQL, or opens a prompt for it. */
export const sql: Command = {
  name: "sql",
  summary: "Run SQL on this machine's copy",
  about:
    "The tables are daily_availability, listings, volume_rankings and versions. Nothing is cut off. Without a query it is read from stdin; on a terminal, a prompt opens: .help says what it knows.",
  args: [{
    name: "query",
    help: "SQL; of several statements, the last one's rows",
    optional: true,
  }],
  options: {
    file: { value: "FILE", short: "f", help: "Read the SQL from a file" },
    param: {
      value: "VALUE",
      many: true,
      help:
        "The next `?`, or NAME=VALUE for `$NAME`; numbers, true, false and null are read as such",
    },
    ...OUTPUT_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: [
    'bfa sql "FROM listings WHERE first_date >= ?" --param 2026-01-01 --format csv',
    "bfa sql",
  ],
  run: async (inputs, tools) => {
    const text = await queryText(inputs, tools);
    if (text === undefined) {
      const { prompt } = await import("./sql_prompt.ts");
      return await prompt(inputs, tools);
    }
    const params = readParams(inputs.texts("param") ?? []);
    await ask(inputs, tools, async (dataset) => {
      return await tableView(dataset, await dataset.sql(text, params));
    });
  },
};

/** The SQL of a call; `undefined` opens the prompt. */
async function queryText(inputs: Inputs, { world }: Tools): Promise<string | undefined> {
  const [given] = inputs.args;
  const file = inputs.text("file");
  if (given !== undefined && file !== undefined) {
    throw new BfaError("usage", "Cannot run both a query and a file: give one of them");
  }
  if (given !== undefined && given !== "-") return given;
  if (file !== undefined) {
    const text = world.readTextFile(file);
    if (text === undefined) {
      throw new BfaError("usage", `Cannot read ${file}: there is no such file`);
    }
    return text;
  }
  if (world.stdin?.isTerminal && given === undefined) return undefined;
  if (world.stdin) return await world.stdin.text();
  throw new BfaError("usage", "QUERY is missing (see `bfa sql --help`)");
}

/** `--param 5 --param x` or `--param day=2024-01-15`. */
export function readParams(given: readonly string[]): SqlParams | undefined {
  if (given.length === 0) return undefined;
  const named = given.map((text) => /^([A-Za-z_]\w*)=([^]*)$/.exec(text));
  if (named.every((match) => match !== null)) {
    return Object.fromEntries(named.map((match) => [match[1]!, readValue(match[2]!)]));
  }
  if (named.some((match) => match !== null)) {
    throw new BfaError("usage", "Cannot mix --param VALUE and --param NAME=VALUE");
  }
  return given.map(readValue);
}

/** A number, `true`, `false`, `null` or a text in JSON; everything else is the text itself. */
function readValue(text: string): SqlValue {
  if (/^-?\d{16,}$/.test(text)) return BigInt(text);
  if (!/^(-?\d+(\.\d+)?([eE][-+]?\d+)?|true|false|null|"[^]*")$/.test(text)) return text;
  try {
    return JSON.parse(text) as SqlValue;
  } catch {
    return text; // such as 007
  }
}

/** How a table is shown; as JSON it is the body that the service sends. */
export async function tableView(dataset: Dataset, table: Table): Promise<View<readonly Cell[]>> {
  const { columns, rows } = table;
  const { version } = await dataset.status();
  const answer = {
    version,
    columns,
    count: rows.length,
    truncated: false,
    rows: rows.map((row) => row.map(jsonValue)),
  };
  return {
    answer,
    rows,
    columns: columns.map(({ name, type }, i) => ({
      name,
      type,
      title: name,
      cell: (row) => row[i]!,
    })),
    footer: counted(rows.length, "row"),
  };
}
