/**
 * `bfa completions SHELL`.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";
import type { Choices, Command } from "./command.ts";
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
  summary: "A script that teaches a shell to complete commands, options, their values and symbols",
  about:
    `Put it where the shell looks for it; where that folder is not there yet, make it first (mkdir -p):
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

/** Asks bfa itself for the symbols; offline, so that a key that is pressed never waits for a network. */
const SYMBOLS = "bfa symbols --offline --quiet --format lines 2>/dev/null";

function bash(commands: readonly Command[]): string {
  const inWords = (choices: Choices) =>
    choices === "symbols" ? '$(_bfa_symbols "$word")' : choices.join(" ");
  const cases = commands.map((command) => {
    const words = [
      ...argumentChoices(command).map(inWords),
      ...optionsOf(command).map(({ flag }) => flag),
    ];
    return `    ${command.name}) words="${words.join(" ")}" ;;\n`;
  });
  const values = commands.flatMap((command) =>
    valuesOf(command).map(({ flags, choices }) => {
      const patterns = flags.map((flag) => `"${command.name} ${flag}"`).join("|");
      return `    ${patterns}) words="${inWords(choices)}" ;;\n`;
    })
  );
  return `# bash completion for bfa
_bfa_symbols() {
  [[ $1 == -* ]] || ${SYMBOLS}
}
_bfa() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  case "\${COMP_WORDS[1]} $before" in
${values.join("")}    *) case "\${COMP_WORDS[1]}" in
${cases.join("")}    esac ;;
  esac
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
  const inWords = (choices: Choices) =>
    choices === "symbols" ? `\${(f)"$(${SYMBOLS})"}` : choices.map(quoted).join(" ");
  const cases = commands.map((command) => {
    const words = [
      ...argumentChoices(command).map(inWords),
      ...optionsOf(command).map(({ flag, help }) => described(flag, help)),
    ];
    return `      ${command.name}) words_of=(${words.join(" ")}) ;;\n`;
  });
  const values = commands.flatMap((command) =>
    valuesOf(command).map(({ flags, choices }) => {
      const patterns = flags.map((flag) => `"${command.name} ${flag}"`).join("|");
      return `      ${patterns}) words_of=(${inWords(choices)}) ;;\n`;
    })
  );
  const names = commands.map(({ name, summary }) => described(name, summary));
  return `#compdef bfa
_bfa() {
  local -a words_of
  if (( CURRENT == 2 )); then
    words_of=(${names.join(" ")})
  else
    case "$words[2] $words[CURRENT-1]" in
${values.join("")}      *) case $words[2] in
${cases.join("")}      esac ;;
    esac
  fi
  _describe bfa words_of || _files
}
if [ "$funcstack[1]" = "_bfa" ]; then _bfa "$@"; else compdef _bfa bfa; fi
`;
}

function fish(commands: readonly Command[]): string {
  const inWords = (choices: Choices) =>
    choices === "symbols" ? `'(${SYMBOLS})'` : quoted(choices.join(" "));
  const lines = commands.flatMap((command) => {
    const here = `-n '__bfa_is ${command.name}'`;
    return [
      `complete -c bfa -f -n __fish_use_subcommand -a ${command.name} -d ${
        quoted(command.summary)
      }`,
      ...argumentChoices(command).map((choices) =>
        `complete -c bfa -f ${here} -a ${inWords(choices)}`
      ),
      ...optionsOf(command).map(({ flag, help, short, value, choices }) => {
        const values = choices ? ` -x -a ${inWords(choices)}` : value ? " -r" : "";
        return `complete -c bfa ${here} -l ${flag.slice(2)}${
          short ? ` -s ${short}` : ""
        }${values} -d ${quoted(help)}`;
      }),
    ];
  });
  return `# fish completion for bfa
function __bfa_is
  set -l words (commandline -opc)
  test (count $words) -gt 1; and test $words[2] = $argv[1]
end
${lines.join("\n")}
`;
}

function argumentChoices({ args }: Command): readonly Choices[] {
  return args.flatMap(({ choices }) => choices === undefined ? [] : [choices]);
}

function optionsOf({ options }: Command) {
  return Object.entries({ ...options, ...COMMON_OPTIONS })
    .map(([name, { help, short, value, choices }]) => ({
      flag: `--${name}`,
      help,
      short,
      value,
      choices,
    }));
}

/** Options that take a value, and what it can be; without a list, shells offer files. */
function valuesOf(command: Command) {
  return optionsOf(command).filter(({ value }) => value !== undefined)
    .map(({ flag, short, choices = [] }) => ({
      flags: [flag, ...(short ? [`-${short}`] : [])],
      choices,
    }));
}

/** A text in single quotes, as zsh and fish both read it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
