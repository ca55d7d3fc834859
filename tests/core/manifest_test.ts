import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import {
  type Artifact,
  artifactNamed,
  formatManifest,
  isChannel,
  isNamed,
  isSha256,
  type Manifest,
  MAX_MANIFEST_BYTES,
  signedBytes,
} from "../../lib/core/manifest.ts";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { EMPTY_SHA256, manifestBody } from "../helpers/manifest_body.ts";

const MANIFEST: Manifest = {
  signed: manifestBody(),
  signatures: [{ keyId: `ed25519:${"A".repeat(43)}`, alg: "Ed25519", sig: "A".repeat(86) }],
};

/** The text of the manifest with one thing changed; `undefined` takes it away. */
function changed(path: string, value: unknown): string {
  const copy = structuredClone(MANIFEST) as unknown as Record<string, unknown>;
  const names = path.split(".");
  let place = copy;
  for (const name of names.slice(0, -1)) place = place[name] as Record<string, unknown>;
  place[names.at(-1)!] = value;
  return JSON.stringify(copy);
}

function codeOf(text: string): string {
  try {
    parseManifest(text);
    return "accepted";
  } catch (error) {
    return error instanceof BfaError ? error.code : String(error);
  }
}

/** Reads every case; the diff of a failure names those that went another way. */
function assertCodes(cases: readonly [path: string, value: unknown][], code: string): void {
  const label = ([path, value]: [string, unknown]) => `${path} = ${JSON.stringify(value)}`;
  assertEquals(
    cases.map((c) => `${label(c)}: ${codeOf(changed(...c))}`),
    cases.map((c) => `${label(c)}: ${code}`),
  );
}

const DIGEST = EMPTY_SHA256;

const PARTS = MANIFEST.signed.artifacts[1]!;

/** Nobody can be made to download this as an index. */
const LARGE = { ...PARTS, name: "blocks/large.parquet", bytes: 16 * 1024 * 1024 + 1 };

const indexed = (artifact: Artifact) => ({
  ...artifact,
  parquet: { ...PARTS.parquet, index: LARGE.name },
});

