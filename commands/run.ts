/**
 * Runs one call of the CLI: finds the command, reads its arguments, turns failures into exit codes.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { type Command, Inputs, type SettingSources } from "./command.ts";
import { COMMON_OPTIONS } from "./options.ts";
import { allCommands, COMMANDS } from "./registry.ts";
import type { Tools } from "./tools.ts";

/** Runs a call and returns its exit code. Never throws. */
export async function run(
  argv: readonly string[],
  tools: Tools,
  settings: SettingSources,
): Promise<number> {
  const { world } = tools;
  try {
    return await dispatch(argv, tools, settings);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 0; // `bfa symbols | head` has seen enough
    const { describeFailure } = await import("./failure.ts");
    const { line, exit } = describeFailure(error, {
      verbose: argv.includes("-v") || argv.includes("--verbose"),
      place: world.errIsTerminal,
    });
    world.err(`${line}\n`);
    return exit;
  }
}

async function dispatch(
  argv: readonly string[],
  tools: Tools,
  settings: SettingSources,
): Promise<number> {
  const { world } = tools;
  const [name, ...rest] = commandFirst(argv);
  if (name === undefined || name === "--help" || name === "-h") {
    const { overview } = await import("./help.ts");
    const [print, onTerminal] = name === undefined
      ? [world.err, world.errIsTerminal]
      : [world.out, world.outIsTerminal];
    print(overview(await allCommands(), onTerminal ? world.columns : undefined));
    return name === undefined ? 2 : 0;
  }
  if (name === "--version" || name === "-V") {
    const { PROGRAM_VERSION } = await import("../lib/core/program.ts");
    world.out(`bfa ${PROGRAM_VERSION}\n`);
    return 0;
  }
  if (!Object.hasOwn(COMMANDS, name)) throw await unknownCommand(name);
  const command = await COMMANDS[name]!();
  if (rest.includes("--help") || rest.includes("-h")) {
    const { commandHelp } = await import("./help.ts");
    world.out(commandHelp(command, world.outIsTerminal ? world.columns : undefined));
    return 0;
  }
  const whole: Command = { ...command, options: { ...command.options, ...COMMON_OPTIONS } };
  await command.run(new Inputs(whole, rest, settings), tools);
  return 0;
}

const FLAGS_ANYWHERE = ["-q", "-v", "--quiet", "--verbose", "--no-progress"];

/** `bfa -q snapshot DAY` and `bfa help snapshot` mean the command with that option. */
function commandFirst(argv: readonly string[]): readonly string[] {
  if (argv[0] === "help") return [...argv.slice(1), "--help"];
  const flags = argv.findIndex((arg) => !FLAGS_ANYWHERE.includes(arg));
  return flags > 0 ? [...argv.slice(flags), ...argv.slice(0, flags)] : argv;
}

async function unknownCommand(name: string): Promise<BfaError> {
  const { nearestNames } = await import("../lib/core/nearest.ts");
  const near = nearestNames(name, Object.keys(COMMANDS), 1)[0];
  const shown = JSON.stringify(name.slice(0, 40));
  if (name.startsWith("-")) {
    return new BfaError(
      "usage",
      `Cannot read ${shown}: options stand behind the command (see \`bfa --help\`)`,
    );
  }
  return new BfaError(
    "usage",
    `there is no command ${shown}${near ? `; did you mean ${near}?` : ""} (see \`bfa --help\`)`,
  );
}
