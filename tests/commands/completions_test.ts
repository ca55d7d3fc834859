import { assertEquals, assertStringIncludes } from "@std/assert";
import { allCommands } from "../../commands/registry.ts";
import { bfa } from "../helpers/cli.ts";

/** What bash offers for the last word of a line. */
async function offered(script: string, words: string[]): Promise<string[]> {
  const line = words.map((word) => `'${word}'`).join(" ");
  const asked = `COMP_WORDS=(${line}); COMP_CWORD=${
    words.length - 1
  }; bfa() { echo "BTCUSDT ETHUSDT 币安人生USDT"; }; _bfa; echo "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await new Deno.Command("bash", {
    args: ["--norc", "-c", `${script}\n${asked}`],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trim().split(" ").filter(Boolean);
}

Deno.test("bash completes commands, options, actions, and what a value can be", async () => {
  const { code, out } = await bfa(["completions", "bash"]);
  assertEquals(code, 0);
  const cases: [words: string[], expected: string[]][] = [
    [["bfa", "sn"], ["snapshot"]],
    [["bfa", "ro"], ["rows", "rollback"]],
    [["bfa", "--v"], ["--version"]],
    [["bfa", "snapshot", "--st"], ["--state"]],
    [["bfa", "snapshot", "latest", "--of"], ["--offline"]],
    [["bfa", "cache", "pr"], ["prune"]],
    [["bfa", "keys", "t"], ["trust"]],
    [["bfa", "completions", ""], ["bash", "zsh", "fish"].concat(COMMON)],
    [["bfa", "nothing", "--"], []],
    [["bfa", "snapshot", "--state", "a"], ["archived"]],
    [["bfa", "snapshot", "latest", "--format", "ar"], ["arrow"]],
    [["bfa", "daily", "--whole-files", ""], ["daily", "weekly", "monthly"]],
    [["bfa", "timeline", "B"], ["BTCUSDT"]],
    [["bfa", "timeline", "币"], ["币安人生USDT"]],
    [["bfa", "timeline", "--fr"], ["--from"]],
    [["bfa", "diff", "a", "b", "--symbol", "E"], ["ETHUSDT"]],
    [["bfa", "sql", "-f", ""], []], // files
    [["bfa", "pull", "--out", ""], []],
  ];
  for (const [words, expected] of cases) {
    assertEquals(await offered(out, words), expected, words.join(" "));
  }
});

const COMMON = ["--quiet", "--verbose", "--no-progress", "--help"];

for (const shell of ["zsh", "fish"]) {
  Deno.test(`the script for ${shell} names every command and every option`, async () => {
    const { code, out } = await bfa(["completions", shell]);
    assertEquals(code, 0);
    for (const { name, options } of await allCommands()) {
      assertStringIncludes(out, name);
      for (const option of Object.keys(options)) {
        assertStringIncludes(out, shell === "fish" ? ` -l ${option} ` : `'--${option}:`);
      }
    }
    assertEquals(out.split("'").length % 2, 1); // every quote is closed
  });
}

Deno.test("bfa completions for another shell is refused, with those there are", async () => {
  const { code, err } = await bfa(["completions", "tcsh"]);
  assertEquals(code, 2);
  assertStringIncludes(err, "choose among bash, zsh, fish");
});
