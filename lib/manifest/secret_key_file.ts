/**
 * The publisher's signing key: a JWK in a file that only its owner can read, or in the environment.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { writeAtomically } from "../files/atomic_file.ts";
import { newSecretKey, type Signer, signer } from "./signature.ts";

/** Reads the signing key in a file, or `undefined` when there is no such file. */
export async function readSecretKey(path: string): Promise<Signer | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return await parseSecretKey(text, path);
}

/** Reads a signing key from the text of a JWK; `where` names its place in messages. */
export async function parseSecretKey(text: string, where: string): Promise<Signer> {
  let jwk: JsonWebKey;
  try {
    jwk = JSON.parse(text);
  } catch {
    throw new BfaError("usage", `Cannot use the signing key in ${where}: it is not a JWK`);
  }
  return await signer(jwk);
}

/** Makes a signing key in a new file; never replaces one. */
export async function makeSecretKey(path: string): Promise<Signer> {
  if (await readSecretKey(path)) {
    throw new BfaError("usage", `Cannot make a signing key: ${path} exists; give another --out`);
  }
  const jwk = await newSecretKey();
  await writeAtomically(path, JSON.stringify(jwk) + "\n", { mode: 0o600 });
  return await signer(jwk);
}
