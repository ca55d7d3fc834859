/**
 * The machines that programs are made for.
 *
 * @module
 */

import { BfaError } from "../lib/core/errors.ts";

/** One of them. */
export interface Target {
  /** What a file made for it is called after. */
  readonly name: string;
  /** What `deno compile --target` calls it. */
  readonly triple: string;
  /** What npm calls its system and processor. */
  readonly os: "linux" | "darwin" | "win32";
  readonly cpu: "x64" | "arm64";
}

/** All of them. */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", triple: "x86_64-unknown-linux-gnu", os: "linux", cpu: "x64" },
  { name: "linux-arm64", triple: "aarch64-unknown-linux-gnu", os: "linux", cpu: "arm64" },
  { name: "macos-x64", triple: "x86_64-apple-darwin", os: "darwin", cpu: "x64" },
  { name: "macos-arm64", triple: "aarch64-apple-darwin", os: "darwin", cpu: "arm64" },
  { name: "windows-x64", triple: "x86_64-pc-windows-msvc", os: "win32", cpu: "x64" },
];

/** The target of a name or a triple; of this machine when none is given. */
export function targetNamed(name: string = Deno.build.target): Target {
  const found = TARGETS.find((target) => target.name === name || target.triple === name);
  if (found) return found;
  const known = TARGETS.map((target) => target.name).join(", ");
  throw new BfaError("usage", `Cannot make bfa for ${name}: there is ${known}`);
}
