/**
 * What a release is made of, as CycloneDX: Deno, and the npm packages that the program reaches, each with the digest
 * that the lock files hold it to (`tests/deno.lock` has all that `deno.lock` has).
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { runProgram } from "./run_program.ts";

/** One package of the lock file; dependencies are named without their version where there is only one. */
interface Locked {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

const LOCKED: Readonly<Record<string, Locked>> = JSON.parse(
  await Deno.readTextFile(new URL("../tests/deno.lock", import.meta.url)),
).npm;

const DUCKDB = config.imports["@duckdb/node-api"].replace("npm:", "");

/** Writes it. */
export async function writeSbom(path: string): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(await sbom(), null, 2) + "\n");
}

/** A package that the program reaches. */
export interface Reached {
  /** Its key in the lock file. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
}

/** The packages that the program imports, and those that they need, sorted. */
export async function reachedPackages(): Promise<{ direct: string[]; all: Reached[] }> {
  const direct = await importedPackages("cli.ts");
  if (!direct.includes(DUCKDB)) direct.unshift(DUCKDB); // it is imported by a computed name
  return { direct, all: withDependencies(direct) };
}

/** The packages that a module and those it imports name, sorted. */
export async function importedPackages(entry: string): Promise<string[]> {
  const { out } = await runProgram(Deno.execPath(), ["info", "--json", entry]);
  const { modules }: { modules: { npmPackage?: string }[] } = JSON.parse(out);
  return [...new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []))].sort();
}

/** Packages by their keys in the lock file, and those that they need, sorted. */
export function withDependencies(direct: readonly string[]): Reached[] {
  const reached = new Set<string>();
  const add = (id: string) => {
    if (reached.has(id)) return;
    reached.add(id);
    dependenciesOf(id).forEach(add);
  };
  direct.forEach(add);
  return [...reached].sort().map((id) => ({ id, ...split(id) }));
}

/** Makes it; the same program gives the same text. */
export async function sbom(): Promise<unknown> {
  const { direct, all } = await reachedPackages();
  const ids = all.map(({ id }) => id);
  const reached = new Set(ids);
  const self = `pkg:generic/bfa@${config.version}`;
  const deno = `pkg:generic/deno@${Deno.version.deno}`;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": self,
        name: "bfa",
        version: config.version,
        purl: self,
        licenses: [{ license: { id: config.license } }],
      },
    },
    components: [
      { type: "platform", "bom-ref": deno, name: "deno", version: Deno.version.deno, purl: deno },
      ...ids.map(component),
    ],
    dependencies: [
      { ref: self, dependsOn: [deno, ...direct.map(purl)] },
      ...ids.map((id) => ({
        ref: purl(id),
        dependsOn: dependenciesOf(id).filter((other) => reached.has(other)).map(purl).sort(),
      })),
    ],
  };
}

function component(id: string) {
  const { name, version } = split(id);
  const digest = LOCKED[id]!.integrity.replace(/^sha512-/, "");
  return {
    type: "library",
    "bom-ref": purl(id),
    name,
    version,
    purl: purl(id),
    hashes: [{ alg: "SHA-512", content: Uint8Array.fromBase64(digest).toHex() }],
  };
}

function dependenciesOf(id: string): string[] {
  const { dependencies = [], optionalDependencies = [] } = LOCKED[id] ?? {};
  return [...dependencies, ...optionalDependencies].map(locked);
}

/** The lock file's key of a dependency. */
function locked(name: string): string {
  if (Object.hasOwn(LOCKED, name)) return name;
  const found = Object.keys(LOCKED).filter((id) => split(id).name === name);
  if (found.length === 1) return found[0]!;
  throw new Error(`Cannot tell which ${name} deno.lock means`);
}

/** `ajv-formats@3.0.1_ajv@8.20.0` is version 3.0.1, with a certain peer. */
function split(id: string): { name: string; version: string } {
  const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(id)!;
  return { name: name!, version: version! };
}

/** As npm's package URLs are written: a scope's `@` is `%40`. */
function purl(id: string): string {
  const { name, version } = split(id);
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

if (import.meta.main) await writeSbom(Deno.args[0] ?? "dist/sbom.cdx.json");
