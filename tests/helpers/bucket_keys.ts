/**
 * The keys of a history in S3's order, and pages of them. A page is computed from its marker: nothing
 * is kept but one entry per directory.
 *
 * @module
 */

import { type Day, isDay } from "../../lib/core/day.ts";
import { lowerBound, toBinary } from "./bucket_bytes.ts";
import type { History } from "./bucket_history.ts";
import { checksumLine, md5 } from "./bucket_klines.ts";
import type { Interval } from "./bucket_lives.ts";
import { KLINES_ROOT } from "./bucket_odd.ts";
import { type BucketFile, type FileFacts, isoSeconds, type SymbolPast } from "./bucket_symbol.ts";

/** One object of the bucket. */
export interface BucketObject {
  /** The key's UTF-8 bytes, one per character. */
  readonly binary: string;
  readonly size: number;
  readonly lastModified: string;
  /** Without quotes. */
  readonly etag: string;
  /** Which generated file it is; `undefined` for odd keys. */
  readonly source?: FileName;
}

/** What the name of a generated file says. */
export interface FileName {
  readonly symbol: string;
  readonly interval: Interval;
  readonly day: Day;
  readonly isChecksum: boolean;
}

/** What a listing request asks for; texts are binary. */
export interface PageQuery {
  readonly prefix: string;
  readonly marker: string;
  /** Empty for none. */
  readonly delimiter: string;
  readonly maxKeys: number;
}

/** What a listing request is answered with; texts are binary. */
export interface Page {
  readonly objects: readonly BucketObject[];
  readonly prefixes: readonly string[];
  readonly isTruncated: boolean;
  /** The last key or prefix of the page; what S3 tells only when there is a delimiter. */
  readonly next: string;
}

/** All directories of a history, in the order of their keys. */
export class KeySpace {
  readonly #history: History;
  readonly #directories: readonly Directory[];

  constructor(history: History) {
    this.#history = history;
    this.#directories = history.symbols
      .flatMap((symbol) =>
        (["1d", "1m"] as const).map((interval) => {
          const name = `${KLINES_ROOT}${symbol}/${interval}/`;
          return {
            symbol,
            interval,
            prefix: toBinary(name),
            stem: toBinary(`${name}${symbol}-${interval}-`),
          };
        })
      )
      .sort((a, b) => a.prefix < b.prefix ? -1 : 1);
  }

  /** One page, as S3's ListObjects (version 1) makes it. */
  page({ prefix, marker, delimiter, maxKeys }: PageQuery, now: number): Page {
    const objects: BucketObject[] = [];
    const prefixes: string[] = [];
    let next = "";
    let scan = this.#scan(marker < prefix ? prefix : marker, now);
    for (;;) {
      const object = scan.next().value;
      if (!object || !object.binary.startsWith(prefix)) {
        return { objects, prefixes, isTruncated: false, next };
      }
      if (object.binary <= marker) continue;
      const end = delimiter ? object.binary.indexOf(delimiter, prefix.length) : -1;
      const group = end < 0 ? undefined : object.binary.slice(0, end + delimiter.length);
      if (group === undefined || group > marker) {
        if (objects.length + prefixes.length >= maxKeys) {
          return { objects, prefixes, isTruncated: maxKeys > 0, next };
        }
        if (group === undefined) objects.push(object);
        else prefixes.push(group);
        next = group ?? object.binary;
      }
      // No key has the byte FF: what follows comes after the whole group.
      if (group !== undefined) scan = this.#scan(`${group}\xff`, now);
    }
  }

  /** The object with a key (binary), or `undefined`. */
  find(key: string, now: number): BucketObject | undefined {
    const object = this.#scan(key, now).next().value;
    return object?.binary === key ? object : undefined;
  }

