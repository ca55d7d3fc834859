import { assertEquals, assertStringIncludes } from "@std/assert";
import { EXIT_CODES } from "../../commands/failure.ts";
import { describeFailure } from "../../commands/failure.ts";
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
