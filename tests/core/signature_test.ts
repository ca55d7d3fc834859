import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import {
  formatManifest,
  type Manifest,
  type ManifestBody,
  type Signature,
} from "../../lib/core/manifest.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import {
  goodKeys,
  isKeyId,
  newSecretKey,
  signer,
  signManifest,
} from "../../lib/manifest/signature.ts";
import { manifestBody } from "../helpers/manifest_body.ts";

const [first, second] = [await signer(await newSecretKey()), await signer(await newSecretKey())];
const SIGNED = await signManifest(manifestBody(), [first]);

/** The signed manifest with other signatures. */
function withSignatures(...changes: Partial<Signature>[]): Manifest {
  const signatures = changes.map((change) => ({ ...SIGNED.signatures[0]!, ...change }));
  return { signed: SIGNED.signed, signatures };
}

Deno.test("`goodKeys()` names the key that signed, also after a round trip through text", async () => {
  assertMatch(first.keyId, /^ed25519:[A-Za-z0-9_-]{43}$/);
  assertEquals(await goodKeys(SIGNED), [first.keyId]);
  assertEquals(await goodKeys(parseManifest(formatManifest(SIGNED))), [first.keyId]);
});

Deno.test("`goodKeys()` does not mind the order of members, only their values", async () => {
  const reversed = Object.fromEntries(Object.entries(SIGNED.signed).reverse());
  const manifest = { ...SIGNED, signed: reversed as unknown as ManifestBody };
  assertEquals(await goodKeys(manifest), [first.keyId]);
});

Deno.test("a signature is the same every time: Ed25519 needs no chance", async () => {
  assertEquals(await signManifest(manifestBody(), [first]), SIGNED);
});

Deno.test("`goodKeys()` finds a body out that was changed in any member", async () => {
  const tampered: Partial<ManifestBody>[] = [
    { sequence: 413 },
    { channel: "candidate" },
    { version: "2026-11-20.2" },
    { rows: 690_114 },
    { previous: null },
    { mirrors: [] },
    { nextKeys: [second.keyId] },
    { artifacts: [] },
    { freshness: { ...SIGNED.signed.freshness, expiresAt: "2036-12-05T12:04:11Z" } },
  ];
  for (const change of tampered) {
    const signed = { ...SIGNED.signed, ...change };
    assertEquals(await goodKeys({ ...SIGNED, signed }), [], JSON.stringify(change));
  }
});

Deno.test("`goodKeys()` verifies members that this program does not know", async () => {
  const signed = { ...manifestBody(), note: { z: 1, a: "é" } };
  const text = formatManifest(await signManifest(signed, [first]));
  assertEquals(await goodKeys(parseManifest(text)), [first.keyId]);
  assertEquals(await goodKeys(parseManifest(text.replace('"z": 1', '"z": 2'))), []);
});

Deno.test("`goodKeys()` refuses the signature of one key under the name of another", async () => {
  assertEquals(await goodKeys(withSignatures({ keyId: second.keyId })), []);
});

Deno.test("`goodKeys()` counts garbage as no signature, and goes on to the next", async () => {
  const garbage: Partial<Signature>[] = [
    { keyId: "" },
    { keyId: "ed25519:" },
    { keyId: `ed25519:${"A".repeat(42)}` },
    { keyId: `ed25519:${"A".repeat(43)}` },
    { keyId: `ed25519:${"_".repeat(43)}` },
    { keyId: `ed25519:${"!".repeat(43)}` },
    { keyId: `rsa:${first.keyId.slice(8)}` },
    { keyId: `${first.keyId}\n` },
    { keyId: "__proto__" },
    { sig: "" },
    { sig: "not base64url!" },
    { sig: "A".repeat(86) },
    { sig: SIGNED.signatures[0]!.sig.slice(0, -2) },
  ];
  for (const change of garbage) {
    assertEquals(await goodKeys(withSignatures(change)), [], JSON.stringify(change));
  }
  assertEquals(await goodKeys(withSignatures(...garbage.slice(0, 9), {})), [first.keyId]);
});

Deno.test("`goodKeys()` looks only at the keys it is told to, and names each once", async () => {
  const both = await signManifest(manifestBody(), [first, second]);
  assertEquals(await goodKeys(both), [first.keyId, second.keyId]);
  assertEquals(await goodKeys(both, [second.keyId]), [second.keyId]);
  assertEquals(await goodKeys(both, []), []);
  assertEquals(await goodKeys(withSignatures({}, {}, {})), [first.keyId]);
});

Deno.test("`goodKeys()` looks at 16 signatures at most", async () => {
  const bad = { sig: "A".repeat(86) };
  assertEquals(await goodKeys(withSignatures(...Array(15).fill(bad), {})), [first.keyId]);
  assertEquals(await goodKeys(withSignatures(...Array(16).fill(bad), {})), []);
});

Deno.test("`goodKeys()` of a manifest without signatures is empty", async () => {
  assertEquals(await goodKeys(withSignatures()), []);
});

Deno.test("`isKeyId()` knows an Ed25519 key's name", () => {
  assertEquals(isKeyId(first.keyId), true);
  for (const text of ["", "ed25519:", `ed25519:${"A".repeat(44)}`, first.keyId.slice(8)]) {
    assertEquals(isKeyId(text), false, text);
  }
});

Deno.test("`signer()` refuses what is no private key, and never shows it", async () => {
  const secret = await newSecretKey();
  const { d: _, ...publicKey } = secret;
  const keys: JsonWebKey[] = [
    {},
    publicKey,
    { ...secret, kty: "EC" },
    { ...secret, crv: "X25519" },
    { ...secret, d: "c2VjcmV0" },
    { ...secret, x: "" },
  ];
  for (const jwk of keys) {
    const error = await assertRejects(() => signer(jwk), BfaError);
    assertEquals(error.code, "usage");
    assertEquals(error.message.includes(secret.d!) || error.message.includes("c2Vj"), false);
    assertEquals(error.cause, undefined);
  }
});
