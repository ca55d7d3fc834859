/**
 * One page of an S3 listing (ListObjects, version 1), read from its XML.
 *
 * @module
 */

import { isDay } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { type RegularFiles, RegularTaker } from "./regular_files.ts";
import { takeBytes } from "./take_bytes.ts";
import { type XmlReader, xmlReader } from "./xml.ts";

/** An object in a page. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly lastModified: string;
  /** Without quotes. */
  readonly etag: string;
}

/** A page of a listing. */
export interface BucketPage {
  /** How many objects it lists, those that are not wanted too. */
  readonly keys: number;
  /** Those that were wanted, and not taken as regular files. */
  readonly objects: readonly ListedObject[];
  /** Directories, when a delimiter was asked for. */
  readonly prefixes: readonly string[];
  /** Where the next page starts; `undefined` on the last one. */
  readonly next: string | undefined;
}

/** What a page should be of. */
export interface PageAsked {
  /** The page must echo it. */
  readonly prefix: string;
  /** All of the page must be further on; empty at the start. */
  readonly marker: string;
  /** Objects to leave out: they are counted, and not read. */
  readonly isUnwanted?: ((key: string) => boolean) | undefined;
  /** Files that are put there, when they are written as all are, and not among the objects. */
  readonly regular?: RegularFiles | undefined;
}

/**
 * Reads a page.
 *
 * @throws {BfaError} `integrity` for anything that is no complete page of this listing.
 */
export function readBucketPage(xml: string, asked: PageAsked): BucketPage {
  try {
    const reader = new PageReader(asked);
    reader.write(xml);
    return reader.end();
  } catch (error) {
    throw refusal(error);
  }
}

/**
 * Reads a page while it arrives; otherwise as {@linkcode readBucketPage}.
 *
 * Regular files are cut out before the XML parser sees the page, from where it is sure that the root
 * is open and nothing in it: after a head of plain elements, and after each of these files. A whole
 * element less there changes nothing else of the page. So the first that is not regular ends it.
 */
export async function receiveBucketPage(
  body: ReadableStream<Uint8Array> | null,
  asked: PageAsked,
): Promise<BucketPage> {
  const { regular, marker } = asked;
  const taker = regular && new RegularTaker(regular, marker);
  const mark = regular?.files.mark();
  const page = new PageReader(asked);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let part: "head" | "files" | "rest" = taker ? "head" : "rest";

  /** Gives the parser all up to there, or to the end of the last tag before: no character is cut. */
  function parse(bytes: Uint8Array, from: number, to: number, isWhole: boolean): number {
    const end = isWhole ? to : bytes.lastIndexOf(TAG_END, to - 1) + 1;
    if (end > from) page.write(decode(decoder, bytes.subarray(from, end)));
    return Math.max(from, end);
  }

  function take(bytes: Uint8Array, isLast: boolean): number {
    let at = 0;
    if (part === "head") {
      const end = headEnd(bytes);
      if (end === 0 && bytes.length < LONGEST_PART && !isLast) return 0;
      at = parse(bytes, 0, end, true);
      part = end > 0 ? "files" : "rest";
    }
    if (part === "files") {
      at = taker!.take(bytes, at);
      if (bytes.length - at < LONGEST_PART && !isLast) return at;
      page.took(taker!);
      part = "rest";
    }
    return parse(bytes, at, bytes.length, isLast);
  }

  try {
    await takeBytes(body, take);
    return page.end();
  } catch (error) {
    if (mark) regular!.files.backTo(mark);
    throw refusal(error);
  }
}

const TAG_END = ">".charCodeAt(0);

/** As long as a head or an object can be: keys have 1,024 bytes, and six letters for some of these. */
const LONGEST_PART = 16_384;

/** What stands before the first object: the root, and elements that hold nothing but text. */
const HEAD =
  /^(?:<\?xml version="1.0" encoding="UTF-8"\?>\s*)?<ListBucketResult(?: xmlns="[\w:/.-]*")?>(?:<([A-Za-z]+)>[^<>&]*<\/\1>|<[A-Za-z]+\/>)*$/;

/** Where a head of this form ends; 0 when there is none, or not yet. */
function headEnd(bytes: Uint8Array): number {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, LONGEST_PART));
  const end = text.indexOf("<Contents>");
  return HEAD.test(text.slice(0, Math.max(0, end))) ? end : 0;
}

