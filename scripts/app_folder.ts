/**
 * The program as a folder of plain JavaScript: what a compiled binary, the portable executable and the npm package
 * are made from. Everything is bundled but DuckDB, whose native library lies in `node_modules`.
 *
 * @module
 */

import { basename, join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { bundledLicenses, LICENSES_FILE } from "./licenses.ts";
import { ownFiles } from "./own_files.ts";
import { ignoreMissing, runProgram } from "./run_program.ts";
import type { Target } from "./targets.ts";

/** The entry point in such a folder. */
export const APP_ENTRY = "bfa.js";

/** Bundles a module and what it imports into a folder; its file is called `name`. */
export async function bundle(
  entry: string,
  options: { dir: string; name: string; platform: "deno" | "browser" },
): Promise<void> {
  const { dir, name, platform } = options;
  await Deno.mkdir(dir, { recursive: true });
  await deno([
    "bundle",
    "--quiet",
    ...(platform === "deno" ? ["--minify"] : []), // those who use the library minify it themselves
    "--keep-names", // a bug's stack says where it was
    "--code-splitting", // a question loads what it needs
    `--platform=${platform}`,
    "--external=@duckdb/*", // native
    `--outdir=${dir}`,
    entry,
  ]);
  await Deno.rename(join(dir, basename(entry).replace(/\.ts$/, ".js")), join(dir, name));
  if (platform === "deno") await giveRequire(dir);
}

/**
 * CommonJS packages ask for Node's own modules by `require`, which no ES module has. (`createRequire()` would load a part
 * of Node's modules at every start: 25 ms.)
 */
async function giveRequire(dir: string): Promise<void> {
  for await (const { name } of Deno.readDir(dir)) {
    if (!name.endsWith(".js")) continue;
    const path = join(dir, name);
    const code = await Deno.readTextFile(path);
    if (!code.includes("Dynamic require of")) continue;
    const banner = "const require = (name) => process.getBuiltinModule(name);";
    await Deno.writeTextFile(path, `${banner}\n${code}`);
  }
}

/** Makes the folder of a target, anew. */
export async function makeAppFolder(dir: string, target: Target): Promise<void> {
  await Deno.remove(dir, { recursive: true }).catch(ignoreMissing);
  await bundle("cli.ts", { dir, name: APP_ENTRY, platform: "deno" });
  await Deno.writeTextFile(join(dir, "deno.json"), appConfig());
  await Deno.copyFile("LICENSE", join(dir, "LICENSE"));
  await Deno.writeTextFile(join(dir, LICENSES_FILE), await bundledLicenses());
  // The project's lock file decides which bytes are good.
  await Deno.copyFile("deno.lock", join(dir, "deno.lock"));
  await deno([
    "install",
    "--quiet",
    "--node-modules-dir=manual",
    "--node-modules-linker=hoisted",
    `--os=${target.os}`,
    `--arch=${target.cpu}`,
    `--config=${join(dir, "deno.json")}`,
    `--entrypoint=${join(dir, APP_ENTRY)}`,
  ]);
  await Deno.remove(join(dir, "deno.lock"));
  await Deno.remove(join(dir, "node_modules/.deno"), { recursive: true }).catch(ignoreMissing);
  await ownFiles(join(dir, "node_modules"));
}

/** What Deno is to know when it runs the folder. */
function appConfig(): string {
  return JSON.stringify({
    unstable: config.unstable,
    nodeModulesDir: "manual",
    imports: { "@duckdb/node-api": config.imports["@duckdb/node-api"] },
  }) + "\n";
}

/** Runs this Deno; what it prints is shown when it fails. */
async function deno(args: readonly string[]) {
  await runProgram(Deno.execPath(), args);
}
