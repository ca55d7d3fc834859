/**
 * Printing answers: a table for people, plain lines in a pipe, and the formats programs ask for.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Inputs } from "./command.ts";
import type { World } from "./tools.ts";

/** How an answer can be printed. */
export const FORMATS = ["table", "json", "ndjson", "csv", "md", "lines"] as const;

/** One of {@linkcode FORMATS}. */
export type Format = typeof FORMATS[number];

/** A cell of a row. */
export type Cell = string | number | boolean | null | undefined;

/** A column: its name in CSV and the like, its title in a table. */
export interface ColumnView<Row> {
  readonly name: string;
  readonly title?: string;
  /** Numbers stand at the right. */
  readonly right?: true;
  readonly cell: (row: Row) => Cell;
}

/** An answer, and how to show it. */
export interface View<Row> {
  /** What `--format json` prints: the same bytes as the service. */
  readonly answer: unknown;
  readonly rows: readonly Row[];
  readonly columns: readonly ColumnView<Row>[];
  /** One line per row in a pipe; the columns separated by tabs, when left out. */
  readonly line?: (row: Row) => string;
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
  return inputs.given("format") ? oneOf(format, among) : among.includes(format) ? format : plain;
}

function oneOf(text: string, among: readonly Format[]): Format {
  if ((among as readonly string[]).includes(text)) return text as Format;
  throw new BfaError(
    "usage",
    `Cannot print the format ${JSON.stringify(text)}: choose among ${among.join(", ")}`,
  );
}

/** Prints an answer. */
export function print<Row>(view: View<Row>, inputs: Inputs, world: World): void {
  const format = readFormat(inputs, world);
  world.out(render(view, format));
  if (format === "table" && view.picture) world.out(`${view.picture}\n`);
  if (format === "table" && view.footer && !inputs.flag("quiet")) world.err(`${view.footer}\n`);
}

/** An answer as text in a format. */
export function render<Row>(view: View<Row>, format: Format): string {
  const { rows, columns } = view;
  const cells = (row: Row) => columns.map((column) => column.cell(row));
  switch (format) {
    case "json":
      return JSON.stringify(view.answer) + "\n";
    case "ndjson":
      return rows.map((row) => {
        const named = columns.map((column) => [column.name, column.cell(row) ?? null]);
        return JSON.stringify(Object.fromEntries(named)) + "\n";
      }).join("");
    case "csv":
      return [columns.map((column) => column.name), ...rows.map(cells)]
        .map((row) => row.map(csvCell).join(",") + "\r\n").join("");
    case "md": {
      const lines = [
        columns.map(titleOf),
        columns.map((c) => c.right ? "---:" : "---"),
        ...rows.map(cells),
      ];
      return lines.map((row) => `| ${row.map(markdownCell).join(" | ")} |\n`).join("");
    }
    case "lines":
      return rows.map((row) => (view.line?.(row) ?? cells(row).map(plainCell).join("\t")) + "\n")
        .join("");
    case "table":
      return table(columns, rows.map(cells));
  }
}

function table<Row>(columns: readonly ColumnView<Row>[], rows: readonly Cell[][]): string {
  if (rows.length === 0) return "";
  const texts = [columns.map(titleOf), ...rows.map((row) => row.map(tableCell))];
  const widths = columns.map((_, i) => Math.max(...texts.map((row) => displayWidth(row[i]!))));
  return texts.map((row) =>
    row.map((text, i) => {
      const space = " ".repeat(widths[i]! - displayWidth(text));
      return columns[i]!.right ? space + text : text + space;
    }).join("  ").trimEnd() + "\n"
  ).join("");
}

function titleOf<Row>({ title, name }: ColumnView<Row>): string {
  return title ?? name.replaceAll("_", " ").toUpperCase();
}

function plainCell(cell: Cell): string {
  return cell === null || cell === undefined ? "" : String(cell);
}

function tableCell(cell: Cell): string {
  return plainCell(cell) || "-";
}

function markdownCell(cell: Cell): string {
  return plainCell(cell).replaceAll("|", "\\|");
}

/** RFC 4180. */
function csvCell(cell: Cell): string {
  const text = plainCell(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** How many columns a terminal gives a text: East Asian wide characters take two. */
export function displayWidth(text: string): number {
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