const MALFORMED: [path: string, value: unknown][] = [
  ["signed", undefined],
  ["signed", null],
  ["signed", []],
  ["signed.manifestFormat", undefined],
  ["signed.manifestFormat", "1"],
  ["signed.manifestFormat", -1],
  ["signed.manifestFormat", 1.5],
  ["signed.dataset", "another-dataset"],
  ["signed.channel", ""],
  ["signed.channel", "Latest"],
  ["signed.channel", "../latest"],
  ["signed.channel", "a".repeat(33)],
  ["signed.version", "2026-11-20"],
  ["signed.version", "2026-11-20.0"],
  ["signed.version", "2026-11-19.1"],
  ["signed.sequence", 0],
  ["signed.sequence", -1],
  ["signed.sequence", 1.5],
  ["signed.sequence", "412"],
  ["signed.sequence", 2 ** 53],
  ["signed.sequence", null],
  ["signed.dataThrough", undefined],
  ["signed.dataThrough", "2026-11-31"],
  ["signed.publishedAt", "2026-11-21"],
  ["signed.publishedAt", "2026-11-21T12:04:11"],
  ["signed.publishedAt", "2026-11-21T12:04:11+01:00"],
  ["signed.publishedAt", "2026-13-21T12:04:11Z"],
  ["signed.publishedAt", 1795262651000],
  ["signed.publishedAt", "2026-11-22T12:00:01Z"],
  ["signed.freshness", undefined],
  ["signed.freshness", []],
  ["signed.freshness.refreshAfter", "2026-11-22T18:00:01Z"],
  ["signed.freshness.staleAfter", "2026-12-05T12:04:12Z"],
  ["signed.freshness.staleAfter", "soon"],
  ["signed.freshness.expiresAt", undefined],
  ["signed.freshness.expiresAt", "2026-11-22T12:00:00Z"],
  ["signed.schemaVersion", undefined],
  ["signed.schemaVersion", "1"],
  ["signed.rows", -1],
  ["signed.rows", undefined],
  ["signed.symbols", 0.5],
  ["signed.previous", undefined],
  ["signed.previous", ""],
  ["signed.previous", "yesterday"],
  ["signed.mirrors", undefined],
  ["signed.mirrors", "https://mirror.example/"],
  ["signed.mirrors", [1]],
  ["signed.mirrors", [""]],
  ["signed.mirrors", ["ftp://mirror.example/"]],
  ["signed.mirrors", ["file:///etc/passwd"]],
  ["signed.mirrors", ["javascript:alert(1)"]],
  ["signed.mirrors", ["https://"]],
  ["signed.mirrors", ["https://mirror.example/" + "x".repeat(2000)]],
  ["signed.mirrors", Array(1001).fill("https://m.example/")],
  ["signed.nextKeys", null],
  ["signed.nextKeys", "ed25519:x"],
  ["signed.nextKeys", [1]],
  ["signed.nextKeys", [""]],
  ["signed.artifacts", undefined],
  ["signed.artifacts", {}],
  ["signed.artifacts.0", null],
  ["signed.artifacts.0.name", ""],
  ["signed.artifacts.0.name", "/etc/passwd"],
  ["signed.artifacts.0.name", "../listings.json"],
  ["signed.artifacts.0.name", "parts/../x"],
  ["signed.artifacts.0.name", "parts//x"],
  ["signed.artifacts.0.name", "a/b/c"],
  ["signed.artifacts.0.name", "a\\b"],
  ["signed.artifacts.0.name", ".hidden"],
  ["signed.artifacts.0.name", "a\0b"],
  ["signed.artifacts.0.name", "a b"],
  ["signed.artifacts.0.name", "parts/2024.parquet"],
  ["signed.artifacts.0.role", undefined],
  ["signed.artifacts.0.mediaType", ""],
  ["signed.artifacts.0.bytes", "10"],
  ["signed.artifacts.0.bytes", -1],
  ["signed.artifacts.0.bytes", 16 * 1024 * 1024 + 1], // of the listings: every client holds them
  ["signed.artifacts.0.sha256", DIGEST.toUpperCase()],
  ["signed.artifacts.0.sha256", DIGEST.slice(1)],
  ["signed.artifacts.0.sha256", `${DIGEST}0`],
  ["signed.artifacts.0.url", "data:text/plain,x"],
  ["signed.artifacts.0.url", null],
  ["signed.artifacts.0.dataThrough", "2026-02-30"],
  ["signed.artifacts.0.dataThrough", "9999-01-01"],
  ["signed.artifacts.0.dataThrough", null],
  ["signed.artifacts.1.parquet", null],
  ["signed.artifacts.1.parquet.rows", undefined],
  ["signed.artifacts.1.parquet.footerBytes", -8],
  ["signed.artifacts.1.parquet.index", null],
  ["signed.artifacts.1.parquet.index", ""],
  ["signed.artifacts.1.parquet.index", "blocks/availability.parquet"], // not one of the artifacts
  ["signed.artifacts", [LARGE, indexed(PARTS)]],
  ["signed.artifacts", [indexed(LARGE)]],
  ["signatures", undefined],
  ["signatures", {}],
  ["signatures.0", null],
  ["signatures.0.alg", "none"],
  ["signatures.0.alg", undefined],
  ["signatures.0.keyId", undefined],
  ["signatures.0.sig", ""],
  ["signatures.0.sig", "A".repeat(2001)],
];

Deno.test("`parseManifest()` gives back what `formatManifest()` wrote", () => {
  const text = formatManifest(MANIFEST);
  assertEquals(parseManifest(text), MANIFEST);
  assertEquals(formatManifest(parseManifest(text)), text);
});

Deno.test("`parseManifest()` accepts what may vary", () => {
  const fine: [string, unknown][] = [
    ["signed.previous", null],
    ["signed.mirrors", []],
    ["signed.mirrors", ["http://127.0.0.1:8080/"]],
    ["signed.nextKeys", [`ed25519:${"B".repeat(43)}`]],
    ["signed.artifacts", []],
    ["signed.rows", 0],
    ["signed.artifacts.1.parquet.index", "listings.json"],
    ["signed.channel", "candidate-2"],
    ["signed.publishedAt", "2026-11-21T12:04:11.123Z"],
    ["signed.publishedAt", "2026-11-22T12:00:00Z"],
    ["signatures", []],
  ];
  assertCodes(fine, "accepted");
});

Deno.test("`parseManifest()` refuses every malformed member with `integrity`", () => {
  assertCodes(MALFORMED, "integrity");
});

Deno.test("`parseManifest()` refuses what is no document, or torn", () => {
  const text = formatManifest(MANIFEST);
  for (
    const torn of ["", "{", "null", "[]", "1", '"x"', "<html>", text.slice(0, -20), `${text}x`]
  ) {
    assertEquals(codeOf(torn), "integrity", torn.slice(0, 20));
  }
});

