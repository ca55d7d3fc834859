/** The workflows and shell scripts, read by the programs that know their mistakes. */

import { assert, assertEquals } from "@std/assert";
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

Deno.test("actions of others are named by commit: a tag can be moved", async () => {
  const used: string[] = [];
  for (const file of await filesIn(".github/workflows")) {
    const text = await Deno.readTextFile(file);
    used.push(...[...text.matchAll(/uses: (?!\.\/)(.*)/g)].map(([, action]) => action!));
  }
  assert(used.length > 20);
  const loose = used.filter((action) =>
    !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action)
  );
  assertEquals(loose, []);
  const versions = new Set(used);
  const names = new Set(used.map((action) => action.split("@")[0]));
  assertEquals(versions.size, names.size, "one version of each");
});

Deno.test("the checks run in one place, as root in Debian; a release asks for them there", async () => {
  const running: string[] = [];
  for (const file of await filesIn(".github/workflows")) {
    if (/run: \.ci\/run/.test(await Deno.readTextFile(file))) running.push(file);
  }
  assertEquals(running, [".github/workflows/ci.yml"]);
  const { jobs } = parse(await Deno.readTextFile(running[0]!));
  assertEquals(jobs.ci.container, { image: "node:22-bookworm", options: "--privileged" });
  const release = parse(await Deno.readTextFile(".github/workflows/release.yml"));
  assertEquals(release.jobs.checks, { uses: "./.github/workflows/ci.yml" });
});

Deno.test("npm takes what a release publishes for a file", async () => {
  const release = await Deno.readTextFile(".github/workflows/release.yml");
  const published = /npm publish [^#\n]*?(\S*)\*\.tgz/.exec(release)![1]!;
  const dir = await Deno.makeTempDir({ prefix: "bfa-workflow-" });
  try {
    await Deno.mkdir(`${dir}/dist/package`, { recursive: true });
    await Deno.writeTextFile(`${dir}/dist/package/package.json`, `{"name":"x","version":"1.0.0"}`);
    const npm = (args: string[]) => spawn("npm", ["--prefix", dir, ...args]).finished;
    const packed = await npm(["pack", "--pack-destination", `${dir}/dist`, `${dir}/dist/package`]);
    assertEquals(packed.code, 0, packed.err);
    const shell = `cd "$0" && exec npm publish --dry-run --offline ${published}*.tgz`;
    const { code, out, err } = await spawn("sh", ["-c", shell, dir]).finished;
    assertEquals([code, out.trim()], [0, "+ x@1.0.0"], err);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("shellcheck finds nothing in the scripts", async () => {
  const how = "apt-get install shellcheck";
  assertEquals(await said("shellcheck", SCRIPTS, how), { code: 0, said: "" });
});
