/**
 * The numbers of a day from Binance Vision: its 1d kline ZIP, verified against its CHECKSUM.
 *
 * @module
 */

import { Inflate, strFromU8, strToU8, type UnzipFileInfo, unzipSync } from "fflate";
import type { Day } from "../core/day.ts";
import { asBfaError, BfaError } from "../core/errors.ts";
import { type DayNumbers, parseDayKline } from "../core/kline.ts";
import { isSymbol } from "../core/symbol.ts";
import type { HttpClient } from "../net/client.ts";

/** Why a day has no numbers: to be recorded, and asked for again later. */
export interface DayKlineProblem {
  /** `missing`: a 404; `checksum`: other bytes than the CHECKSUM says; `malformed`: all else. */
  readonly problem: "missing" | "checksum" | "malformed";
  /** One line for people. */
  readonly detail: string;
}

/** The numbers of a day, with the SHA-256 of the ZIP they come from (lower-case hex). */
export interface VerifiedDayKline {
  readonly numbers: DayNumbers;
  /** The ZIP's ETag, without quotes; `null` when the source names none. */
  readonly etag: string | null;
  readonly sha256: string;
}

/** The largest ZIP and CSV that are read, in bytes: real ones have about 400. */
const MOST_BYTES = 1024 * 1024;

/** A CHECKSUM file is one line of about 100 bytes. */
const MOST_CHECKSUM_BYTES = 4096;

/** How often a body is asked for, when its connection breaks. */
const BODY_TRIES = 3;

/** How long a body may take once its answer began, ms. */
const BODY_MS = 30_000;

/** Deflate packs 1,032 : 1 at most, so that one step makes about 1 MB at most. */
const INFLATE_STEP_BYTES = 1024;

/**
 * Fetches the numbers of one symbol on one day, in two requests, or tells what is wrong with them.
 *
 * @param filesUrl Base URL of the daily klines, such as {@linkcode VISION_FILES_URL}.
 * @throws {BfaError} `network` when the source does not answer; `usage` for a text that is no symbol.
 */
export async function fetchDayKline(
  http: HttpClient,
  filesUrl: string,
  symbol: string,
  day: Day,
): Promise<VerifiedDayKline | DayKlineProblem> {
  // `..` would survive percent-encoding.
  if (!isSymbol(symbol)) {
    throw new BfaError("usage", `Cannot fetch klines of ${shown(symbol)}: it is no symbol`);
  }
  const name = `${symbol}-1d-${day}`;
  const folder = `${filesUrl.replace(/\/+$/, "")}/${encodeURIComponent(symbol)}/1d/`;
  const url = `${folder}${encodeURIComponent(name)}.zip`;

  const zip = await fetchBody(http, url, MOST_BYTES);
  if (zip === "missing") return problem("missing", `there is no ${name}.zip`);
  if (zip === "too long") return problem("malformed", `${name}.zip is over ${MOST_BYTES} bytes`);

  const checksum = await fetchBody(http, `${url}.CHECKSUM`, MOST_CHECKSUM_BYTES);
  if (checksum === "missing") return problem("missing", `there is no ${name}.zip.CHECKSUM`);
  const promised = checksum === "too long"
    ? undefined
    : readChecksum(checksum.bytes, `${name}.zip`);
  if (!promised) return problem("checksum", `${name}.zip.CHECKSUM is no checksum of ${name}.zip`);
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", zip.bytes)).toHex();
  if (sha256 !== promised) {
    return problem("checksum", `${name}.zip has SHA-256 ${sha256}, its CHECKSUM says ${promised}`);
  }

  try {
    const numbers = parseDayKline(unpack(zip.bytes, `${name}.csv`), day);
    return { numbers, etag: zip.etag, sha256 };
  } catch (error) {
    if (!(error instanceof BfaError)) throw error;
    return problem("malformed", error.message);
  }
}

function problem(kind: DayKlineProblem["problem"], detail: string): DayKlineProblem {
  return { problem: kind, detail };
}

interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string | null;
}

