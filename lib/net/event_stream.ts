/**
 * Server-sent events, as a client reads them.
 *
 * @module
 */

import { BfaError } from "../core/errors.ts";
import { inTime } from "../core/in_time.ts";

/** One event. */
export interface ServerEvent {
  /** What it is called; `message` when the server does not say. */
  readonly event: string;
  readonly data: string;
  /** To send back as `Last-Event-ID` after a reconnect. */
  readonly id: string | undefined;
}

/** The longest block that is read, in characters. */
const MAX_BLOCK = 64 * 1024;

/**
 * Reads the events of a response until it ends. Leaving the loop closes the connection.
 *
 * @param options `silentMs`: how long the server may send nothing at all, not even a comment; `onRetry`: told how
 *   long the server wants clients to wait before they come back.
 * @throws {BfaError} `network` when the connection breaks or goes silent.
 */
export async function* readEvents(
  response: Response,
  { silentMs, onRetry }: { silentMs: number; onRetry?: (ms: number) => void },
): AsyncGenerator<ServerEvent> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await inTime(reader.read(), silentMs, () => {
        throw new BfaError("network", `Cannot read the event stream: silent for ${silentMs} ms`);
      });
      if (done) return;
      text = (text + value).replaceAll("\r\n", "\n"); // a line's end may come in two pieces
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = readBlock(text.slice(0, end), onRetry);
        text = text.slice(end + 2);
        if (event) yield event;
      }
      if (text.length > MAX_BLOCK) {
        throw new BfaError("network", "Cannot read the event stream: an event does not end");
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // it may have broken already
  }
}

function readBlock(text: string, onRetry?: (ms: number) => void): ServerEvent | undefined {
  const data: string[] = [];
  let event = "message";
  let id: string | undefined;
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    if (name === "event") event = value;
    if (name === "id") id = value;
    if (name === "retry" && /^\d{1,6}$/.test(value)) onRetry?.(Number(value));
  }
  return data.length > 0 ? { event, data: data.join("\n"), id } : undefined;
}
