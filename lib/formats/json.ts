/**
 * A body as JSON, in chunks: a list may have hundreds of thousands of rows.
 *
 * @module
 */

import { ROWS } from "./chunks.ts";

/** The very bytes of `JSON.stringify(body)` and a line end; the named lists come row by row. */
export function* json(
  body: object,
  lists: readonly string[],
): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let text = "";
  let separator = "{";
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined) continue;
    text += `${separator}${JSON.stringify(name)}:`;
    separator = ",";
    if (!lists.includes(name) || !Array.isArray(value) || value.length <= ROWS) {
      text += JSON.stringify(value);
      continue;
    }
    for (let i = 0; i < value.length; i += ROWS) {
      const rows = JSON.stringify(value.slice(i, i + ROWS)).slice(1, -1);
      yield encoder.encode(`${text}${i ? "," : "["}${rows}`);
      text = "";
    }
    text = "]";
  }
  yield encoder.encode(`${text}${separator === "{" ? "{" : ""}}\n`);
}
