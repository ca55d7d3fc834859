/**
 * The layers of the program: Deno, DuckDB's library, and bfa with its packages. The last is the same for all
 * processors.
 *
 * @module
 */

import { dirname } from "@std/path";
import { BfaError } from "../../lib/core/errors.ts";
import type { Arch } from "./document.ts";
import { checkArch, forArch, unpackPackage } from "./npm_package.ts";
import { ownFiles } from "../own_files.ts";
import { runProgram } from "../run_program.ts";

const DENO_PACKAGE = "@deno/linux-{arch}-glibc";
const DUCKDB_PACKAGE = "@duckdb/node-bindings-linux-{arch}";

/** Entry points, besides the commands, that are found only while the program runs. */
const ENTRY_POINTS = ["main.ts", "cli.ts", "lib/engine/sql_child.ts"];

/** What a name may be imported by. */
const IMPORTED = /(?:from|import\()\s*"([^"]+)"/g;

const BFA = `#!/bin/sh
exec deno run --quiet --no-prompt -A /app/cli.ts "$@"
`;

/** The fields of deno.json that matter here. */
interface DenoJson {
  imports: Record<string, string>;
  publish: { exclude: string[] };
  tasks?: unknown;
  nodeModulesDir?: "auto" | "manual";
}

/** Puts Deno into a root. */
export async function addDeno(arch: Arch, version: string, root: string): Promise<void> {
  const unpacked = `${root}.npm`;
  await unpackPackage(forArch(DENO_PACKAGE, arch), version, unpacked);
  await checkArch(`${unpacked}/deno`, arch);
  await Deno.mkdir(`${root}/usr/bin`, { recursive: true });
  await Deno.rename(`${unpacked}/deno`, `${root}/usr/bin/deno`);
  await Deno.chmod(`${root}/usr/bin/deno`, 0o755);
}

/** Puts DuckDB's library into a root, held against deno.lock. */
export async function addDuckdb(arch: Arch, root: string): Promise<void> {
  const name = forArch(DUCKDB_PACKAGE, arch);
  const { npm } = JSON.parse(await Deno.readTextFile("deno.lock"));
  const locked = Object.keys(npm).find((key) => key.startsWith(`${name}@`));
  if (!locked) {
    throw new BfaError("usage", `Cannot make an image for ${arch}: no ${name} in deno.lock`);
  }
  const into = `${root}/app/node_modules/${name}`;
  const { integrity } = npm[locked];
  await unpackPackage(name, locked.slice(name.length + 1), into, { integrity });
  for (const file of ["duckdb.node", "libduckdb.so"]) await checkArch(`${into}/${file}`, arch);
}

/** Puts the program and its packages into a root: what is in the repository, without what only publishing needs. */
export async function addProgram(root: string): Promise<void> {
  const app = `${root}/app`;
  const config: DenoJson = JSON.parse(await Deno.readTextFile("deno.json"));
  const files = await programFiles(config.publish.exclude);
  for (const file of files) {
    await Deno.mkdir(dirname(`${app}/${file}`), { recursive: true });
    await Deno.copyFile(file, `${app}/${file}`);
  }
  await Deno.copyFile("deno.lock", `${app}/deno.lock`);
  delete config.tasks;
  config.imports = await usedImports(config.imports, files);
  await writeConfig(app, { ...config, nodeModulesDir: "auto" });
  const commands = files.filter((file) => file.startsWith("commands/"));
  await runProgram(Deno.execPath(), [
    "install",
    "--quiet",
    "--entrypoint",
    ...ENTRY_POINTS,
    ...commands,
  ], {
    cwd: app,
  });
  await tidyPackages(`${app}/node_modules`);
  await ownFiles(`${app}/node_modules`);
  // From here on packages are found in node_modules alone: no registry, no lock, no folder that is written.
  await Deno.remove(`${app}/deno.lock`);
  await writeConfig(app, { ...config, nodeModulesDir: "manual" });
  await Deno.mkdir(`${root}/usr/local/bin`, { recursive: true });
  await Deno.writeTextFile(`${root}/usr/local/bin/bfa`, BFA);
  await Deno.chmod(`${root}/usr/local/bin/bfa`, 0o755);
}

async function programFiles(excluded: readonly string[]): Promise<string[]> {
  const listed = (await runProgram("git", ["ls-files", "-z"])).out.split("\0");
  return listed.filter((file) =>
    file && !/^(\.|deploy\/|deno\.)|\.md$/.test(file) &&
    !excluded.some((path) => file === path || file.startsWith(path))
  );
}

/** What tests and benchmarks alone import stays out. */
async function usedImports(
  imports: Record<string, string>,
  files: readonly string[],
): Promise<Record<string, string>> {
  const used = new Set<string>();
  for (const file of files.filter((file) => file.endsWith(".ts"))) {
    for (const [, name] of (await Deno.readTextFile(file)).matchAll(IMPORTED)) used.add(name!);
  }
  return Object.fromEntries(Object.entries(imports).filter(([name]) => used.has(name)));
}

async function writeConfig(app: string, config: DenoJson): Promise<void> {
  await Deno.writeTextFile(`${app}/deno.json`, JSON.stringify(config, null, 2) + "\n");
}

/** Removes the libraries of this processor, which have a layer of their own, and Deno's notes. */
async function tidyPackages(dir: string): Promise<void> {
  for await (const { name } of Deno.readDir(`${dir}/.deno`)) {
    if (/^@duckdb\+node-bindings-|^\.(deno\.lock|setup-cache\.bin)$/.test(name)) {
      await Deno.remove(`${dir}/.deno/${name}`, { recursive: true });
    }
  }
  await removeDeadLinks(dir);
}

async function removeDeadLinks(dir: string): Promise<void> {
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) await removeDeadLinks(path);
    else if (isSymlink && !await Deno.stat(path).catch(() => undefined)) await Deno.remove(path);
  }
}
