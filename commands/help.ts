/**
 * Help texts, made from the commands' own declarations.
 *
 * @module
 */

import type { Command, Options } from "./command.ts";
import { EXIT_MEANINGS } from "./failure.ts";
import { COMMON_OPTIONS } from "./options.ts";
import { COMMAND_GROUPS } from "./registry.ts";

/** The text of `bfa --help`, for a terminal of a width. */
export function overview(commands: readonly Command[], width = Infinity): string {
  const named = new Map(commands.map((command) => [command.name, command]));
  const wide = Math.max(...commands.map(({ name }) => name.length));
  const groups = Object.entries(COMMAND_GROUPS).map(([title, group]) => {
    const rows = Object.keys(group).map((name): [string, string] => [
      name.padEnd(wide),
      named.get(name)!.summary,
    ]);
    return `${title}:\n${columns(rows, width)}`;
  });
  return `bfa: which Binance USDⓈ-M futures existed, and really traded, on a day

usage: bfa COMMAND [arguments] [--options]

${groups.join("\n\n")}

bfa COMMAND --help says more; bfa --version tells the version of this program.
Answers come from the publisher that BFA_ENDPOINT names; without one, from the built-in listings.

examples:
  bfa snapshot 2024-01-15
  bfa timeline LITUSDT

exit codes:
${
    columns(
      Object.entries(EXIT_MEANINGS).map(([code, meaning]) => [code.padStart(3), meaning]),
      width,
    )
  }
`;
}

/** The text of `bfa COMMAND --help`, for a terminal of a width. */
export function commandHelp(command: Command, width = Infinity): string {
  const usage = command.args.map(({ name, optional, many }) => {
    const shown = name.toUpperCase() + (many ? "…" : "");
    return optional ? ` [${shown}]` : ` ${shown}`;
  }).join("");
  const args = command.args.map(({ name, help }): [string, string] => [name.toUpperCase(), help]);
  const sections = [
    `${command.summary}.`,
    ...(command.about ? [command.about] : []),
    `usage: bfa ${command.name}${usage} [--options]`,
    ...(args.length ? [columns(args, width)] : []),
    `options:\n${columns(optionRows({ ...command.options, ...COMMON_OPTIONS }), width)}`,
    `examples:\n${command.examples.map((example) => `  ${example}`).join("\n")}`,
  ];
  return sections.join("\n\n") + "\n";
}

function optionRows(options: Options): [string, string][] {
  return Object.entries(options).map(([name, { value, short, help, env, many }]) => {
    const flag = `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
    return [flag, help + (many ? " (repeatable)" : "") + (env ? ` [${env}]` : "")];
  });
}

/** Two columns; what is too long for the terminal goes on below where it began. */
function columns(rows: readonly (readonly [string, string])[], width: number): string {
  const wide = Math.max(...rows.map(([left]) => left.length));
  const room = width - wide - 4;
  // Where there is no room beside the names, texts stand below them.
  const below = room < NARROWEST;
  const indent = below ? 6 : wide + 4;
  return rows.map(([left, right]) => {
    const text = wrapped(right, width - indent).join(`\n${" ".repeat(indent)}`);
    return below ? `  ${left.trimEnd()}\n      ${text}` : `  ${left.padEnd(wide)}  ${text}`;
  }).join("\n");
}

/** Narrower than this a column of text cannot be read. */
const NARROWEST = 28;

/** A text in lines that are at most so long, as far as its words allow. */
function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
