/**
 * The manifest: the signed document that describes one version, and when a copy made from it should
 * be refreshed. What checks every field of one that arrives is in `parse_manifest.ts`: a process that answers from
 * its copy loads only this.
 *
 * @module
 */

import { isTexts, mustBe } from "./checked.ts";
import { canonicalJson, type Json } from "./canonical_json.ts";
import type { Day } from "./day.ts";
import { BfaError } from "./errors.ts";
import type { FileFormats } from "./file_formats.ts";

/** The newest manifest format that this code reads, and the one it writes. */
export const MANIFEST_FORMAT = 1;

/** The newest table schema that this code knows. */
export const SCHEMA_VERSION = 1;

/** What the dataset is called in every manifest. */
export const DATASET = "binance-um-daily-availability";

/** The largest manifest that is read, in bytes: what one Deno KV value holds. */
export const MAX_MANIFEST_BYTES = 64 * 1024;

/** One file of a version. */
export interface Artifact {
  /** File name, with `/` for parts: `parts/2024.parquet`. */
  readonly name: string;
  /** What it is for: `listings`, `availability`, `part`, `database`, `description` and so on. */
  readonly role: string;
  /** Media type of the bytes. */
  readonly mediaType: string;
  /** Length in bytes. */
  readonly bytes: number;
  /** SHA-256 of the bytes, lower-case hex. */
  readonly sha256: string;
  /** Where it is, when not at `<mirror>/<sha256>/<name>`. */
  readonly url?: string;
  /** The last day it knows about, where that is not the version's: see `whole_files.ts`. */
  readonly dataThrough?: Day;
  /** Parquet only: what a range reader wants to know before its first request. */
  readonly parquet?: {
    readonly rows: number;
    /** Length of the footer, with its 8-byte tail. */
    readonly footerBytes: number;
    /** The name of the artifact that says where its blocks are; see `blocks.ts`. */
    readonly index?: string;
  };
}

/** When a copy made from this manifest should be refreshed. Instants, ISO 8601 UTC. */
export interface FreshnessWindow {
  /** A newer version is expected from here on. */
  readonly refreshAfter: string;
  /** A copy is behind from here on. */
  readonly staleAfter: string;
  /** The signature's end. */
  readonly expiresAt: string;
}

/** What is signed. */
export interface ManifestBody {
  /** Format of this document. */
  readonly manifestFormat: number;
  /** Always `binance-um-daily-availability`. */
  readonly dataset: string;
  /** The channel it was published to. */
  readonly channel: string;
  /** The version it describes. */
  readonly version: string;
  /** Grows by one with every publish, promote and rollback; never reused. */
  readonly sequence: number;
  /** The last day the data knows about. */
  readonly dataThrough: Day;
  /** When it was signed, ISO 8601 UTC. */
  readonly publishedAt: string;
  /** When a copy should be refreshed. */
  readonly freshness: FreshnessWindow;
  /** Version of the tables' schema. */
  readonly schemaVersion: number;
  /** Rows of `daily_availability`. */
  readonly rows: number;
  /** Symbols that ever existed. */
  readonly symbols: number;
  /** Rows of the artifact `quarantine.json`, where there is one. */
  readonly quarantined?: number;
  /** What the files use of their formats; versions from before it was written leave it out. */
  readonly formats?: FileFormats;
  /** The version this channel named before; `null` for the first. */
  readonly previous: string | null;
  /** Base URLs; the place that served the manifest is always one more. */
  readonly mirrors: readonly string[];
  /** Keys that may sign the next manifests, when they are about to change. */
  readonly nextKeys?: readonly string[];
  /** The files of the version. */
  readonly artifacts: readonly Artifact[];
}

/** One signature over the canonical form of the body. */
export interface Signature {
  /** `ed25519:` and the public key in base64url: a key's name is the key. */
  readonly keyId: string;
  /** The signature's algorithm. */
  readonly alg: "Ed25519";
  /** base64url of the 64 signature bytes. */
  readonly sig: string;
}

/** A body and its signatures. */
export interface Manifest {
  /** What is signed. */
  readonly signed: ManifestBody;
  /** At least one of a trusted key. */
  readonly signatures: readonly Signature[];
}

const CHANNEL = /^[a-z][a-z0-9-]{0,31}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const ARTIFACT_NAME = /^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)?$/i;

/** Whether a text can name a channel: lower-case letters, digits and dashes, 32 at most. */
export function isChannel(text: string): boolean {
  return CHANNEL.test(text);
}

