/**
 * Pages of 1m files, written as bytes: what a collection asks for nearly always, in a fraction of the
 * time that texts and objects take. A simulator that is slow measures itself.
 *
 * @module
 */

import { type Day, dayNumber, isDay } from "../../lib/core/day.ts";
import { toBinary } from "./bucket_bytes.ts";
import { etagWord } from "./bucket_hash.ts";
import type { History } from "./bucket_history.ts";
import { CHECKSUM_LEAD_MS, type PageQuery } from "./bucket_keys.ts";
import { KLINES_ROOT } from "./bucket_odd.ts";
import { dayText } from "./bucket_symbol.ts";

/** The objects of a page. */
export interface PageRows {
  /** Valid until the next page is written. */
  readonly xml: Uint8Array;
  readonly count: number;
  readonly isTruncated: boolean;
}

const MOST_ROWS = 1_000;
const DAY_MS = 86_400_000;

/** A directory of 1m files, and what can follow the start of its keys in a marker. */
const DIRECTORY = new RegExp(`^${KLINES_ROOT}([A-Z0-9_]+)/1m/$`);
const MARKER_END = /^(\d{4}-\d\d-\d\d)(\.zip|\.zip\.CHECKSUM)?$/;

/** Writes pages of a history. */
export class RowWriter {
  readonly #history: History;
  readonly #odd: readonly string[];
  readonly #buffer = new Uint8Array(512 * MOST_ROWS);

  constructor(history: History) {
    this.#history = history;
    this.#odd = history.odd.map(({ key }) => toBinary(key));
  }

  /** The objects of a page, or `undefined` where anything is unusual: then it is made the usual way. */
  write({ prefix, marker, delimiter, maxKeys }: PageQuery, now: number): PageRows | undefined {
    const symbol = DIRECTORY.exec(prefix)?.[1];
    if (symbol === undefined || delimiter !== "" || maxKeys !== MOST_ROWS) return undefined;
    if (this.#odd.some((key) => key.startsWith(prefix))) return undefined;
    const stem = `${prefix}${symbol}-1m-`;
    const end = marker.startsWith(stem) ? MARKER_END.exec(marker.slice(stem.length)) : null;
    const [, from, seen] = end ?? [];
    if (marker !== "" && (from === undefined || !isDay(from))) return undefined;
    const past = this.#history.past(symbol);
    if (past.openedAt("1m") > now) return undefined;

    const zip = new Row(stem, ".zip");
    const checksum = new Row(stem, ".zip.CHECKSUM");
    const checksumBytes = `${" ".repeat(64 + 2)}${symbol}-1m-2024-01-15.zip\n`.length;
    const bytes = this.#buffer;
    let [at, count] = [0, 0];
    const page = (isTruncated: boolean) => ({ xml: bytes.subarray(0, at), count, isTruncated });
    for (const day of past.days(from as Day | undefined, dayText(Math.floor(now / DAY_MS)))) {
      const facts = past.facts("1m", day, now + CHECKSUM_LEAD_MS);
      if (!facts) continue;
      const { modified, version } = facts;
      if (modified > now) return undefined; // in this second there is one without the other
      const [number, before] = [dayNumber(day), day === from ? seen : undefined];
      if (before === undefined) {
        if (count === MOST_ROWS) return page(true);
        at = zip.write(bytes, at, day, modified, past.size1m(day, facts));
        zip.writeEtag(bytes, past.seed, number, version, 0);
        count++;
      }
      if (before !== ".zip.CHECKSUM") {
        if (count === MOST_ROWS) return page(true);
        at = checksum.write(bytes, at, day, modified - CHECKSUM_LEAD_MS, checksumBytes);
        checksum.writeEtag(bytes, past.seed, number, version, 2);
        count++;
      }
    }
    return page(false);
  }
}

/** An object as S3 writes it, with places for what differs. */
class Row {
  readonly #start: Uint8Array;
  readonly #end = encode("</Size><StorageClass>STANDARD</StorageClass></Contents>");
  readonly #day: number;
  readonly #time: number;
  readonly #etag: number;
  #etagAt = 0;

  constructor(stem: string, suffix: string) {
    const key = `<Contents><Key>${stem}`;
    const toTime = `${suffix}</Key><LastModified>`;
    const toEtag = "</LastModified><ETag>&quot;";
    this.#day = key.length;
    this.#time = this.#day + 10 + toTime.length;
    this.#etag = this.#time + 24 + toEtag.length;
    const [day, time, etag] = ["-".repeat(10), "2024-01-15T00:00:00.000Z", "0".repeat(32)];
    this.#start = encode(`${key}${day}${toTime}${time}${toEtag}${etag}&quot;</ETag><Size>`);
  }

  /** Writes all but the ETag; returns where it ends. */
  write(to: Uint8Array, at: number, day: Day, modified: number, size: number): number {
    to.set(this.#start, at);
    writeText(to, at + this.#day, day);
    writeTime(to, at + this.#time, modified);
    this.#etagAt = at + this.#etag;
    const sizeAt = at + this.#start.length;
    const digits = size < 100 ? 2 : size < 1_000 ? 3 : size < 10_000 ? 4 : 5;
    for (let i = digits - 1, left = size; i >= 0; i--, left = Math.floor(left / 10)) {
      to[sizeAt + i] = ZERO + left % 10;
    }
    to.set(this.#end, sizeAt + digits);
    return sizeAt + digits + this.#end.length;
  }

  /** Writes the ETag, from one of its four words on. */
  writeEtag(to: Uint8Array, seed: number, number: number, version: number, first: number): void {
    for (let i = 0; i < 4; i++) {
      const bits = etagWord(seed, number, version, (first + i) % 4);
      writeHex(to, this.#etagAt + 8 * i, bits & 0xffff);
      writeHex(to, this.#etagAt + 8 * i + 4, bits >>> 16);
    }
  }
}

const ZERO = "0".charCodeAt(0);
const HEX = encode("0123456789abcdef");

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Four digits. */
function writeHex(to: Uint8Array, at: number, bits: number): void {
  for (let i = 0; i < 4; i++) to[at + i] = HEX[bits >>> (12 - 4 * i) & 15]!;
}

function writeText(to: Uint8Array, at: number, ascii: string): void {
  for (let i = 0; i < ascii.length; i++) to[at + i] = ascii.charCodeAt(i);
}

function writeTime(to: Uint8Array, at: number, instant: number): void {
  const number = Math.floor(instant / DAY_MS);
  const seconds = Math.floor((instant - number * DAY_MS) / 1_000);
  writeText(to, at, dayText(number));
  writeTwo(to, at + 11, Math.floor(seconds / 3_600));
  writeTwo(to, at + 14, Math.floor(seconds / 60) % 60);
  writeTwo(to, at + 17, seconds % 60);
}

function writeTwo(to: Uint8Array, at: number, number: number): void {
  to[at] = ZERO + Math.floor(number / 10);
  to[at + 1] = ZERO + number % 10;
}
