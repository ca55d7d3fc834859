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

/** What a bar writes while bytes of files arrive, `stepMs` after one another. */
function drawn(
  stepMs: number,
  arrivals: readonly (readonly [name: string, bytes: number])[],
  columns = 80,
) {
  const written: string[] = [];
  const world = { err: (text: string) => void written.push(text), columns } as World;
  const now = performance.now;
  try {
    let ms = 0;
    performance.now = () => ms += stepMs;
    const onProgress = progressBar(world);
    for (const [name, bytes] of arrivals) {
      onProgress({ name, role: "", mediaType: "", bytes: 100, sha256: "" }, bytes);
    }
  } finally {
    performance.now = now;
  }
  return written.map((text) => text.replace("\r\x1b[K", ""));
}

Deno.test("progressBar() wipes itself away when the file is whole", () => {
  const written = drawn(600, [10, 20, 40, 80, 100].map((bytes) => ["a", bytes]));
  assertEquals(written, [
    "a ██████████░░░░░░░░░░░░░░ 40 B of 100 B, 25 B/s, 3 s left",
    "a ███████████████████░░░░░ 80 B of 100 B, 39 B/s, 1 s left",
    "",
  ]);
});

Deno.test("progressBar() keeps its numbers on a narrow terminal: the bar gives way", () => {
  const at = (columns: number) => drawn(600, [["a", 10], ["a", 20], ["a", 40]], columns);
  assertEquals(at(45), ["a ████░░░░░░ 40 B of 100 B, 25 B/s, 3 s left"]);
  assertEquals(at(30), ["a 40 B of 100 B, 25 B/s, 3 s "]);
});

Deno.test("progressBar() counts files that come at once together, and those one after another as one", () => {
  assertEquals(
    drawn(400, [["a", 10], ["b", 10], ["a", 60], ["b", 20], ["a", 100], ["b", 100]]),
    [
      "2 files ██████████░░░░░░░░░░░░░░ 80 B of 200 B, 50 B/s, 3 s left",
      "b █████░░░░░░░░░░░░░░░░░░░ 20 B of 100 B, 63 B/s, 2 s left",
      "",
    ],
  );
  assertEquals(drawn(400, [["a", 50], ["a", 100], ["b", 50], ["c", 50]]).length, 1);
  assertEquals(drawn(6_000, [["a", 100], ["b", 50], ["b", 100]]), []);
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
