/**
 * Packages from npm that hold a program or a library for one processor.
 *
 * @module
 */

import { BfaError, IntegrityError } from "../../lib/core/errors.ts";
import { ProgramFailed, runProgram } from "../run_program.ts";
import type { Arch } from "./document.ts";

/** What npm calls the processors. */
const NPM_ARCH = { amd64: "x64", arm64: "arm64" } as const;

/** What the header of a program for Linux calls them. */
const ELF_MACHINE: Readonly<Record<number, string>> = { 62: "amd64", 183: "arm64" };

/** A package's name for a processor. */
export function forArch(name: string, arch: Arch): string {
  return name.replace("{arch}", NPM_ARCH[arch]);
}

/**
 * Fetches a package with npm, which holds it against the registry's own digest, and unpacks it.
 *
 * @param options `integrity`: the digest that it must have as well.
 */
export async function unpackPackage(
  name: string,
  version: string,
  into: string,
  options: { integrity?: string | undefined } = {},
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bfa-npm-" });
  try {
    const spec = `${name}@${version}`;
    const args = ["pack", "--json", "--loglevel=error", spec, `--pack-destination=${folder}`];
    const { out } = await runProgram("npm", args).catch((error) => explain(spec, error));
    const [packed] = JSON.parse(out);
    const { integrity = packed.integrity } = options;
    if (packed.integrity !== integrity) throw new IntegrityError(spec, integrity, packed.integrity);
    await Deno.mkdir(into, { recursive: true });
    const [file] = [...Deno.readDirSync(folder)].map((entry) => `${folder}/${entry.name}`);
    await runProgram("tar", ["-xzf", file!, "--strip-components=1", "--no-same-owner", "-C", into]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function explain(spec: string, error: unknown): never {
  if (!(error instanceof ProgramFailed)) throw error;
  const missing = /\bE404\b|\bETARGET\b/.test(error.stderr);
  const why = missing ? "npm has no such version; see --deno" : `npm says: ${error.said}`;
  throw new BfaError(missing ? "not_found" : "network", `Cannot fetch ${spec}: ${why}`);
}

/** Refuses a file that is not for a processor: it would fail on the machine of whoever runs the image. */
export async function checkArch(path: string, arch: Arch): Promise<void> {
  using file = await Deno.open(path);
  const head = new Uint8Array(20);
  await file.read(head);
  const magic = new TextDecoder().decode(head.subarray(1, 4));
  const machine = magic === "ELF" ? new DataView(head.buffer).getUint16(18, true) : 0;
  const found = ELF_MACHINE[machine] ?? "something else";
  if (found === arch) return;
  const name = path.slice(path.lastIndexOf("/") + 1);
  throw new BfaError("integrity", `Cannot make an image for ${arch}: ${name} is for ${found}`);
}
