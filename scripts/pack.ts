/**
 * Makes the npm package: the command line on the Deno that npm has, and the library for Node and browsers.
 *
 *     deno task pack
 *
 * @module
 */

import { join, resolve } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { APP_ENTRY, bundle } from "./app_folder.ts";
import { bundledLicenses, LICENSES_FILE } from "./licenses.ts";
import { lower } from "./lower.ts";
import { ignoreMissing, runProgram } from "./run_program.ts";

/** The oldest that the library runs in. */
const TARGET = "node20";

/** Packages whose types stand in those of the library. */
const TYPES = ["hyparquet", "lru-cache"] as const;

/** Makes it; returns the tarball. */
export async function pack(dist: string): Promise<string> {
  const dir = join(dist, "npm");
  await Deno.remove(dir, { recursive: true }).catch(ignoreMissing);
  await bundle("cli.ts", { dir: join(dir, "app"), name: APP_ENTRY, platform: "deno" });
  await bundle("lib/mod.ts", { dir: join(dir, "lib"), name: "mod.js", platform: "browser" });
  const files = await Array.fromAsync(Deno.readDir(join(dir, "lib")), ({ name }) => name);
  await lower(files.map((name) => join(dir, "lib", name)), TARGET);
  await writeTypes(join(dir, "types"));
  const bin = await Deno.readTextFile(new URL("npm_bin.js", import.meta.url));
  const unstable = JSON.stringify(config.unstable.map((name) => `--unstable-${name}`));
  await Deno.writeTextFile(join(dir, "bin.js"), bin.replace("UNSTABLE", unstable));
  await Deno.writeTextFile(join(dir, LICENSES_FILE), await bundledLicenses());
  for (const file of ["README.md", "LICENSE"]) await Deno.copyFile(file, join(dir, file));
  await Deno.writeTextFile(
    join(dir, "package.json"),
    JSON.stringify(packageJson(), null, 2) + "\n",
  );
  await runProgram("npm", ["pack", "--silent", "--pack-destination", dist, resolve(dir)]);
  return join(dist, `${config.name.slice(1).replace("/", "-")}-${config.version}.tgz`);
}

function packageJson() {
  const library = { types: "./types/lib/mod.d.ts", default: "./lib/mod.js" };
  return {
    name: config.name,
    version: config.version,
    description: "Which Binance USDⓈ-M futures existed, and really traded, on a day",
    license: config.license,
    type: "module",
    engines: { node: ">=20" },
    bin: { bfa: "bin.js" },
    exports: { ".": library, "./lib": library },
    files: ["app", "lib", "types", "bin.js", LICENSES_FILE],
    dependencies: Object.fromEntries(TYPES.map((name) => [name, versionOf(name)])),
    // A program that only uses the library can leave them out.
    optionalDependencies: {
      deno: Deno.version.deno,
      "@duckdb/node-api": versionOf("@duckdb/node-api"),
    },
  };
}

/** The version that deno.json pins a package to. */
function versionOf(name: keyof typeof config.imports): string {
  return config.imports[name].slice(`npm:${name}@`.length);
}

/** The library's declarations. They are explicit (JSR asks for that), so nothing need be checked to write them. */
async function writeTypes(dir: string): Promise<void> {
  const options = "--declaration --emitDeclarationOnly --noCheck --skipLibCheck " +
    "--allowImportingTsExtensions --resolveJsonModule --target esnext --module preserve " +
    "--moduleResolution bundler --rootDir .";
  const tsc = ["-y", "-p", "typescript@5.9.3", "tsc", ...options.split(" "), "--outDir", dir];
  await runProgram("npx", [...tsc, "lib/mod.ts"]);
}

if (import.meta.main) {
  await Deno.mkdir("dist", { recursive: true });
  const file = await pack("dist");
  console.log(`${file}  ${((await Deno.stat(file)).size / 1e6).toFixed(1)} MB`);
}