/** Reads a channel's name; `latest` when left out. */
export function readChannel(channel: string | undefined): string {
  const name = channel ?? "latest";
  if (isChannel(name)) return name;
  throw new BfaError("usage", `Cannot use the channel ${JSON.stringify(name.slice(0, 40))}`);
}

/** Whether a text is a digest: 64 lower-case hex digits. */
export function isSha256(text: string): boolean {
  return SHA256.test(text);
}

/** Whether a text can name an artifact: `listings.json`, `parts/2024.parquet`. */
export function isArtifactName(text: string): boolean {
  return ARTIFACT_NAME.test(text) && !text.includes("..");
}

/** Writes a manifest as text: the bytes that are stored, served and kept. */
export function formatManifest(manifest: Manifest): string {
  return JSON.stringify(manifest, null, 2) + "\n";
}

/**
 * The bytes that a signature covers.
 *
 * @throws {BfaError} `integrity` for a body that nobody can have signed: nested too deeply, or with a
 *   text or number that has no canonical form.
 */
export function signedBytes(body: ManifestBody): Uint8Array<ArrayBuffer> {
  try {
    return new TextEncoder().encode(canonicalJson(body as unknown as Json));
  } catch (cause) {
    throw new BfaError("integrity", "Cannot read the manifest: it has no canonical form", {
      cause,
    });
  }
}

/**
 * Reads a manifest that `parseManifest()` accepted before: the fields of what is still signed are as they
 * were.
 *
 * @throws {BfaError} `format_too_new` for a later format; `integrity` for what is torn.
 */
export function readKeptManifest(text: string): Manifest {
  if (new TextEncoder().encode(text).length > MAX_MANIFEST_BYTES) {
    throw new BfaError(
      "integrity",
      `Cannot read the manifest: it is longer than ${MAX_MANIFEST_BYTES} bytes`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BfaError("integrity", "Cannot read the manifest: it is not JSON, or torn", { cause });
  }
  const manifest = object(value, "the document");
  const signed = object(manifest.signed, "signed");
  const format = ordinal(signed.manifestFormat, "manifestFormat");
  if (format > MANIFEST_FORMAT) {
    throw new BfaError(
      "format_too_new",
      `Cannot read a manifest of format ${format}: this program knows up to ${MANIFEST_FORMAT}; update bfa`,
    );
  }
  list(manifest.signatures, "signatures");
  return manifest as unknown as Manifest;
}

/** The artifact with a name. */
export function artifactNamed(body: ManifestBody, name: string): Artifact {
  mustBe(typeof name === "string", "this name", "a text, such as listings.json");
  const artifact = body.artifacts.find((a) => a.name === name);
  if (artifact) return artifact;
  const names = body.artifacts.map((a) => a.name).join(", ");
  throw new BfaError(
    "not_found",
    `no artifact ${JSON.stringify(name)} in ${body.version}: it has ${names}`,
  );
}

/**
 * The artifacts that names stand for: `parts/` is all in that folder, in this version and in later
 * ones; `*` stands for any letters, so that `parts/2024*` is a year and `*` is all.
 *
 * @throws {BfaError} `not_found` when a name stands for none.
 */
export function artifactsNamed(body: ManifestBody, names: readonly string[]): Artifact[] {
  mustBe(isTexts(names), "these names", `a list, such as ["parts/"]`);
  const found = new Set<Artifact>();
  for (const name of names) {
    const some = body.artifacts.filter((artifact) => isNamed(artifact, name));
    if (some.length === 0) artifactNamed(body, name); // says which there are
    for (const artifact of some) found.add(artifact);
  }
  return [...found];
}

/** Whether a name stands for an artifact. */
export function isNamed({ name }: Artifact, asked: string): boolean {
  if (name === asked || (asked.endsWith("/") && name.startsWith(asked))) return true;
  const [first = "", ...rest] = asked.split("*");
  const last = rest.pop();
  if (last === undefined || !name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return name.endsWith(last) && name.length - last.length >= at;
}

/** A value that must be an object. */
export function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(what);
  return value as Record<string, unknown>;
}

/** A value that must be a list, of a thousand at most. */
export function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value) || value.length > 1000) throw malformed(what);
  return value;
}

/** A value that must count something: zero or more. */
export function count(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed(what);
  return value as number;
}

/** A value that must count from one. */
export function ordinal(value: unknown, what: string): number {
  if (count(value, what) < 1) throw malformed(what);
  return value as number;
}

/** The error for a field that is not as it should be. */
export function malformed(what: string): BfaError {
  return new BfaError("integrity", `Cannot read the manifest: ${what} is not as it should be`);
}
