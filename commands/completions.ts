/**
 * `bfa completions SHELL`.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Command } from "./command.ts";
import { COMMON_OPTIONS } from "./options.ts";
import { allCommands } from "./registry.ts";

const SHELLS: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash,
  zsh,
  fish,
};

/** Completion of commands, options and actions, for a shell. */
export const completions: Command = {
  name: "completions",
  summary: "A script that teaches a shell to complete bfa's commands and options",
  about: `Put it where the shell looks for it:
  bash  bfa completions bash > ~/.local/share/bash-completion/completions/bfa
  zsh   bfa completions zsh > ~/.zfunc/_bfa      (a folder in $fpath)
  fish  bfa completions fish > ~/.config/fish/completions/bfa.fish`,
  args: [{ name: "shell", help: "bash, zsh or fish", choices: Object.keys(SHELLS) }],
  options: {},
  examples: ["bfa completions bash", "source <(bfa completions bash)"],
  async run(inputs, { world }) {
    const shell = inputs.args[0]!;
    if (!Object.hasOwn(SHELLS, shell)) {
      throw new BfaError(
        "usage",
        `Cannot complete for ${JSON.stringify(shell)}: choose among bash, zsh, fish`,
      );
    }
    world.out(SHELLS[shell]!(await allCommands()));
  },
};

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = [...choicesOf(command), ...optionsOf(command).map(({ flag }) => flag)];
    return `    ${command.name}) words="${words.join(" ")}" ;;\n`;
  });
  return `# bash completion for bfa
_bfa() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  case "\${COMP_WORDS[1]}" in
${cases.join("")}  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commands.map(({ name }) => name).join(" ")} --help --version"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _bfa bfa
`;
}

function zsh(commands: readonly Command[]): string {
  const described = (name: string, help: string) =>
    quoted(`${name.replaceAll(":", "\\:")}:${help}`);
  const cases = commands.map((command) => {
    const words = [
      ...choicesOf(command).map((choice) => described(choice, command.summary)),
      ...optionsOf(command).map(({ flag, help }) => described(flag, help)),
    ];
    return `    ${command.name}) words_of=(${words.join(" ")}) ;;\n`;
  });
  const names = commands.map(({ name, summary }) => described(name, summary));
  return `#compdef bfa
_bfa() {
  local -a words_of
  if (( CURRENT == 2 )); then
    words_of=(${names.join(" ")})
  else
    case $words[2] in
${cases.join("")}    esac
  fi
  _describe bfa words_of || _files
}
if [ "$funcstack[1]" = "_bfa" ]; then _bfa "$@"; else compdef _bfa bfa; fi
`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const here = `-n '__fish_seen_subcommand_from ${command.name}'`;
    return [
      `complete -c bfa -f -n __fish_use_subcommand -a ${command.name} -d ${
        quoted(command.summary)
      }`,
      ...choicesOf(command).map((choice) => `complete -c bfa -f ${here} -a ${choice}`),
      ...optionsOf(command).map(({ flag, help, short, value }) =>
        `complete -c bfa ${here} -l ${flag.slice(2)}${short ? ` -s ${short}` : ""}${
          value ? " -r" : ""
        } -d ${quoted(help)}`
      ),
    ];
  });
  return `# fish completion for bfa\n${lines.join("\n")}\n`;
}

function choicesOf({ args }: Command): readonly string[] {
  return args.flatMap((arg) => arg.choices ?? []);
}

function optionsOf({ options }: Command) {
  return Object.entries({ ...options, ...COMMON_OPTIONS })
    .map(([name, { help, short, value }]) => ({ flag: `--${name}`, help, short, value }));
}

/** A text in single quotes, as zsh and fish both read it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
