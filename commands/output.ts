/**
 * Printing answers: a table for people, plain lines in a pipe, and the formats programs ask for.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Cell, RowColumn } from "../lib/core/table.ts";
import type { TableFormat } from "../lib/formats/formats.ts";
import type { Inputs } from "./command.ts";
import type { World } from "./tools.ts";

/** How an answer can be printed. */
export const FORMATS = [
  "table",
  "json",
  "ndjson",
  "csv",
  "md",
  "arrow",
  "parquet",
  "lines",
] as const;

/** One of {@linkcode FORMATS}. */
export type Format = typeof FORMATS[number];

/** A column, and its title in a table for people; its name, when left out. */
export interface ColumnView<Row> extends RowColumn<Row> {
  readonly title?: string;
  /** A number of bytes: people read `4.5 MB`. */
  readonly isSize?: true;
}

/** An answer, and how to show it. */
export interface View<Row> {
  /** What `--format json` prints: the same bytes as the service. */
  readonly answer: object;
  readonly rows: readonly Row[];
  readonly columns: readonly ColumnView<Row>[];
  /** One line per row in a pipe; the columns separated by tabs, when left out. */
  readonly line?: (row: Row) => string;
  /** The lists of the answer that have one item per row (`rows`). */
  readonly lists?: readonly string[];
  /** How many rows may be left when they have been sifted (all). */
  readonly most?: number;
  /** Stands under a table and belongs to it. */
  readonly picture?: string;
  /** Said after a table, on stderr. */
  readonly footer?: string;
}

/** What a command that prints one line can print. */
export const PLAIN_FORMATS: readonly Format[] = ["table", "lines"];

/** What a command that prints a few lines of text can print besides. */
export const TEXT_FORMATS: readonly Format[] = ["table", "json", "lines"];

/**
 * Reads `--format` and `--json`.
 *
 * @param among What the command can print. Another format is refused on the command line; in the environment or a
 *   file it speaks of other commands.
 */
export function readFormat(
  inputs: Inputs,
  world: World,
  among: readonly Format[] = FORMATS,
): Format {
  const text = inputs.text("format");
  const plain = world.outIsTerminal ? "table" : "lines";
  if (inputs.flag("json")) {
    if (inputs.given("format") && text !== "json") {
      throw new BfaError("usage", `Cannot print both json and ${text}: give --json or --format`);
    }
    return oneOf("json", among);
  }
  if (text === undefined) return plain;
  const format = oneOf(text, FORMATS);
  if (!inputs.given("format")) return among.includes(format) ? format : plain;
  if (world.outIsTerminal && (format === "arrow" || format === "parquet")) {
    throw new BfaError("usage", `Cannot print ${format} on a terminal: send it to a file with >`);
  }
  return oneOf(format, among);
}

function oneOf(text: string, among: readonly Format[]): Format {
  if ((among as readonly string[]).includes(text)) return text as Format;
  throw new BfaError(
    "usage",
    `Cannot print the format ${JSON.stringify(text)}: choose among ${among.join(", ")}`,
  );
}

/** Prints an answer. */
export async function print<Row>(view: View<Row>, inputs: Inputs, world: World): Promise<void> {
  const format = readFormat(inputs, world);
  if (isTabular(format)) {
    const { tableOf } = await import("../lib/core/table.ts");
    const { encodeTable } = await import("../lib/formats/formats.ts");
    const table = tableOf(view.columns, view.rows);
    for (const chunk of await encodeTable(table, format)) world.out(chunk);
    return;
  }
  world.out(render(view, format));
  if (format === "table" && view.picture) world.out(`${view.picture}\n`);
  if (format === "table" && view.footer && !inputs.flag("quiet")) world.err(`${view.footer}\n`);
}

function isTabular(format: Format): format is TableFormat {
  return format !== "table" && format !== "json" && format !== "lines";
}

function render<Row>(view: View<Row>, format: Exclude<Format, TableFormat>): string {
  const { rows, columns } = view;
  const cells = (row: Row) => columns.map((column) => column.cell(row));
  switch (format) {
    case "json":
      return JSON.stringify(view.answer) + "\n";
    case "lines":
      return rows.map((row) => (view.line?.(row) ?? cells(row).map(plainCell).join("\t")) + "\n")
        .join("");
    case "table":
      return table(columns, rows.map(cells));
  }
}

function table<Row>(columns: readonly ColumnView<Row>[], rows: readonly Cell[][]): string {
  if (rows.length === 0) return "";
  const texts = [
    columns.map(titleOf),
    ...rows.map((row) => row.map((cell, i) => tableCell(cell, columns[i]!))),
  ];
  const widths = columns.map((_, i) => Math.max(...texts.map((row) => displayWidth(row[i]!))));
  return texts.map((row) =>
    row.map((text, i) => {
      const space = " ".repeat(widths[i]! - displayWidth(text));
      return isNumber(columns[i]!) ? space + text : text + space;
    }).join("  ").trimEnd() + "\n"
  ).join("");
}

/** Titles that say more than the names that programs know these columns by. */
const TITLES: Readonly<Record<string, string>> = {
  contract_type: "TYPE",
  quote_asset: "QUOTE",
  first: "LISTED",
  last: "LAST FILE",
};

function titleOf<Row>({ title, name }: ColumnView<Row>): string {
  return title ?? TITLES[name] ?? name.replaceAll("_", " ").toUpperCase();
}

function isNumber<Row>({ type }: ColumnView<Row>): boolean {
  return type === "BIGINT" || type === "DOUBLE";
}

function plainCell(cell: Cell): string {
  return cell === null ? "" : String(cell);
}

function tableCell<Row>(cell: Cell, { isSize }: ColumnView<Row>): string {
  if (isSize && typeof cell === "number") return formatBytes(cell);
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  return plainCell(cell) || "-";
}

/** How many columns a terminal gives a text: East Asian wide characters take two. */
function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) {
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/
          .test(char)
        ? 2
        : 1;
  }
  return width;
}

/** `1 file`, `2 files`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A size for people. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** A stretch of time for people, in its largest unit. */
export function formatDuration(ms: number): string {
  const steps: [string, number][] = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], [
    "s",
    1_000,
  ]];
  for (const [unit, size] of steps) {
    if (Math.abs(ms) >= size * (unit === "d" ? 2 : 1)) {
      return `${Math.floor(Math.abs(ms) / size)} ${unit}`;
    }
  }
  return "less than 1 s";
}

/** An instant for people: `2026-11-22 12:00 UTC`. */
export function formatInstant(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
