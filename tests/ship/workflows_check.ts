/** The workflows and shell scripts, read by the programs that know their mistakes. */

import { assertEquals } from "@std/assert";
import { parse } from "yaml";
import { spawn } from "../helpers/process.ts";

const SCRIPTS = [
  "scripts/portable.sh",
  ".ci/again",
  ".ci/install",
  ".ci/install_readers",
  ".ci/run",
];

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => `${folder}/${name}`)).sort();
}

async function said(program: string, args: string[], how: string): Promise<unknown> {
  try {
    const { code, out, err } = await spawn(program, args).finished;
    return { code, said: out + err };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot find ${program}: ${how}`);
  }
}

Deno.test("actionlint finds nothing in the workflows, and finds what is wrong", async () => {
  const how = "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12, or .ci/install";
  const workflows = await filesIn(".github/workflows");
  assertEquals(await said("actionlint", workflows, how), { code: 0, said: "" });

  const dir = await Deno.makeTempDir({ prefix: "bfa-workflow-" });
  const broken = (await Deno.readTextFile(".github/workflows/release.yml"))
    .replace("needs: [executables, packages, image, jsr]", "needs: [executables, packages, moon]");
  await Deno.writeTextFile(`${dir}/release.yml`, broken);
  const found = await said("actionlint", [`${dir}/release.yml`], how) as { code: number };
  assertEquals(found.code, 1);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a release publishes nothing before everything was made", async () => {
  const { jobs } = parse(await Deno.readTextFile(".github/workflows/release.yml")) as {
    jobs: Record<string, { needs?: string | string[]; permissions?: Record<string, string> }>;
  };
  const needed = (name: string): string[] =>
    [jobs[name]!.needs ?? []].flat().flatMap((other) => [other, ...needed(other)]);
  const writers = Object.keys(jobs)
    .filter((name) => Object.values(jobs[name]!.permissions ?? {}).includes("write"));
  assertEquals(writers, ["image", "jsr", "npm", "github"]);
  for (const name of writers) {
    const before = new Set(needed(name));
    assertEquals([
      name,
      ...["checks", "executables", "packages"].filter((made) => !before.has(made)),
    ], [name]);
  }
});

Deno.test("shellcheck finds nothing in the scripts", async () => {
  const how = "apt-get install shellcheck";
  assertEquals(await said("shellcheck", SCRIPTS, how), { code: 0, said: "" });
});
