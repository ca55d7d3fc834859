/**
 * What a command declares, and how its arguments are read from that declaration.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import { nearestNames } from "../lib/core/nearest.ts";
import type { Tools } from "./tools.ts";

/** What a value can be, for the completion of shells: a short list, or the names of all symbols. */
export type Choices = readonly string[] | "symbols";

/** A positional argument. */
export interface Arg {
  readonly name: string;
  readonly help: string;
  readonly optional?: true;
  /** Takes all that follow. */
  readonly many?: true;
  readonly choices?: Choices;
}

/** A `--flag` or a `--name VALUE`. */
export interface Option {
  readonly help: string;
  /** What the value is called in help; a flag when left out. */
  readonly value?: string;
  /** May be given several times. */
  readonly many?: true;
  readonly choices?: Choices;
  /** Values in an environment variable are separated by commas alone: they may hold spaces. */
  readonly commas?: true;
  /** One letter: `-q`. */
  readonly short?: string;
  /** Environment variable that sets it; the settings files take the option's name in camelCase. */
  readonly env?: string;
}

/** Options by name, without the dashes. */
export type Options = Readonly<Record<string, Option>>;

/** A command of the CLI. */
export interface Command {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More, where one sentence is not enough. */
  readonly about?: string;
  readonly args: readonly Arg[];
  readonly options: Options;
  readonly examples: readonly string[];
  /** Does the work; throws what goes wrong. */
  run(inputs: Inputs, tools: Tools): Promise<void>;
}

/** Where a setting can come from besides the command line, in order of precedence. */
export interface SettingSources {
  env(name: string): string | undefined;
  /** `./bfa.json`, then the user's file. */
  files(): readonly SettingsFile[];
}

/** A settings file that was read; without settings when there is none. */
export interface SettingsFile {
  readonly path: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The arguments and options of one call. */
export class Inputs {
  readonly #given: ReadonlyMap<string, readonly string[]>;
  readonly #options: Options;
  readonly #sources: SettingSources;
  /** Positional arguments, in order. */
  readonly args: readonly string[];

  /**
   * Reads a command's arguments.
   *
   * @throws {BfaError} `usage` for what the command does not declare.
   */
  constructor(command: Command, argv: readonly string[], sources: SettingSources) {
    const { args, given } = split(command, argv);
    const needed = command.args.filter((arg) => !arg.optional);
    if (args.length < needed.length) {
      const { name, help } = needed[args.length]!;
      throw bad(`${name.toUpperCase()} is missing: ${help}`, command);
    }
    if (args.length > command.args.length && !command.args.at(-1)?.many) {
      throw bad(`${JSON.stringify(args[command.args.length])} is one argument too many`, command);
    }
    this.#given = given;
    this.#options = command.options;
    this.#sources = sources;
    this.args = args;
  }

  /** Whether an option stands on the command line itself. */
  given(name: string): boolean {
    return this.#given.has(name);
  }

  /** A text: from the command line, the environment, `./bfa.json` or the user's file. */
  text(name: string): string | undefined {
    const given = this.#given.get(name);
    if (given) return given[0];
    const setting = this.#setting(name);
    return setting === undefined ? undefined : String(setting);
  }

  /** All values of a repeatable option; an environment variable separates them with commas or spaces. */
  texts(name: string): string[] | undefined {
    const given = this.#given.get(name);
    if (given) return [...given];
    const setting = this.#setting(name);
    if (Array.isArray(setting)) return setting.map(String);
    if (typeof setting !== "string") return undefined;
    const values = setting.split(this.#options[name]?.commas ? "," : /[\s,]+/);
    return values.map((value) => value.trim()).filter(Boolean);
  }

  /** Whether a flag is set. */
  flag(name: string): boolean {
    if (this.#given.has(name)) return true;
    const setting = this.#setting(name);
    if (setting === undefined) return false;
    const text = String(setting).toLowerCase();
    if (/^(1|true|yes|on)$/.test(text)) return true;
    if (/^(0|false|no|off)$/.test(text)) return false;
    throw new BfaError(
      "usage",
      `Cannot read the setting of --${name}, ${JSON.stringify(text.slice(0, 40))}: write 1 or 0`,
    );
  }

  /** What an option is set to outside the command line, and where: an environment variable's name or a path. */
  setting(name: string, option: Option): { value: unknown; from: string } | undefined {
    if (!option.env) return undefined;
    const fromEnv = this.#sources.env(option.env);
    if (fromEnv !== undefined && fromEnv !== "") return { value: fromEnv, from: option.env };
    const key = settingName(name);
    const file = this.#sources.files().find(({ settings }) => Object.hasOwn(settings, key));
    return file && { value: file.settings[key], from: file.path };
  }

  #setting(name: string): unknown {
    const option = this.#options[name];
    return option && this.setting(name, option)?.value;
  }
}

/** What an option is called in a settings file: `cache-dir` is `cacheDir`. */
export function settingName(option: string): string {
  return option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Tells options from arguments. Written here, because an npm package on the way of every call costs
 * more than the call's own work.
 */
function split(command: Command, argv: readonly string[]) {
  const { options } = command;
  const args: string[] = [];
  const given = new Map<string, string[]>();
  let i = 0;

  /** Takes an option's value: its own, or else the next argument. */
  function take(name: string, own: string | undefined): void {
    const next = argv[i + 1];
    const text = own ?? (isValue(next) ? next : "");
    if (text === "") throw bad(`--${name} needs a value`, command);
    if (own === undefined) i++;
    const before = given.get(name) ?? [];
    if (before.length > 0 && !options[name]!.many) {
      throw bad(`--${name} is given more than once`, command);
    }
    given.set(name, [...before, text]);
  }

  for (; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === "--") {
      args.push(...argv.slice(i + 1));
      break;
    }
    if (arg === "-" || !arg.startsWith("-")) {
      args.push(arg);
    } else if (arg.startsWith("--")) {
      const equals = arg.indexOf("=");
      const name = arg.slice(2, equals < 0 ? undefined : equals);
      if (!Object.hasOwn(options, name)) throw unknownOption(arg, command);
      if (options[name]!.value === undefined) {
        if (equals >= 0) throw bad(`--${name} takes no value`, command);
        given.set(name, []);
      } else take(name, equals < 0 ? undefined : arg.slice(equals + 1));
    } else {
      for (let at = 1; at < arg.length; at++) {
        const name = Object.keys(options).find((name) => options[name]!.short === arg[at]);
        if (name === undefined) throw unknownOption(arg, command);
        if (options[name]!.value === undefined) {
          given.set(name, []);
          continue;
        }
        take(name, at + 1 < arg.length ? arg.slice(at + 1) : undefined); // -n20, or -n 20
        break;
      }
    }
  }
  return { args, given };
}

/** What starts with a dash is the next option; `--name=-x` gives it as a value all the same. */
function isValue(next: string | undefined): next is string {
  return next !== undefined && (next === "-" || !next.startsWith("-"));
}

function unknownOption(arg: string, command: Command): BfaError {
  const name = arg.replace(/^-+/, "").replace(/=.*$/, "");
  const near = nearestNames(name, Object.keys(command.options), 1)[0];
  return bad(
    `there is no option ${arg.split("=")[0]}${near ? `; did you mean --${near}?` : ""}`,
    command,
  );
}

function bad(what: string, command: Command): BfaError {
  return new BfaError("usage", `${what} (see \`bfa ${command.name} --help\`)`);
}
