import { assertEquals, assertStringIncludes } from "@std/assert";
import { Inputs } from "../../commands/command.ts";
import { describeFailure, EXIT_CODES } from "../../commands/failure.ts";
import { print } from "../../commands/output.ts";
import { symbols } from "../../commands/symbols.ts";
import type { World } from "../../commands/tools.ts";
import { BfaError, type ErrorCode } from "../../lib/core/errors.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";

const DAY = "2019-12-31";

const REFUSED: [args: string[], err: string][] = [
  [["snapshot", DAY, "--json", "--format", "csv"], "Cannot print both json and csv"],
  [["cache", "list", "--json", "--format", "md"], "Cannot print both json and md"],
  [["status", "--format", "csv"], 'Cannot print the format "csv": choose among table, json, lines'],
  [["cache", "status", "--format", "md"], "choose among table, json, lines"],
  [["cache", "verify", "--format", "csv"], "choose among table, json, lines"],
  [["cache", "prune", "--format", "ndjson"], "choose among table, json, lines"],
  [["cache", "clear", "--format", "csv"], "choose among table, json, lines"],
  [["cache", "refresh", "--format", "csv"], "choose among table, json, lines"],
  [["cache", "dir", "--json"], 'Cannot print the format "json": choose among table, lines'],
  [["keys", "show", "--json"], "choose among table, lines"],
];

for (const [args, err] of REFUSED) {
  Deno.test(`bfa ${args.join(" ")} is refused: it would print something else`, async () => {
    await withCacheDir(async (env) => {
      const called = await bfa(args, { env });
      assertEquals([called.code, called.out], [2, ""]);
      assertStringIncludes(called.err, err);
    });
  });
}

Deno.test("--json with --format json, or with another format in the environment, prints JSON", async () => {
  await withCacheDir(async (env) => {
    const plain = await bfa(["snapshot", DAY, "--json"], { env });
    const twice = await bfa(["snapshot", DAY, "--json", "--format", "json"], { env });
    const set = await bfa(["snapshot", DAY, "--json"], { env: { ...env, BFA_FORMAT: "csv" } });
    assertEquals(JSON.parse(plain.out).count, 3);
    assertEquals([twice.out, set.out], [plain.out, plain.out]);
  });
});

Deno.test("a format in the environment that a command cannot print is for others", async () => {
  await withCacheDir(async (base) => {
    const env = { ...base, BFA_FORMAT: "csv" };
    assertStringIncludes((await bfa(["status"], { env })).out, "version    built-in listings");
    assertEquals((await bfa(["cache", "list"], { env })).out, "sha256,bytes,used_by\r\n");
    assertEquals((await bfa(["cache", "prune"], { env })).out, "removed 0 files, 0 B\n");
  });
});

Deno.test("what is printed as a file of rows is there when the command ends", async () => {
  const questions = [
    ["config"],
    ["doctor", "--offline"],
    ["keys", "list"],
    ["cache", "list"],
    ["snapshot", DAY],
    ["summary", DAY],
    ["sql", "FROM listings LIMIT 1"],
  ];
  await withCacheDir(async (env) => {
    for (const question of questions) {
      const { out } = await bfa([...question, "--format", "csv"], { env });
      assertEquals([question, /^[a-z_0-9]+(,[a-z_0-9]+)+\r\n/.test(out)], [question, true]);
    }
  });
});

Deno.test("sizes are for people in a table, and bytes in what programs read", async () => {
  const rows = [{ bytes: 4_519_114 }, { bytes: 999 }];
  const columns = [{
    name: "bytes",
    type: "BIGINT" as const,
    title: "SIZE",
    isSize: true as const,
    cell: (row: { bytes: number }) => row.bytes,
  }];
  const asked = async (format: string) => {
    let out = "";
    const world = { out: (text: string) => out += text } as unknown as World;
    const inputs = new Inputs(symbols, ["--format", format], {
      env: () => undefined,
      files: () => [],
    });
    await print({ answer: {}, rows, columns }, inputs, world);
    return out;
  };
  assertEquals(await asked("table"), "  SIZE\n4.5 MB\n 999 B\n");
  assertEquals(await asked("lines"), "4519114\n999\n");
});

Deno.test("what to do on the command line stands behind the message, by code", () => {
  const told = (code: ErrorCode) => describeFailure(new BfaError(code, "Cannot")).line;
  const advice: Partial<Record<ErrorCode, string>> = {
    expired: "--accept-expired",
    conflict: "`bfa versions`",
    offline: "--offline",
  };
  for (const code of Object.keys(EXIT_CODES) as ErrorCode[]) {
    if (advice[code]) assertStringIncludes(told(code), advice[code]);
    else assertEquals(told(code), "bfa: Cannot");
  }
});
