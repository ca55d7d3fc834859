import { assertEquals, assertThrows } from "@std/assert";
import { type Command, Inputs } from "../../commands/command.ts";
import { COMMANDS } from "../../commands/registry.ts";
import { BfaError } from "../../lib/core/errors.ts";

const COMMAND: Command = {
  name: "ask",
  summary: "",
  args: [{ name: "what", help: "What to ask" }, {
    name: "more",
    help: "",
    optional: true,
    many: true,
  }],
  options: {
    format: { value: "FORMAT", help: "" },
    state: { value: "STATE", many: true, help: "" },
    json: { help: "" },
    quiet: { short: "q", help: "" },
    verbose: { short: "v", help: "" },
    number: { short: "n", value: "N", help: "" },
  },
  examples: [],
  run: () => Promise.resolve(),
};

function read(...argv: string[]) {
  const inputs = new Inputs(COMMAND, argv, { env: () => undefined, files: () => [] });
  const flags = ["json", "quiet", "verbose"].filter((name) => inputs.flag(name));
  return {
    args: inputs.args,
    flags,
    format: inputs.text("format"),
    states: inputs.texts("state"),
    number: inputs.text("number"),
  };
}

const nothing = { flags: [], format: undefined, states: undefined, number: undefined };

const READ: [argv: string[], expected: Partial<ReturnType<typeof read>>][] = [
  [["a"], { args: ["a"] }],
  [["a", "b", "c"], { args: ["a", "b", "c"] }],
  [["--json", "a"], { args: ["a"], flags: ["json"] }],
  [["a", "-qv"], { args: ["a"], flags: ["quiet", "verbose"] }],
  [["a", "-q", "-q"], { args: ["a"], flags: ["quiet"] }],
  [["a", "--format", "csv"], { args: ["a"], format: "csv" }],
  [["a", "--format=csv"], { args: ["a"], format: "csv" }],
  [["a", "--format=a=b"], { args: ["a"], format: "a=b" }],
  [["a", "--format=-"], { args: ["a"], format: "-" }],
  [["a", "--format", "-"], { args: ["a"], format: "-" }],
  [["--state", "x", "a", "--state=y"], { args: ["a"], states: ["x", "y"] }],
  [["--", "--json"], { args: ["--json"] }],
  [["a", "--", "-q", "--"], { args: ["a", "-q", "--"] }],
  [["-"], { args: ["-"] }],
  [["12", "0x1"], { args: ["12", "0x1"] }],
  [["a", "-n", "3"], { args: ["a"], number: "3" }],
  [["a", "-n3", "-q"], { args: ["a"], number: "3", flags: ["quiet"] }],
  [["a", "-qn", "3"], { args: ["a"], number: "3", flags: ["quiet"] }],
];

const REFUSED: [argv: string[], message: string][] = [
  [[], "WHAT is missing: What to ask"],
  [["a", "--jsn"], "there is no option --jsn; did you mean --json?"],
  [["a", "--jsn=1"], "there is no option --jsn; did you mean --json?"],
  [["a", "--constructor"], "there is no option --constructor"],
  [["a", "-x"], "there is no option -x"],
  [["a", "-qx"], "there is no option -qx"],
  [["a", "--format"], "--format needs a value"],
  [["a", "--format="], "--format needs a value"],
  [["a", "--format", "--json"], "--format needs a value"],
  [["a", "--format", "--", "b"], "--format needs a value"],
  [["a", "--format", "x", "--format", "y"], "--format is given more than once"],
  [["a", "--json=1"], "--json takes no value"],
  [["a", "-n"], "--number needs a value"],
  [["a", "-n", "-q"], "--number needs a value"],
];

for (const [argv, expected] of READ) {
  Deno.test(`a call's arguments: ${JSON.stringify(argv)}`, () => {
    assertEquals(read(...argv), { ...nothing, args: [], ...expected });
  });
}

for (const [argv, message] of REFUSED) {
  Deno.test(`a call's arguments: ${JSON.stringify(argv)} is refused`, () => {
    const error = assertThrows(() => read(...argv), BfaError);
    assertEquals([error.code, error.message], ["usage", `${message} (see \`bfa ask --help\`)`]);
  });
}

Deno.test("every command in the registry loads, under its own name", async () => {
  for (const [name, load] of Object.entries(COMMANDS)) assertEquals((await load()).name, name);
});
