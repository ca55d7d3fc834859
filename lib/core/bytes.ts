/**
 * Bytes as text and back, which `Uint8Array` does by itself only in newer runtimes than the library's clients may
 * have, and bytes in one piece.
 *
 * @module
 */

/**
 * Lower-case hex.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { toHex } from "./bytes.ts";
 * assertEquals(toHex(new Uint8Array([0, 10, 255])), "000aff");
 * ```
 */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * Base64url, without padding.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fromBase64url, toBase64url } from "./bytes.ts";
 * assertEquals(toBase64url(new Uint8Array([251, 255])), "-_8");
 * assertEquals(fromBase64url("-_8"), new Uint8Array([251, 255]));
 * ```
 */
export function toBase64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * The bytes of a text in base64url, with or without padding.
 *
 * @throws {TypeError} It is not base64url.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]*={0,2}$/.test(text)) {
    throw new TypeError("Cannot read the text: it is not base64url");
  }
  try {
    // Where the platform reads base64 itself, `atob` is not loaded: a millisecond at every start of the command line.
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  } catch (cause) {
    throw new TypeError("Cannot read the text: it is not base64url", { cause });
  }
}

/** Pieces of bytes as one; a single piece is given back as it is. */
export function joinBytes(pieces: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
