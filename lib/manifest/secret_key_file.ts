/**
 * The publisher's signing key: a JWK in a file that only its owner can read, or in the environment.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { storageError, writeAtomically } from "../files/atomic_file.ts";
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

/** The signing key in a file, made when there is none; all who ask at once get the same one. */
export async function ensureSecretKey(path: string): Promise<Signer> {
  const known = await readSecretKey(path);
  if (known) return known;
  try {
    return await makeSecretKey(path);
  } catch (error) {
    const made = await readSecretKey(path);
    if (made) return made;
    throw error;
  }
}

/** Makes a signing key in a new file; never replaces one. */
export async function makeSecretKey(path: string): Promise<Signer> {
  const jwk = await newSecretKey();
  // Written whole under another name, then linked: of two that start at once, one gets the name.
  const own = `${path}.${crypto.randomUUID()}`;
  await writeAtomically(own, JSON.stringify(jwk) + "\n", { mode: 0o600 });
  try {
    await Deno.link(own, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw storageError(error, path);
    throw new BfaError(
      "usage",
      `Cannot make a signing key: ${path} exists, and a key is never replaced`,
    );
  } finally {
    await Deno.remove(own);
  }
  return await signer(jwk);
}
