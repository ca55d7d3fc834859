/**
 * Reading a manifest that arrives: every field is checked, because a stranger may have written it.
 *
 * @module
 */

import { type Day, isDay } from "./day.ts";
import { BfaError } from "./errors.ts";
import {
  type Artifact,
  count,
  DATASET,
  isArtifactName,
  isChannel,
  isSha256,
  list,
  malformed,
  type Manifest,
  object,
  ordinal,
  readKeptManifest,
  SCHEMA_VERSION,
  type Signature,
} from "./manifest.ts";
import { versionParts } from "./version.ts";

/** What clients download, read and hold whole: listings (of 1,000 symbols 0.1 MB), indexes of blocks (20 kB). */
const MAX_WHOLE_BYTES = 16 * 1024 * 1024;

const INSTANT = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z$/;

/**
 * Reads a manifest from text and checks every field. Does not verify signatures.
 *
 * @throws {BfaError} `format_too_new` for a later format; `integrity` for anything malformed.
 */
export function parseManifest(text: string): Manifest {
  const manifest = readKeptManifest(text);
  const signatures = list(manifest.signatures, "signatures").map(readSignature);
  // The body stays as it came, so that members this program does not know are still verified.
  checkBody(manifest.signed as unknown as Record<string, unknown>);
  return { signed: manifest.signed, signatures };
}

function checkBody(signed: Record<string, unknown>): void {
  if (signed.dataset !== DATASET) throw malformed("dataset");
  if (!isChannel(text(signed.channel, "channel"))) throw malformed("channel");
  const version = versionParts(text(signed.version, "version"));
  if (!version || version.build === 0) throw malformed("version");
  ordinal(signed.sequence, "sequence");
  const dataThrough = text(signed.dataThrough, "dataThrough");
  if (!isDay(dataThrough) || dataThrough !== version.dataThrough) throw malformed("dataThrough");
  const published = instant(signed.publishedAt, "publishedAt");
  const freshness = object(signed.freshness, "freshness");
  const refresh = instant(freshness.refreshAfter, "freshness.refreshAfter");
  const stale = instant(freshness.staleAfter, "freshness.staleAfter");
  const expires = instant(freshness.expiresAt, "freshness.expiresAt");
  if (!(published <= refresh && refresh <= stale && stale <= expires)) throw malformed("freshness");
  const schema = ordinal(signed.schemaVersion, "schemaVersion");
  if (schema > SCHEMA_VERSION) {
    throw new BfaError(
      "format_too_new",
      `Cannot use data of schema ${schema}: this program knows up to ${SCHEMA_VERSION}; update bfa`,
    );
  }
  count(signed.rows, "rows");
  count(signed.symbols, "symbols");
  if (signed.quarantined !== undefined) count(signed.quarantined, "quarantined");
  if (signed.formats !== undefined) checkFormats(object(signed.formats, "formats"));
  if (signed.previous !== null && !versionParts(text(signed.previous, "previous"))) {
    throw malformed("previous");
  }
  for (const mirror of list(signed.mirrors, "mirrors")) webUrl(mirror, "mirrors");
  if (signed.nextKeys !== undefined) {
    for (const key of list(signed.nextKeys, "nextKeys")) text(key, "nextKeys");
  }
  const artifacts = list(signed.artifacts, "artifacts") as Partial<Artifact>[];
  const names = artifacts.map((value) => checkArtifact(value, dataThrough));
  if (new Set(names).size !== names.length) throw malformed("artifacts: a name appears twice");
  const bytesOf = new Map(artifacts.map(({ name, bytes }) => [name, bytes!]));
  for (const { name, parquet } of artifacts) {
    if (parquet?.index === undefined) continue;
    const bytes = bytesOf.get(parquet.index);
    if (bytes === undefined || bytes > MAX_WHOLE_BYTES) throw malformed(`${name}: parquet.index`);
  }
}

function checkFormats({ duckdbStorage, parquet }: Record<string, unknown>): void {
  text(duckdbStorage, "formats.duckdbStorage");
  const { codecs, encodings } = object(parquet, "formats.parquet");
  for (const codec of list(codecs, "formats.parquet.codecs")) text(codec, "formats.parquet.codecs");
  for (const encoding of list(encodings, "formats.parquet.encodings")) {
    text(encoding, "formats.parquet.encodings");
  }
}

function checkArtifact(value: unknown, newest: Day): string {
  const artifact = object(value, "artifacts");
  const name = text(artifact.name, "artifacts: name");
  if (!isArtifactName(name)) throw malformed(`artifacts: name`);
  text(artifact.role, `${name}: role`);
  text(artifact.mediaType, `${name}: mediaType`);
  const bytes = count(artifact.bytes, `${name}: bytes`);
  if (name === "listings.json" && bytes > MAX_WHOLE_BYTES) throw malformed(`${name}: bytes`);
  if (!isSha256(text(artifact.sha256, `${name}: sha256`))) throw malformed(`${name}: sha256`);
  if (artifact.url !== undefined) webUrl(artifact.url, `${name}: url`);
  if (artifact.dataThrough !== undefined) {
    const day = text(artifact.dataThrough, `${name}: dataThrough`);
    if (!isDay(day) || day > newest) throw malformed(`${name}: dataThrough`);
  }
  if (artifact.parquet !== undefined) {
    const parquet = object(artifact.parquet, `${name}: parquet`);
    count(parquet.rows, `${name}: parquet.rows`);
    count(parquet.footerBytes, `${name}: parquet.footerBytes`);
    if (parquet.index !== undefined) text(parquet.index, `${name}: parquet.index`);
  }
  return name;
}

function readSignature(value: unknown): Signature {
  const signature = object(value, "signatures");
  if (signature.alg !== "Ed25519") throw malformed("signatures: alg");
  return {
    keyId: text(signature.keyId, "signatures: keyId"),
    alg: signature.alg,
    sig: text(signature.sig, "signatures: sig"),
  };
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string" || value.length === 0 || value.length > 2000) throw malformed(what);
  return value;
}

function instant(value: unknown, what: string): number {
  const iso = text(value, what);
  if (!INSTANT.test(iso) || !isDay(iso.slice(0, 10))) throw malformed(what);
  return Date.parse(iso);
}

function webUrl(value: unknown, what: string): void {
  if (!/^https?:\/\//.test(text(value, what)) || !URL.canParse(value as string)) {
    throw malformed(what);
  }
}
