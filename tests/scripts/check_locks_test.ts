import { assertEquals } from "@std/assert";
import { type Lock, lockProblems } from "../../scripts/check_locks.ts";

const program: Lock = {
  specifiers: { "npm:zod@4.6.7": "4.6.7" },
  npm: { "zod@4.6.7": { integrity: "sha512-z" } },
};
const tests: Lock = {
  specifiers: { ...program.specifiers, "npm:fast-check@4.10.2": "4.10.2" },
  npm: { ...program.npm, "fast-check@4.10.2": { integrity: "sha512-f" } },
};
const musl = { "@duckdb/node-bindings-linux-x64-musl@1.5.5-r.5": { integrity: "sha512-m" } };

Deno.test("lockProblems() names what each lock file has too much, lacks, or has with another digest", () => {
  const cases: [program: Lock, tests: Lock, problems: string[]][] = [
    [program, tests, []],
    [tests, tests, [
      "deno.lock: npm:fast-check@4.10.2 is for tests alone; take it out again (git checkout deno.lock), and test with `deno task test`",
    ]],
    [{ ...program, npm: { ...program.npm, ...musl } }, {
      ...tests,
      npm: { ...tests.npm, ...musl },
    }, [
      "deno.lock: take out @duckdb/node-bindings-linux-x64-musl@1.5.5-r.5, and where it is an optional dependency",
      "tests/deno.lock: take out @duckdb/node-bindings-linux-x64-musl@1.5.5-r.5, and where it is an optional dependency",
    ]],
    [program, { ...tests, npm: {} }, [
      "tests/deno.lock: zod@4.6.7 is missing; run `deno task test`, and commit it",
    ]],
    [program, { ...tests, npm: { "zod@4.6.7": { integrity: "sha512-y" } } }, [
      "tests/deno.lock: zod@4.6.7 has another digest than in deno.lock; run `deno task test`, and commit it",
    ]],
  ];
  for (const [ours, theirs, problems] of cases) {
    assertEquals(lockProblems(ours, theirs, ["npm:fast-check@4.10.2"]), problems);
  }
});
