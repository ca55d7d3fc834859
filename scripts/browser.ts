/**
 * Makes the folder of SQL in the browser: a page, its worker, and DuckDB's WebAssembly module from npm. It is put beside the
 * `manifest.json` of a mirror, or given to a service (docs/sql_in_the_browser.md).
 *
 *     deno task browser [OUT]
 *
 * @module
 */

import { join, resolve } from "@std/path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { formatBytes } from "../commands/output.ts";
import config from "../deno.json" with { type: "json" };
import { unpackPackage } from "./image/npm_package.ts";
import { LICENSES_FILE, licensesOf } from "./licenses.ts";
import { lower } from "./lower.ts";
import { ignoreMissing, runProgram } from "./run_program.ts";
import { importedPackages, withDependencies } from "./sbom.ts";

const PACKAGE = "@duckdb/duckdb-wasm";
const VERSION = "1.32.0";

/** Its digest, as the registry states it: this package once came with malware. */
const INTEGRITY =
  "sha512-IewXTNYEjsZCPE9weUWgtjGxUlMRo7qhX0GF6tq/KjK8bnY+RAl4cyUdYUfcdzbyb4b9ZxPC+FOsCcxgaKFWMg==";

/** The module for browsers of 2022 and later. */
const WASM = "duckdb-eh.wasm";

/** What it is called in the folder: compressed, since many servers of files compress nothing. */
const WASM_FILE = "duckdb.wasm.gz";

/** The syntax that browsers of 2024 know. */
const TARGET = "es2022";

/** What its bindings are made for, in the version that the tests have. */
const ARROW = config.scopes["./tests/"]["apache-arrow"];

/** Makes it, anew. */
export async function makeBrowserFolder(out: string): Promise<void> {
  const temp = await Deno.makeTempDir({ prefix: "bfa-browser-" });
  try {
    await unpackPackage(PACKAGE, VERSION, join(temp, "duckdb"), { integrity: INTEGRITY });
    const wasm = await Deno.readFile(join(temp, "duckdb/dist", WASM));
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", wasm)).toHex();

    await Deno.remove(out, { recursive: true }).catch(ignoreMissing);
    await Deno.mkdir(out, { recursive: true });
    const entry = join(temp, "worker.js");
    await Deno.writeTextFile(entry, workerEntry(join(temp, "duckdb/dist"), sha256));
    await Deno.writeTextFile(join(temp, "deno.json"), bundlerConfig());
    // A copy: Deno takes out of a lock file what its configuration does not name.
    await Deno.copyFile("tests/deno.lock", join(temp, "deno.lock"));
    await bundleInto(out, entry, temp);
    await bundleInto(out, "browser/page.js", temp);
    await lower(["worker.js", "page.js"].map((name) => join(out, name)), TARGET, ["--minify"]);
    await Deno.copyFile("browser/page.html", join(out, "index.html"));
    await Deno.copyFile("web/app.css", join(out, "app.css"));
    await Deno.writeFile(join(out, WASM_FILE), gzipSync(wasm, { level: 9 }));
    await Deno.writeTextFile(join(out, LICENSES_FILE), await licenses());
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
}

/** DuckDB's bindings are in its package, but not among its exports: they are imported by their file. */
function workerEntry(dist: string, sha256: string): string {
  const bindings = pathToFileURL(join(dist, "duckdb-browser-blocking.mjs"));
  const worker = pathToFileURL(resolve("browser/worker.ts"));
  return `import * as duckdb from "${bindings}";
import { start } from "${worker}";
start(self, { duckdb, file: "${WASM_FILE}", sha256: "${sha256}" });
`;
}

/** This project's packages, and the one that DuckDB's bindings name. */
function bundlerConfig(): string {
  return JSON.stringify({ imports: { ...config.imports, "apache-arrow": ARROW } });
}

async function bundleInto(out: string, entry: string, temp: string): Promise<void> {
  const options = ["--quiet", "--minify", "--platform=browser", `--outdir=${out}`];
  options.push(`--config=${join(temp, "deno.json")}`, `--lock=${join(temp, "deno.lock")}`);
  await runProgram(Deno.execPath(), ["bundle", ...options, entry]);
}

async function licenses(): Promise<string> {
  const direct = [...await importedPackages("browser/worker.ts"), ARROW.slice("npm:".length)];
  const duckdb = `${PACKAGE} ${VERSION}\n\nLicence: MIT\n`;
  return `${duckdb}\n${"-".repeat(80)}\n\n${await licensesOf(withDependencies(direct))}`;
}

if (import.meta.main) {
  const [out = "dist/browser", ...more] = Deno.args;
  if (more.length || out.startsWith("-")) {
    throw new Error("Cannot read the arguments: it takes one folder");
  }
  await makeBrowserFolder(out);
  for await (const { name } of Deno.readDir(out)) {
    const { size } = await Deno.stat(join(out, name));
    console.log(`${formatBytes(size).padStart(8)}  ${join(out, name)}`);
  }
}