/** The client repeats what brings no answer; this repeats an answer whose body breaks off. */
async function fetchBody(
  http: HttpClient,
  url: string,
  mostBytes: number,
): Promise<Body | "missing" | "too long"> {
  for (let attempt = 1;; attempt++) {
    const late = new AbortController();
    const headers = { "accept-encoding": "identity" };
    const response = await http.get(url, { headers, accept: [404], signal: late.signal });
    if (response.status === 404) {
      await response.body?.cancel();
      return "missing";
    }
    const timer = setTimeout(() => late.abort(new Error("it takes too long")), BODY_MS);
    try {
      const bytes = await readAtMost(response, mostBytes);
      const etag = response.headers.get("etag")?.replace(/^W\/|"/g, "") ?? null;
      return bytes === "too long" ? bytes : { bytes, etag };
    } catch (error) {
      if (attempt >= BODY_TRIES) throw asBfaError(error, "network", `fetch ${url}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function readAtMost(
  response: Response,
  mostBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too long"> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) return "too long";
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** The digest in the output of `sha256sum`: hex, spaces, `*` for binary mode, the file's name. */
function readChecksum(file: Uint8Array, name: string): string | undefined {
  const text = new TextDecoder().decode(file).trimEnd();
  const match = /^([0-9a-f]{64}) +\*?(\S+)$/i.exec(text);
  return match?.[2] === name ? match[1]!.toLowerCase() : undefined;
}

/** The text of the only entry of a ZIP. */
function unpack(zip: Uint8Array, name: string): string {
  try {
    const entry = onlyEntry(zip, name);
    const bytes = inflate(packedBytes(zip, entry), entry);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw asBfaError(error, "integrity", `unpack ${name}`);
  }
}

function onlyEntry(zip: Uint8Array, name: string): UnzipFileInfo {
  // Without its UTF-8 flag, a name is read byte by byte.
  const names = [name, strFromU8(strToU8(name), true)];
  let only: UnzipFileInfo | undefined;
  unzipSync(zip, {
    filter(entry) {
      if (only) throw new Error("the ZIP has more than one entry");
      if (!names.includes(entry.name)) throw new Error(`the ZIP holds ${shown(entry.name)}`);
      if (entry.originalSize > MOST_BYTES) throw new Error(`it is over ${MOST_BYTES} bytes`);
      only = entry;
      return false; // to be unpacked below: fflate would believe the sizes
    },
  });
  if (!only) throw new Error("the ZIP is empty");
  return only;
}

/** An entry's bytes as they are stored; the only entry of a ZIP starts where the ZIP does. */
function packedBytes(zip: Uint8Array, entry: UnzipFileInfo): Uint8Array {
  const header = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  // APPNOTE.TXT 4.3.7: signature, …, lengths of the name and the extra field at 26 and 28.
  if (header.getUint32(0, true) !== 0x04034b50) throw new Error("no entry at its start");
  const start = 30 + header.getUint16(26, true) + header.getUint16(28, true);
  return zip.subarray(start, start + entry.size);
}

/** Unpacks step by step: an entry that says a wrong size is found out before it takes memory. */
function inflate(packed: Uint8Array, entry: UnzipFileInfo): Uint8Array<ArrayBuffer> {
  const unpacked = new Uint8Array(entry.originalSize);
  let bytes = 0;
  const take = (chunk: Uint8Array) => {
    if (bytes + chunk.length > unpacked.length) throw new Error("it is longer than the ZIP says");
    unpacked.set(chunk, bytes);
    bytes += chunk.length;
  };
  if (entry.compression === 0) take(packed);
  else if (entry.compression !== 8) throw new Error(`unknown compression ${entry.compression}`);
  else {
    const steps = new Inflate(take);
    for (let at = 0; at < packed.length; at += INFLATE_STEP_BYTES) {
      const end = at + INFLATE_STEP_BYTES;
      steps.push(packed.subarray(at, end), end >= packed.length);
    }
  }
  if (bytes < unpacked.length) throw new Error("it is shorter than the ZIP says");
  return unpacked;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
