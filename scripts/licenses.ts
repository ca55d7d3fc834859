/**
 * The licences of the packages that are bundled: each asks that its text goes along with copies.
 *
 * @module
 */

import { runProgram } from "./run_program.ts";
import { reachedPackages } from "./sbom.ts";

/** What the file is called. */
export const LICENSES_FILE = "THIRD_PARTY_LICENSES.txt";

/** All of them, one after the other. DuckDB is not bundled: its own lie in its folders. */
export async function bundledLicenses(): Promise<string> {
  const { out } = await runProgram(Deno.execPath(), ["info", "--json"]);
  const { npmCache } = JSON.parse(out);
  const texts: string[] = [];
  for (const { name, version } of (await reachedPackages()).all) {
    if (name.startsWith("@duckdb/")) continue;
    texts.push(`${name} ${version}\n\n${await licenseOf(npmCache, name, version)}`);
  }
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

async function licenseOf(cache: string, name: string, version: string): Promise<string> {
  for await (const registry of Deno.readDir(cache)) {
    const dir = `${cache}/${registry.name}/${name}/${version}`;
    const names = await Array.fromAsync(Deno.readDir(dir), (entry) => entry.name)
      .catch((): string[] => []);
    const file = names.find((found) => /^licen[cs]e/i.test(found));
    if (file) return await Deno.readTextFile(`${dir}/${file}`);
    if (!names.includes("package.json")) continue;
    // Some say in one word what the others say in a file.
    return `Licence: ${JSON.parse(await Deno.readTextFile(`${dir}/package.json`)).license}\n`;
  }
  throw new Error(`Cannot find the licence of ${name} ${version}: it is not in ${cache}`);
}