  /** All objects from a key on, this one too. An odd key replaces a generated one of the same name. */
  *#scan(from: string, now: number): Generator<BucketObject, undefined> {
    const odd = this.#odd(from, now);
    let stray = odd.next().value;
    for (const object of this.#generated(from, now)) {
      for (; stray && stray.binary < object.binary; stray = odd.next().value) yield stray;
      if (stray?.binary !== object.binary) yield object;
    }
    for (; stray; stray = odd.next().value) yield stray;
  }

  *#odd(from: string, now: number): Generator<BucketObject, undefined> {
    const { odd } = this.#history;
    for (let i = lowerBound(odd, ({ key }) => toBinary(key) >= from); i < odd.length; i++) {
      const { key, size, lastModified } = odd[i]!;
      if (Date.parse(lastModified) > now) continue;
      yield { binary: toBinary(key), size, lastModified, etag: md5(`${key} ${lastModified}`) };
    }
  }

  *#generated(from: string, now: number): Generator<BucketObject, undefined> {
    const list = this.#directories;
    let i = lowerBound(list, ({ prefix }) => prefix > from);
    if (i > 0 && from.startsWith(list[i - 1]!.prefix)) i--;
    // A file of a day is never there before the day is over.
    const to = now === Infinity ? undefined : new Date(now).toISOString().slice(0, 10) as Day;
    for (; i < list.length; i++) {
      const { symbol, interval, stem } = list[i]!;
      const past = this.#history.past(symbol);
      if (past.openedAt(interval) - CHECKSUM_LEAD_MS > now) continue;
      const dayText = from.slice(stem.length, stem.length + 10);
      const starts = from.startsWith(stem) && isDay(dayText);
      for (const day of past.days(starts ? dayText : undefined, to)) {
        const binary = `${stem}${day}.zip`;
        if (`${binary}.CHECKSUM` < from) continue;
        const [zip, checksum] = pairOf(past, binary, { symbol, interval, day }, now);
        if (zip && binary >= from) yield zip;
        if (checksum) yield checksum;
      }
    }
  }
}

/** A ZIP and its CHECKSUM, which is stored one second before. */
function pairOf(
  past: SymbolPast,
  binary: string,
  name: Omit<FileName, "isChecksum">,
  now: number,
): [zip?: BucketObject | undefined, checksum?: BucketObject] {
  const { interval, day } = name;
  const facts = past.facts(interval, day, now + CHECKSUM_LEAD_MS);
  if (!facts) return [];
  const older = facts.modified <= now ? facts : past.facts(interval, day, now);
  const newest = new LateFile(past, name, facts);
  const before = older === facts ? newest : older && new LateFile(past, name, older);
  const fileName = binary.length - binary.lastIndexOf("/") - 1;
  return [
    before && {
      binary,
      get size() {
        return before.file.size;
      },
      lastModified: isoSeconds(before.facts.modified),
      get etag() {
        return before.file.etag;
      },
      source: { ...name, isChecksum: false },
    },
    {
      binary: `${binary}.CHECKSUM`,
      size: 64 + 2 + fileName + 1,
      lastModified: isoSeconds(facts.modified - CHECKSUM_LEAD_MS),
      get etag() {
        const { etag } = newest.file;
        return etag.slice(16) + etag.slice(0, 16);
      },
      source: { ...name, isChecksum: true },
    },
  ];
}

/** A file that is made when it is asked for: those of 1d are real ZIPs, and no listing of directories needs them. */
class LateFile {
  #file: BucketFile | undefined;

  constructor(
    readonly past: SymbolPast,
    readonly name: Omit<FileName, "isChecksum">,
    readonly facts: FileFacts,
  ) {}

  get file(): BucketFile {
    return this.#file ??= this.past.file(this.name.interval, this.name.day, this.facts);
  }
}

/** The bytes of an object. A 1m ZIP has the right length and CHECKSUM, but is no ZIP. */
export function bytesOf(
  history: History,
  { source, size }: BucketObject,
  now: number,
): Uint8Array<ArrayBuffer> {
  if (!source) return new Uint8Array(size);
  const { symbol, interval, day, isChecksum } = source;
  const past = history.past(symbol);
  const facts = past.facts(interval, day, isChecksum ? now + CHECKSUM_LEAD_MS : now)!;
  const zip = interval === "1d"
    ? past.zip(day, facts)
    : new Uint8Array(past.file(interval, day, facts).size).fill(facts.version + 1);
  if (!isChecksum) return zip;
  const line = checksumLine(zip, `${symbol}-${interval}-${day}.zip`);
  return new TextEncoder().encode(line);
}

interface Directory {
  readonly symbol: string;
  readonly interval: Interval;
  readonly prefix: string;
  /** What the keys of its files start with. */
  readonly stem: string;
}

/** A CHECKSUM is stored so much earlier than its ZIP. */
export const CHECKSUM_LEAD_MS = 1000;