function decode(decoder: TextDecoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new SyntaxError("bytes that are no UTF-8", { cause });
  }
}

/** What is no XML is no page; of an error of the network, the one who asked knows more. */
function refusal(error: unknown): unknown {
  return error instanceof SyntaxError ? bad("it is no listing, or it is cut", error) : error;
}

/** Takes elements as they come by: a tree of a thousand objects would take several times as long. */
class PageReader {
  readonly #asked: PageAsked;
  readonly #texts = new Map<string, string>();
  readonly #objects: ListedObject[] = [];
  readonly #prefixes: string[] = [];
  readonly #xml: XmlReader;
  #keys = 0;
  #lastKey = "";

  constructor(asked: PageAsked) {
    this.#asked = asked;
    let [key, size, modified, etag, prefix] = ["", "", "", "", ""];
    this.#xml = xmlReader({
      opened(name, depth) {
        if (depth === 1 && name !== "ListBucketResult") throw bad("it is no listing");
        if (depth === 2) {
          key =
            size =
            modified =
            etag =
            prefix =
              "";
        }
      },
      closed: (name, depth, text) => {
        if (depth === 3) {
          if (name === "Key") key = text;
          else if (name === "LastModified") modified = text;
          else if (name === "ETag") etag = text;
          else if (name === "Size") size = text;
          else if (name === "Prefix") prefix = text;
        } else if (depth === 2) {
          if (name === "Contents") this.#add(key, size, modified, etag);
          else if (name === "CommonPrefixes") this.#addPrefix(prefix);
          else this.#texts.set(name, text);
        }
      },
    });
  }

  write(xml: string): void {
    this.#xml.write(xml);
  }

  /** Counts objects that the XML does not have any more. */
  took({ keys, lastKey }: RegularTaker): void {
    this.#keys += keys;
    this.#lastKey = lastKey;
  }

  end(): BucketPage {
    this.#xml.end();
    const [texts, prefixes] = [this.#texts, this.#prefixes];
    const { prefix, marker } = this.#asked;
    const named = texts.get("Prefix");
    if (named !== prefix) throw bad(`it is of ${JSON.stringify(named)}`);
    const truncated = texts.get("IsTruncated");
    if (truncated !== "true" && truncated !== "false") {
      throw bad("it does not say whether it is all");
    }
    const page = { keys: this.#keys, objects: this.#objects, prefixes };
    if (truncated === "false") return { ...page, next: undefined };
    // Only listings with a delimiter name the next marker; else it is the last key.
    const next = texts.get("NextMarker") || this.#lastKey || prefixes.at(-1) || "";
    if (next <= marker) {
      throw bad("it does not go on: the next page would start where this one did");
    }
    return { ...page, next };
  }

  #addPrefix(prefix: string): void {
    if (prefix <= this.#asked.marker) throw bad("a directory is from before the page");
    this.#prefixes.push(prefix);
  }

  #add(key: string, size: string, modified: string, etag: string): void {
    if (key <= this.#asked.marker) throw bad("an object has no key, or one from before the page");
    this.#keys++;
    this.#lastKey = key;
    if (!this.#asked.isUnwanted?.(key)) this.#objects.push(readObject(key, size, modified, etag));
  }
}

function readObject(key: string, size: string, modified: string, etag: string): ListedObject {
  if (!/^\d{1,15}$/.test(size)) throw bad("an object is incomplete");
  return {
    key,
    size: Number(size),
    lastModified: readTime(modified),
    etag: etag.replaceAll('"', ""),
  };
}

/** A time as S3 writes it. */
const TIME = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** A time that is in order is kept as it is: making it new takes ten times as long. */
function readTime(written: string): string {
  if (TIME.test(written) && isDay(written.slice(0, 10))) {
    // Two short pieces are copies; a slice of all would keep the text of the page in memory.
    return written.slice(0, 12) + written.slice(12);
  }
  const time = Date.parse(written);
  if (Number.isNaN(time)) throw bad("an object is incomplete");
  return new Date(time).toISOString();
}

function bad(why: string, cause?: unknown): BfaError {
  return new BfaError("integrity", `Cannot read a page of the listing: ${why}`, { cause });
}
