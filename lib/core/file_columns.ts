/**
 * A symbol's files, column by column as text in bytes: a million files are some megabytes, and no
 * objects. Values end with a character that XML does not allow, so that nothing has to be escaped.
 *
 * @module
 */

import { joinBytes } from "./bytes.ts";
import type { Day } from "./day.ts";

/** A day's file, as a listing shows it. */
export interface FileSeen {
  readonly date: Day;
  /** `null` where an import does not know it; so with the others. */
  readonly bytes: number | null;
  /** ISO 8601, UTC. */
  readonly lastModified: string | null;
  readonly etag: string | null;
}

/** The columns; what is not known of a file is empty. */
export const FILE_COLUMNS = ["date", "bytes", "modified", "etag"] as const;

/** Where a file's values are, in bytes that hold them. Made once, and filled for each. */
export class FileFields {
  date = 0;
  dateEnd = 0;
  bytes = 0;
  bytesEnd = 0;
  modified = 0;
  modifiedEnd = 0;
  etag = 0;
  etagEnd = 0;
}

/** Between values. */
export const VALUE_END = "\x1e";

/** A place to go back to. */
export interface FilesMark {
  readonly count: number;
  readonly lengths: readonly number[];
}

/** Files of one symbol. */
export class FileColumns {
  readonly #date = new TextColumn();
  readonly #bytes = new TextColumn();
  readonly #modified = new TextColumn();
  readonly #etag = new TextColumn();
  readonly #all = [this.#date, this.#bytes, this.#modified, this.#etag];
  #count = 0;

  /** Makes columns of these files. */
  constructor(files: readonly FileSeen[] = []) {
    for (const file of files) this.add(file);
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** The values of a column, each with its end; valid until the next file is added. */
  column(name: (typeof FILE_COLUMNS)[number]): Uint8Array<ArrayBuffer> {
    return this.#all[FILE_COLUMNS.indexOf(name)]!.written;
  }

  /** Adds a file. */
  add({ date, bytes, lastModified, etag }: FileSeen): void {
    this.#date.addText(date);
    this.#bytes.addText(String(bytes ?? ""));
    this.#modified.addText(lastModified ?? "");
    this.#etag.addText(etag ?? "");
    this.#count++;
  }

  /** Adds a file from the bytes that it was read from. */
  addFrom(from: Uint8Array, at: FileFields): void {
    this.#date.add(from, at.date, at.dateEnd);
    this.#bytes.add(from, at.bytes, at.bytesEnd);
    this.#modified.add(from, at.modified, at.modifiedEnd);
    this.#etag.add(from, at.etag, at.etagEnd);
    this.#count++;
  }

  /** Where it ends now. */
  mark(): FilesMark {
    return { count: this.#count, lengths: this.#all.map(({ length }) => length) };
  }

  /** Drops what was added after a mark: of a page that could not be read to its end. */
  backTo({ count, lengths }: FilesMark): void {
    this.#count = count;
    this.#all.forEach((column, i) => column.length = lengths[i]!);
  }
}

const encoder = new TextEncoder();

class TextColumn {
  length = 0;
  #bytes = new Uint8Array();

  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  addText(text: string): void {
    const bytes = encoder.encode(text);
    this.add(bytes, 0, bytes.length);
  }

  add(from: Uint8Array, start: number, end: number): void {
    if (this.length + end - start >= this.#bytes.length) this.#grow(end - start);
    const to = this.#bytes;
    let at = this.length;
    // For so few bytes, a view to copy from takes longer than the copy.
    for (let i = start; i < end; i++) to[at++] = from[i]!;
    to[at++] = VALUE_END_BYTE;
    this.length = at;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(2 * (this.length + by) + 256);
    larger.set(this.written);
    this.#bytes = larger;
  }
}

const VALUE_END_BYTE = VALUE_END.charCodeAt(0);

/** A column of several symbols' files as one: the values, {@linkcode VALUE_END} between them. */
export function joinColumn(
  all: readonly FileColumns[],
  name: (typeof FILE_COLUMNS)[number],
): Uint8Array<ArrayBuffer> {
  const columns = all.map((files) => files.column(name));
  return joinBytes(columns).subarray(0, -1);
}
