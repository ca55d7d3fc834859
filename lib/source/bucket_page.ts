/**
 * One page of an S3 listing (ListObjects, version 1), read from its XML.
 *
 * @module
 */

import { isDay } from "../core/day.ts";
import { BfaError } from "../core/errors.ts";
import { xmlPieces, type XmlReader, xmlReader } from "./xml.ts";

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

/** Reads a page while it arrives; otherwise as {@linkcode readBucketPage}. */
export async function receiveBucketPage(
  body: ReadableStream<Uint8Array> | null,
  asked: PageAsked,
): Promise<BucketPage> {
  const reader = new PageReader(asked);
  try {
    if (body) { for await (const xml of xmlPieces(body)) reader.write(xml); }
    return reader.end();
  } catch (error) {
    throw refusal(error);
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
          else if (name === "CommonPrefixes") this.#prefixes.push(prefix);
          else this.#texts.set(name, text);
        }
      },
    });
  }

  write(xml: string): void {
    this.#xml.write(xml);
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
