/**
 * Keys as S3 orders them: by the bytes of their UTF-8. A binary string holds one byte per character,
 * so that `<` compares bytes; for ASCII it is the text itself.
 *
 * @module
 */

// deno-lint-ignore no-control-regex -- ASCII begins with them
const ASCII = /^[\x00-\x7f]*$/;

/** The UTF-8 bytes of a text, one per character. */
export function toBinary(text: string): string {
  if (ASCII.test(text)) return text;
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** The text of UTF-8 bytes. */
export function fromBinary(binary: string): string {
  if (ASCII.test(binary)) return binary;
  return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
}

/** Compares two texts by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [toBinary(a), toBinary(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Decodes a query value to bytes, once and no more: a marker that was encoded twice, or in another
 * character set, stays wrong.
 *
 * @returns `undefined` for what S3 calls an invalid URI: a stray `%`, or bytes that should be encoded.
 */
export function decodeQueryValue(raw: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})|[^\x21-\x7e]/.test(raw)) return undefined;
  return raw.replaceAll("+", " ").replace(
    /%(..)/g,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  );
}

/** The first position in a sorted list where `isPast` holds. */
export function lowerBound<T>(list: readonly T[], isPast: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(list[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
