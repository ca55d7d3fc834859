/**
 * Help texts, made from the commands' own declarations.
 *
 * @module
 */

import type { Command, Options } from "./command.ts";
import { COMMON_OPTIONS } from "./options.ts";
import { EXIT_MEANINGS } from "./failure.ts";

/** The text of `bfa --help`. */
export function overview(commands: readonly Command[]): string {
  return `bfa: which Binance USDⓈ-M futures existed, and really traded, on a day

usage: bfa COMMAND [arguments] [--options]

${columns(commands.map(({ name, summary }) => [name, summary]))}

bfa COMMAND --help says more; bfa --version tells the version of this program.

examples:
  bfa snapshot 2024-01-15
  bfa timeline LITUSDT

exit codes:
${columns(Object.entries(EXIT_MEANINGS).map(([code, meaning]) => [code.padStart(3), meaning]))}
`;
}

/** The text of `bfa COMMAND --help`. */
export function commandHelp(command: Command): string {
  const usage = command.args.map(({ name, optional, many }) => {
    const shown = name.toUpperCase() + (many ? "…" : "");
    return optional ? ` [${shown}]` : ` ${shown}`;
  }).join("");
  const args = command.args.map(({ name, help }): [string, string] => [name.toUpperCase(), help]);
  const sections = [
    `${command.summary}.`,
    ...(command.about ? [command.about] : []),
    `usage: bfa ${command.name}${usage} [--options]`,
    ...(args.length ? [columns(args)] : []),
    `options:\n${columns(optionRows({ ...command.options, ...COMMON_OPTIONS }))}`,
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

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