Deno.test("`parseManifest()` refuses a later format or schema before it reads the rest", () => {
  assertCodes([["signed", { manifestFormat: 2 }]], "format_too_new");
  assertCodes([["signed.manifestFormat", 2], ["signed.schemaVersion", 2]], "format_too_new");
  const error = assertThrows(() => parseManifest(changed("signed.schemaVersion", 7)), BfaError);
  assertStringIncludes(error.message, "of schema 7: this program knows up to 1; update bfa");
});

Deno.test("`parseManifest()` refuses a format and a schema that never were", () => {
  assertCodes([["signed.manifestFormat", 0], ["signed.schemaVersion", 0]], "integrity");
});

Deno.test("`parseManifest()` refuses instants that are not in the calendar", () => {
  const cases: [string, unknown][] = [
    ["signed.publishedAt", "2026-02-30T12:00:00Z"],
    ["signed.publishedAt", "2026-11-20T24:00:00Z"],
  ];
  assertCodes(cases, "integrity");
});

Deno.test("`parseManifest()` counts its limit in bytes, not in characters", () => {
  const padded = (text: string, count: number) => changed("signed.note", text.repeat(count));
  const room = MAX_MANIFEST_BYTES - padded("x", 0).length;
  assertEquals(codeOf(padded("x", room)), "accepted");
  assertEquals(codeOf(padded("x", room + 1)), "integrity");
  assertEquals(codeOf(padded("币", Math.floor(room / 3) + 1)), "integrity");
});

Deno.test("`parseManifest()` refuses what cannot be signed: no canonical form, or too deep", () => {
  const place = '"note":0';
  const text = changed("signed.note", 0);
  const values: [string, string][] = [
    ["lone surrogate", '"\\ud800"'],
    ["number too large", "1e400"],
    ["30000 lists", "[".repeat(30_000) + "]".repeat(30_000)],
  ];
  assertEquals(
    values.map(([what, value]) =>
      `${what}: ${codeOfSigned(text.replace(place, `"note":${value}`))}`
    ),
    values.map(([what]) => `${what}: integrity`),
  );
});

Deno.test("`parseManifest()` keeps members it does not know, and they are signed", () => {
  const { signed } = parseManifest(changed("signed.note", { z: 1, a: [null] }));
  const bytes = new TextDecoder().decode(signedBytes(signed));
  assertStringIncludes(bytes, '"note":{"a":[null],"z":1}');
});

Deno.test("`artifactNamed()` finds an artifact, or says which there are", () => {
  assertEquals(artifactNamed(MANIFEST.signed, "parts/2024.parquet").bytes, 4096);
  const error = assertThrows(() => artifactNamed(MANIFEST.signed, "x"), BfaError);
  assertEquals(error.code, "not_found");
  assertEquals(
    error.message,
    'no artifact "x" in 2026-11-20.1: it has listings.json, parts/2024.parquet',
  );
});

Deno.test("`isChannel()` and `isSha256()` know their shapes", () => {
  for (const name of ["latest", "a", "candidate-2"]) assertEquals(isChannel(name), true, name);
  for (const name of ["", "-a", "2a", "A", "a/b", "a_b", "a\n"]) {
    assertEquals(isChannel(name), false, name);
  }
  assertEquals(isSha256(DIGEST), true);
  for (const text of ["", "0".repeat(63), "g".repeat(64), `${DIGEST}\n`]) {
    assertEquals(isSha256(text), false, text);
  }
});

/** Reads a manifest and takes its signed bytes, as a client does. */
function codeOfSigned(text: string): string {
  try {
    signedBytes(parseManifest(text).signed);
    return "accepted";
  } catch (error) {
    return error instanceof BfaError ? error.code : (error as Error).name;
  }
}

Deno.test("isNamed(): a name, a folder, a pattern", () => {
  const artifact = { name: "parts/2024-01.parquet" } as Artifact;
  const cases: readonly [asked: string, named: boolean][] = [
    ["parts/2024-01.parquet", true],
    ["parts/", true],
    ["parts", false],
    ["*", true],
    ["parts/2024*", true],
    ["parts/2024-*.parquet", true],
    ["*.parquet", true],
    ["*01*", true],
    ["p*2*-*1*t", true],
    ["parts/2024-01.parquet*", true],
    ["parts/2024-01*1.parquet", false],
    ["*24*24*", false],
    ["2024*", false],
    ["parts/2023*", false],
    ["parts/2024?01.parquet", false],
    ["", false],
  ];
  for (const [asked, named] of cases) assertEquals(isNamed(artifact, asked), named, asked);
});
