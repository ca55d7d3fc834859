/** `.ci/run` ends with the right sum, whatever its steps do. */

import { assertEquals } from "@std/assert";

/** What `npx -y deno@VERSION task NAME` does, by name. */
const PASSED = "echo 'ok | 7 passed (2 steps) | 0 failed | 1 ignored (3s)'";
const FAILED = "echo 'FAILED | 5 passed | 2 failed (3s)'; exit 1";
const KILLED = "echo 'running 1 test from x'; exit 137";

const CASES: [what: string, steps: Record<string, string>, last: string, code: number][] = [
  ["all passes", {}, "28 passed, 0 failed", 0],
  ["two tests fail", { ship: FAILED }, "26 passed, 2 failed", 1],
  ["a task dies", { whole: KILLED }, "21 passed, 1 failed", 137],
  ["a task does not start", { test: "exit 1" }, "21 passed, 1 failed", 1],
  ["the gate is shut", { gate: "exit 1" }, "28 passed, 1 failed", 1],
  ["nothing can be installed", { install: "exit 100" }, "28 passed, 1 failed", 100],
  [
    "all goes wrong",
    { install: "exit 1", gate: "exit 1", test: FAILED, interop: KILLED },
    "19 passed, 5 failed",
    137,
  ],
];

Deno.test("the last line of .ci/run is the sum, also when a step fails to start", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-ci-" });
  try {
    await Deno.mkdir(`${dir}/.ci`);
    await Deno.mkdir(`${dir}/bin`);
    await Deno.copyFile(".ci/run", `${dir}/.ci/run`);
    for (const [what, steps, last, code] of CASES) {
      const all = {
        install: "true",
        gate: "true",
        test: PASSED,
        whole: PASSED,
        ship: PASSED,
        interop: PASSED,
        ...steps,
      };
      const npx = Object.entries(all).map(([name, does]) => `${name}) ${does} ;;`).join("\n");
      await Deno.writeTextFile(`${dir}/bin/npx`, `#!/bin/sh\ncase "$4" in\n${npx}\nesac\n`, {
        mode: 0o755,
      });
      await Deno.writeTextFile(`${dir}/.ci/install`, `#!/bin/sh\n${all.install}\n`, {
        mode: 0o755,
      });
      const run = new Deno.Command("bash", {
        args: [`${dir}/.ci/run`],
        env: { PATH: `${dir}/bin:${Deno.env.get("PATH")}`, BFA_TOOLS: `${dir}/tools`, TMPDIR: dir },
      });
      const { code: ended, stdout } = await run.output();
      const printed = new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1);
      assertEquals([what, printed, ended], [what, last, code]);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
