/**
 * Text for a terminal: a terminal obeys some characters instead of showing them. What comes from a publisher, a mirror or
 * a database must not move its cursor, name its window, or turn the order of what is read.
 *
 * @module
 */

/** Clears the line that shows progress: the one thing that terminals are told. */
export const CLEAR_LINE = "\r\x1b[K";

/** Control characters but tab and line end, marks and overrides of direction, and lone halves of characters. */
const OBEYED =
  // deno-lint-ignore no-control-regex -- they are what is looked for
  /\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text of which a terminal obeys nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { terminalText } from "./terminal_text.ts";
 * assertEquals(terminalText("a\tb\n\x1b[31mred"), "a\tb\n\\u001b[31mred");
 * ```
 */
export function terminalText(text: string): string {
  // As JSON writes them: an answer in JSON stays what it is.
  return text.replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Writes text and bytes to a terminal, so that it obeys nothing but {@linkcode CLEAR_LINE} at the start of a text. */
export function terminalWriter(write: (text: string) => void): (data: string | Uint8Array) => void {
  const decoder = new TextDecoder();
  return (data) => {
    if (typeof data !== "string") {
      return write(terminalText(decoder.decode(data, { stream: true })));
    }
    const own = data.startsWith(CLEAR_LINE) ? CLEAR_LINE : "";
    write(own + terminalText(data.slice(own.length)));
  };
}
