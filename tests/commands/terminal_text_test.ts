import { assertEquals } from "@std/assert";
import { CLEAR_LINE, terminalText, terminalWriter } from "../../commands/terminal_text.ts";

/** What a hostile name may hold, and what a person is shown. */
const CASES: [string, string][] = [
  ["AAAUSDT 币安人生USDT é", "AAAUSDT 币安人生USDT é"],
  ["a\tb\r\nc\n", "a\tb\r\nc\n"],
  ["good\rbad", "good\\u000dbad"],
  ["\x1b]0;title\x07\x1b[2J", "\\u001b]0;title\\u0007\\u001b[2J"],
  ["\x9b31m\x90\x7f\0\b", "\\u009b31m\\u0090\\u007f\\u0000\\u0008"],
  ["USDT\u202eCTB\u2066\u200f", "USDT\\u202eCTB\\u2066\\u200f"],
];

Deno.test("a terminal is told nothing by the text that it shows", () => {
  for (const [text, shown] of CASES) assertEquals(terminalText(text), shown);
  const json = JSON.stringify({ a: "\x9b\u202e" });
  assertEquals(JSON.parse(terminalText(json)), JSON.parse(json));
});

Deno.test("terminalWriter() guards text and bytes, and clears the line of progress", () => {
  let written = "";
  const write = terminalWriter((text) => written += text);
  write(`${CLEAR_LINE}1 of 2${CLEAR_LINE}`);
  const bytes = new TextEncoder().encode("币\x1b[31m\n");
  write(bytes.subarray(0, 2));
  write(bytes.subarray(2));
  assertEquals(written, `${CLEAR_LINE}1 of 2\\u000d\\u001b[K币\\u001b[31m\n`);
});
