import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Command, Inputs } from "../../commands/command.ts";
import { progressBar } from "../../commands/progress.ts";
import type { World } from "../../commands/tools.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { bfa } from "../helpers/cli.ts";

const COMMAND: Command = {
  name: "ask",
  summary: "",
  args: [],
  options: { offline: { help: "", env: "BFA_OFFLINE" } },
  examples: [],
  run: () => Promise.resolve(),
};

function offline(setting: string | undefined): boolean {
  return new Inputs(COMMAND, [], { env: () => setting, files: () => [] }).flag("offline");
}

Deno.test("a flag's setting is read as yes or no; anything else is refused, not taken for no", () => {
  for (const yes of ["1", "true", "TRUE", "yes", "on"]) assertEquals(offline(yes), true);
  for (const no of ["0", "false", "no", "off", "", undefined]) assertEquals(offline(no), false);
  assertEquals(assertThrows(() => offline("ja"), BfaError).code, "usage");
});

Deno.test("progressBar() wipes itself away when the file is whole", () => {
  const written: string[] = [];
  const world = { err: (text: string) => void written.push(text), columns: 80 } as World;
  const artifact = { name: "a", role: "", mediaType: "", bytes: 100, sha256: "" };
  const now = performance.now;
  try {
    let ms = 0;
    performance.now = () => ms += 600;
    const onProgress = progressBar(world);
    for (const bytes of [10, 20, 40, 80, 100]) onProgress(artifact, bytes);
  } finally {
    performance.now = now;
  }
  assertEquals(written.length > 1, true);
  assertEquals(written.at(-1), "\r\x1b[K");
});

Deno.test("a setting that does not exist is refused, with those that do", async () => {
  const files = { "bfa.json": '{"endpont":"http://127.0.0.1:1"}' };
  const { code, err } = await bfa(["snapshot", "2019-12-31"], { env: { HOME: "/nowhere" }, files });
  assertEquals(code, 2);
  assertStringIncludes(err, 'Cannot use "endpont" in bfa.json: it takes');
  assertStringIncludes(err, "endpoint");
});

Deno.test("a settings file that cannot be read is one line, not a bug", async () => {
  const files = {
    get "bfa.json"(): string {
      throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
    },
  };
  const { code, err } = await bfa(["snapshot", "2019-12-31"], { env: { HOME: "/nowhere" }, files });
  assertEquals([code, err], [2, "bfa: Cannot read bfa.json: Permission denied (os error 13)\n"]);
});
