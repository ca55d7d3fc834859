/**
 * The files of a listing page that are written as all of them are: nearly every key, in a tenth of the
 * time of an XML parser, and without a text or an object for any. What looks different in any way is
 * left to the parser.
 *
 * @module
 */

import type { Day } from "../core/day.ts";
import { type FileColumns, FileFields } from "../core/file_columns.ts";
import { EARLIEST_DAY, filesPrefix } from "../core/vision_keys.ts";
import { after, dayAt, literal, numberEnd, plainEnd, timeEnd } from "./scan.ts";

/** What is taken: 1m files of one symbol, up to a day. */
export interface RegularFiles {
  /** Where they are put. */
  readonly files: FileColumns;
  readonly symbol: string;
  /** The last day that can have a file. */
  readonly through: Day;
}

const ZIP = literal(".zip</Key><LastModified>");
const CHECKSUM = literal(".zip.CHECKSUM</Key><LastModified>");
const ETAG = literal("</LastModified><ETag>&quot;");
const ETAG_END = literal("&quot;</ETag>");
const SIZE = literal("<Size>");
const SIZE_END = literal("</Size>");
const END = literal("</Contents>");

/** What is nearly always there, at once. */
const USUAL_TO_SIZE = literal("&quot;</ETag><Size>");
const USUAL_END = literal("</Size><StorageClass>STANDARD</StorageClass></Contents>");

/** Elements of an object that nobody looks at. Source: S3's reference of ListObjects. */
const PASSED = ["StorageClass", "ChecksumAlgorithm", "ChecksumType"]
  .map((name) => ({ start: literal(`<${name}>`), end: literal(`</${name}>`) }));

const EARLIEST = Number(EARLIEST_DAY.replaceAll("-", ""));

/** What can follow a key's start in a marker: a day, or all that belongs to a key. */
const MARKER_END = /^(\d{4})-(\d\d)-(\d\d)(\.zip)?(\.CHECKSUM)?$/;

/** Takes regular files from a page. */
export class RegularTaker {
  /** How many keys were taken, CHECKSUMs too. */
  keys = 0;
  readonly #wanted: RegularFiles;
  readonly #start: string;
  readonly #object: ReturnType<typeof literal>;
  readonly #through: number;
  readonly #fields = new FileFields();
  /** The last key's place in their order: YYYYMMDD twice, for a day has a ZIP and then its CHECKSUM. */
  #last: number;

  /** @param marker Where the page starts: each key must be further on, and than the one before. */
  constructor(wanted: RegularFiles, marker: string) {
    this.#wanted = wanted;
    this.#start = `${filesPrefix(wanted.symbol)}${wanted.symbol}-1m-`;
    this.#object = literal(`<Contents><Key>${this.#start}`);
    this.#through = Number(wanted.through.replaceAll("-", ""));
    this.#last = marker === "" ? 0 : this.#placeOf(marker);
  }

  /** The last key that was taken. */
  get lastKey(): string {
    if (this.keys === 0) return "";
    const day = String(this.#last >> 1).padStart(8, "0");
    const date = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`;
    return `${this.#start}${date}.zip${this.#last & 1 ? ".CHECKSUM" : ""}`;
  }

  /**
   * Takes those that follow one another.
   *
   * @param bytes A page, from where its root is open and nothing in it is.
   * @returns Where the first is that is not regular, or not whole; the same holds for that place.
   */
  take(bytes: Uint8Array, from: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = from;;) {
      const end = this.#takeOne(bytes, view, at);
      if (end < 0) return at;
      at = end;
    }
  }

  /** Where the object ends that begins there, or -1 when it is not regular; then nothing is taken. */
  #takeOne(bytes: Uint8Array, view: DataView, from: number): number {
    const fields = this.#fields;
    fields.date = after(view, from, this.#object);
    const day = dayAt(view, fields.date);
    if (day < EARLIEST || day > this.#through) return -1;
    fields.dateEnd = fields.date + 10;
    const zip = after(view, fields.dateEnd, ZIP);
    const place = 2 * day + (zip < 0 ? 1 : 0);
    if (place <= this.#last) return -1;
    fields.modified = zip < 0 ? after(view, fields.dateEnd, CHECKSUM) : zip;
    fields.modifiedEnd = timeEnd(view, fields.modified);
    fields.etag = after(view, fields.modifiedEnd, ETAG);
    fields.etagEnd = plainEnd(view, fields.etag);
    fields.bytes = after(view, fields.etagEnd, USUAL_TO_SIZE);
    if (fields.bytes < 0) {
      fields.bytes = after(view, passed(view, after(view, fields.etagEnd, ETAG_END)), SIZE);
    }
    fields.bytesEnd = numberEnd(view, fields.bytes);
    let end = after(view, fields.bytesEnd, USUAL_END);
    if (end < 0) end = after(view, passed(view, after(view, fields.bytesEnd, SIZE_END)), END);
    if (end < 0) return -1;
    this.#last = place;
    this.keys++;
    if (zip >= 0) this.#wanted.files.addFrom(bytes, fields);
    return end;
  }

  /** A marker is a day's start, or a key. After any other, nothing is regular. */
  #placeOf(marker: string): number {
    const end = marker.startsWith(this.#start) ? marker.slice(this.#start.length) : "";
    const [, year, month, day, zip, checksum] = MARKER_END.exec(end) ?? [];
    if (day === undefined || (checksum && !zip)) return Infinity;
    return 2 * Number(`${year}${month}${day}`) + (checksum ? 1 : zip ? 0 : -1);
  }
}

/** Past elements that nobody looks at, in the order that S3 writes them in. */
function passed(view: DataView, from: number): number {
  let at = from;
  for (const { start, end } of PASSED) {
    const text = after(view, at, start);
    if (text >= 0) at = after(view, plainEnd(view, text), end);
  }
  return at;
}
