/**
 * Checks the direction of imports (see ARCHITECTURE.md):
 *
 *     deno task layers
 *
 * Each folder may import only what stands in its row; nothing imports an entry point; nothing opens
 * KV, reads the environment or listens while it is imported; DuckDB is reached by `import()` only.
 *
 * @module
 */

import { dirname, join } from "@std/path";

/** Which folders each folder may import, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "lib/core": [],
  "lib/files": ["lib/core"],
  "lib/net": ["lib/core"],
  "lib/manifest": ["lib/core", "lib/files", "lib/net"],
  "lib/cache": ["lib/core", "lib/files", "lib/net", "lib/manifest"],
  "lib/mirror": ["lib/core", "lib/files", "lib/net"],
  "lib/source": ["lib/core", "lib/net", "data"],
  "lib/engine": ["lib/core", "lib/formats"],
  "lib/formats": ["lib/core"],
  "lib/jobs": [
    "lib/core",
    "lib/files",
    "lib/net",
    "lib/manifest",
    "lib/cache",
    "lib/mirror",
    "lib/source",
    "lib/engine",
    "lib/formats",
  ],
  "lib": ["lib/core", "lib/jobs", "lib/cache", "lib/manifest", "lib/net"],
  "routes": [
    "lib/core",
    "lib/formats",
    "lib/jobs",
    "lib/manifest",
    "lib/mirror",
    "lib/source",
    "web",
  ],
  "browser": ["lib/core", "lib/formats", "lib/net", "lib/cache", "lib/jobs"],
  "commands": [
    "lib/core",
    "lib/formats",
    "lib/jobs",
    "lib/manifest",
    "lib/mirror",
    "lib/cache",
    "lib/source",
    "lib/engine",
    "lib/files",
    "lib/net",
    "routes",
  ],
};

const IMPORT = /^\s*(?:import|export)\b[^"']*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

const problems: string[] = [];
for (const file of await sources(".")) await checkFile(file);
for (const problem of problems) console.error(problem);
if (problems.length) Deno.exit(1);
console.log("layers: ok");

async function checkFile(file: string): Promise<void> {
  const text = await Deno.readTextFile(file);
  const layer = dirname(file);
  const allowed = MAY_IMPORT[layer];
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  for (const [statement, fixed, dynamic] of code.matchAll(IMPORT)) {
    const target = (fixed ?? dynamic)!;
    if (target.includes("@duckdb/node-api") && !dynamic && !statement.includes("import type")) {
      problems.push(`${file}: DuckDB must be reached by import() only`);
    }
    if (!target.startsWith(".")) {
      if (layer === "lib/core") {
        problems.push(`${file}: core is pure, it may not import ${target}`);
      }
      continue;
    }
    const path = join(layer, target);
    if (/^(cli|main)\.ts$/.test(path)) problems.push(`${file}: nothing imports an entry point`);
    const folder = dirname(path);
    if (allowed && folder !== layer && !allowed.includes(folder)) {
      problems.push(`${file}: ${layer} may not import ${folder}`);
    }
  }
  if (!allowed && !/^(\.|scripts(\/image)?)$/.test(layer)) {
    problems.push(`${file}: ${layer} has no layer`);
  }
  if (layer === "lib/core") {
    const impure = /\bDeno\.|\bfetch\(|\bDate\.now\(|\bnew Date\(\)|Math\.random\(/.exec(code);
    if (impure) problems.push(`${file}: core is pure, it may not use ${impure[0]}`);
  }
  const atImport =
    /^(?:const|let|await|export const)\b[^\n]*(?:Deno\.(?:openKv|env|serve|cron)|\bfetch\()/m
      .exec(code);
  if (atImport && layer !== "scripts") {
    problems.push(`${file}: nothing happens at import: ${atImport[0]}`);
  }
}

async function sources(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (/^(\.|node_modules|tests|docs|data|web)/.test(name)) continue;
    const path = join(dir, name);
    if (isDirectory) found.push(...await sources(path));
    else if (/\.tsx?$/.test(name) && !name.endsWith(".d.ts")) found.push(path);
  }
  return found.sort();
}
