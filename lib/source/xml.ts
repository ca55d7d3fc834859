/**
 * XML, element by element as it arrives. saxen reads it and refuses what is cut or wrongly nested; what
 * else XML does not allow, and saxen lets pass, is refused here.
 *
 * @module
 */

import { Parser } from "saxen";

/** What to do with elements. The root has depth 1. */
export interface XmlElements {
  readonly opened: (name: string, depth: number) => void;
  /** `text` is what the element holds itself, after the last element in it. */
  readonly closed: (name: string, depth: number, text: string) => void;
}

/** Takes XML in pieces that do not end within a tag or a reference. */
export interface XmlReader {
  /** @throws {SyntaxError} for what is no XML. */
  write(xml: string): void;
  /** @throws {SyntaxError} unless one whole element was read. */
  end(): void;
}

/** Makes a reader. */
export function xmlReader({ opened, closed }: XmlElements): XmlReader {
  let depth = 0;
  let roots = 0;
  let text = "";
  const parser = new Parser();
  parser.on("openTag", (name, readAttributes) => {
    const attributes = readAttributes();
    for (const attribute in attributes) checkAttribute(attributes[attribute]!);
    if (++depth === 1 && ++roots > 1) throw new SyntaxError("a second root");
    text = "";
    opened(name, depth);
  });
  parser.on("text", (raw) => text += decoded(raw));
  parser.on("cdata", (raw) => text += raw);
  parser.on("closeTag", (name) => {
    closed(name, depth--, text);
    text = "";
  });
  const refuse = (error: Error) => {
    throw new SyntaxError(error.message);
  };
  parser.on("error", refuse).on("warn", refuse);
  parser.on("attention", () => {
    throw new SyntaxError("a DOCTYPE");
  });
  return {
    write(xml) {
      if (NOT_IN_XML.test(xml)) throw new SyntaxError("a character that XML does not allow");
      parser.write(xml);
    },
    end: () => void parser.end(),
  };
}

function checkAttribute(value: string): void {
  if (decoded(value.replaceAll("&lt;", "")).includes("<")) {
    throw new SyntaxError("a tag in an attribute");
  }
}

/** A text with its references as what they stand for. */
function decoded(raw: string): string {
  if (!raw.includes("&")) return raw;
  // The usual one, twice in every ETag: a function for each would take longer than all the rest.
  const text = raw.replaceAll("&quot;", '"');
  return text.includes("&") ? text.replace(REFERENCE, decodeReference) : text;
}

/** A reference, or an ampersand that begins none. */
const REFERENCE = /&(?:(amp|lt|gt|apos|quot)|#(\d{1,7})|#x([\da-fA-F]{1,6}));|&/g;

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  apos: "'",
  quot: '"',
};

/** S3 writes control characters as `&#x0;`, which XML does not know: they stay as they are written. */
function decodeReference(written: string, name?: string, decimal?: string, hex?: string): string {
  if (name) return NAMED[name]!;
  const code = decimal ? Number(decimal) : parseInt(hex ?? "", 16);
  if (!(code <= 0x10ffff)) throw new SyntaxError(`the reference ${written}`);
  const character = String.fromCodePoint(code);
  return NOT_IN_XML.test(character) ? written : character;
}

/** Characters that XML 1.0 does not allow, not even as references. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const NOT_IN_XML = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
