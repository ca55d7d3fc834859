import { assert, assertEquals } from "@std/assert";
import { commandHelp, overview } from "../../commands/help.ts";
import { allCommands } from "../../commands/registry.ts";
import { bfa } from "../helpers/cli.ts";

const COMMANDS = await allCommands();

Deno.test("the overview has every command once, in its group", () => {
  const text = overview(COMMANDS);
  const named = [...text.split("\nbfa COMMAND")[0]!.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)];
  assertEquals(named.map(([, name]) => name), COMMANDS.map(({ name }) => name));
  assert(text.includes("\nquestions:\n  snapshot "));
});

Deno.test("help fits a narrow terminal, and loses no word there", () => {
  const words = (text: string) => text.split(/\s+/).filter(Boolean);
  for (const width of [40, 60, 80]) {
    const texts: [wide: string, narrow: string][] = [
      [overview(COMMANDS), overview(COMMANDS, width)],
      ...COMMANDS.map((command): [string, string] => [
        commandHelp(command),
        commandHelp(command, width),
      ]),
    ];
    for (const [wide, narrow] of texts) {
      assertEquals(words(narrow), words(wide));
      const options = /\noptions:\n(.*?)\n\n/s.exec(narrow)?.[1]?.split("\n") ?? [];
      const long = options.filter((line) =>
        line.length > width && /\s\S+\s+\S/.test(line.slice(6))
      );
      assertEquals(long, [], `${width} columns`);
    }
  }
});

Deno.test("in a pipe help is not wrapped: docs/cli.md and grep see whole lines", async () => {
  const { code, out } = await bfa(["snapshot", "--help"]);
  assertEquals([code, out], [0, commandHelp(COMMANDS[0]!)]);
  const terminal = await bfa(["snapshot", "--help"], { terminal: true });
  assertEquals(terminal.out, commandHelp(COMMANDS[0]!, 80));
});
