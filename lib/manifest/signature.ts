/**
 * Ed25519 signatures of manifests, by Web Crypto. A key's name is the key itself: `ed25519:` and the
 * 32 public bytes in base64url.
 *
 * @module
 */

import { fromBase64url, toBase64url } from "../core/bytes.ts";
import { BfaError } from "../core/errors.ts";
import { type Manifest, type ManifestBody, signedBytes } from "../core/manifest.ts";

/** Signs manifests. */
export interface Signer {
  /** The name of the public key. */
  readonly keyId: string;
  /** The 64 signature bytes over `bytes`. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

const KEY_ID = /^ed25519:[A-Za-z0-9_-]{43}$/;

/** Whether a text names an Ed25519 key. */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** Makes a new secret key, as a JWK. */
export async function newSecretKey(): Promise<JsonWebKey> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  return await crypto.subtle.exportKey("jwk", (pair as CryptoKeyPair).privateKey);
}

/**
 * A signer from a secret key.
 *
 * @param jwk An Ed25519 private key (`kty` OKP, with `x` and `d`).
 * @throws {BfaError} `usage` when it is not one; the key itself never appears in the message.
 */
export async function signer(jwk: JsonWebKey): Promise<Signer> {
  if (jwk?.kty !== "OKP" || jwk.crv !== "Ed25519" || !jwk.d || !jwk.x) {
    throw new BfaError("usage", "Cannot use the signing key: it is not an Ed25519 private JWK");
  }
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
  } catch {
    throw new BfaError("usage", "Cannot use the signing key: Web Crypto refuses it");
  }
  return {
    keyId: `ed25519:${jwk.x}`,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, bytes)),
  };
}

/** Signs a body with one or more keys. */
export async function signManifest(
  body: ManifestBody,
  signers: readonly Signer[],
): Promise<Manifest> {
  const bytes = signedBytes(body);
  const signatures = await Promise.all(signers.map(async (s) => ({
    keyId: s.keyId,
    alg: "Ed25519" as const,
    sig: toBase64url(await s.sign(bytes)),
  })));
  return { signed: body, signatures };
}

/**
 * The keys whose signatures on a manifest are good, in the order they stand there.
 *
 * @param among Only these keys are looked at; all that signed, when left out.
 */
export async function goodKeys(
  manifest: Manifest,
  among?: readonly string[],
): Promise<string[]> {
  const bytes = signedBytes(manifest.signed);
  const good: string[] = [];
  for (const { keyId, sig } of manifest.signatures.slice(0, 16)) {
    if (!isKeyId(keyId) || (among && !among.includes(keyId)) || good.includes(keyId)) continue;
    if (await verifies(keyId, sig, bytes)) good.push(keyId);
  }
  return good;
}

async function verifies(
  keyId: string,
  sig: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    const raw = fromBase64url(keyId.slice("ed25519:".length));
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, fromBase64url(sig), bytes);
  } catch {
    return false; // not base64url, or not a point on the curve: no signature of that key
  }
}
