/**
 * What a command declares, and how its arguments are read from that declaration.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { BfaError } from "../lib/core/errors.ts";
import { nearestSymbols } from "../lib/core/symbol.ts";
import type { Tools } from "./tools.ts";

/** A positional argument. */
export interface Arg {
  readonly name: string;
  readonly help: string;
  readonly optional?: true;
  /** Takes all that follow. */
  readonly many?: true;
}

/** A `--flag` or a `--name VALUE`. */
export interface Option {
  readonly help: string;
  /** What the value is called in help; a flag when left out. */
  readonly value?: string;
  /** May be given several times. */
  readonly many?: true;
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
  files(): readonly Readonly<Record<string, unknown>>[];
}

/** The arguments and options of one call. */
export class Inputs {
  readonly #values: ReadonlyMap<string, string | boolean | string[]>;
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
    const unknown: string[] = [];
    const entries = Object.entries(command.options);
    const flags = entries.filter(([, o]) => o.value === undefined).map(([name]) => name);
    const texts = entries.filter(([, o]) => o.value !== undefined).map(([name]) => name);
    const alias: Record<string, string> = {};
    for (const [name, { short }] of entries) if (short) alias[short] = name;
    const parsed = parseArgs(argv, {
      boolean: flags,
      string: [...texts, "_"],
      collect: texts,
      alias,
      "--": true,
      unknown: (arg, key) => {
        if (key !== undefined) unknown.push(arg);
        return key === undefined;
      },
    });
    if (unknown[0]) throw unknownOption(unknown[0], command);
    const values = new Map<string, string | boolean | string[]>();
    for (const name of flags) if (parsed[name]) values.set(name, true);
    for (const name of texts) {
      const given = ((parsed[name] ?? []) as unknown[]).map(String);
      if (given.length === 0) continue;
      if (given.some((text) => text === "")) throw bad(`--${name} needs a value`, command);
      const { many } = command.options[name]!;
      if (!many && given.length > 1) throw bad(`--${name} is given more than once`, command);
      values.set(name, many ? given : given[0]!);
    }
    const args = [...parsed._.map(String), ...(parsed["--"] ?? [])];
    const needed = command.args.filter((arg) => !arg.optional);
    if (args.length < needed.length) {
      throw bad(`${needed[args.length]!.name.toUpperCase()} is missing`, command);
    }
    if (args.length > command.args.length && !command.args.at(-1)?.many) {
      throw bad(`${JSON.stringify(args[command.args.length])} is one argument too many`, command);
    }
    this.#values = values;
    this.#options = command.options;
    this.#sources = sources;
    this.args = args;
  }

  /** A text: from the command line, the environment, `./bfa.json` or the user's file. */
  text(name: string): string | undefined {
    const given = this.#values.get(name);
    if (typeof given === "string") return given;
    const setting = this.#setting(name);
    return setting === undefined ? undefined : String(setting);
  }

  /** All values of a repeatable option; an environment variable separates them with commas or spaces. */
  texts(name: string): string[] | undefined {
    const given = this.#values.get(name);
    if (Array.isArray(given)) return given;
    const setting = this.#setting(name);
    if (Array.isArray(setting)) return setting.map(String);
    if (typeof setting !== "string") return undefined;
    const values = setting.split(this.#options[name]?.commas ? "," : /[\s,]+/);
    return values.map((value) => value.trim()).filter(Boolean);
  }

  /** Whether a flag is set. */
  flag(name: string): boolean {
    if (this.#values.get(name) === true) return true;
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

  #setting(name: string): unknown {
    const option = this.#options[name];
    if (!option?.env) return undefined;
    const fromEnv = this.#sources.env(option.env);
    if (fromEnv !== undefined && fromEnv !== "") return fromEnv;
    const key = settingName(name);
    return this.#sources.files().find((file) => Object.hasOwn(file, key))?.[key];
  }
}

/** What an option is called in a settings file: `cache-dir` is `cacheDir`. */
export function settingName(option: string): string {
  return option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function unknownOption(arg: string, command: Command): BfaError {
  const name = arg.replace(/^-+/, "").replace(/=.*$/, "");
  const names = Object.keys(command.options);
  const near = nearestSymbols(name, names.map((n) => n.toUpperCase()), 1)[0]?.toLowerCase();
  return bad(
    `there is no option ${arg.split("=")[0]}${near ? `; did you mean --${near}?` : ""}`,
    command,
  );
}

function bad(what: string, command: Command): BfaError {
  return new BfaError("usage", `${what} (see \`bfa ${command.name} --help\`)`);
}
