/**
 * A log that goes into a pipe: whoever reads it may be slow, stop reading, or die, and the service neither
 * waits for it nor ends with it.
 *
 * @module
 */

import { inTime } from "../lib/core/in_time.ts";

/** Where bytes go, such as `Deno.stdout`. */
export interface LogSink {
  /** Writes some of them, and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Text that waits to be taken, characters; what comes while there is more is left out. */
const MOST_WAITING = 1024 * 1024;

/** Writes text to a sink, in order, without waiting. */
export class LogPipe {
  readonly #sink: LogSink;
  readonly #mostWaiting: number;
  #waiting = "";
  #leftOut = 0;
  #writing: Promise<void> | undefined;
  #broken = false;

  /** A log on a sink. */
  constructor(sink: LogSink, mostWaiting: number = MOST_WAITING) {
    this.#sink = sink;
    this.#mostWaiting = mostWaiting;
  }

  /** Writes lines; leaves them out when nobody takes what was written before. */
  write(text: string): void {
    if (this.#broken) return;
    if (this.#waiting.length > this.#mostWaiting) {
      this.#leftOut += text.split("\n").length - 1;
      return;
    }
    if (this.#leftOut) {
      this.#waiting += `{"linesLeftOut":${this.#leftOut}}\n`;
      this.#leftOut = 0;
    }
    this.#waiting += text;
    this.#writing ??= this.#drain().finally(() => this.#writing = undefined);
  }

  /** Waits until everything is written, but no longer than so many ms. */
  async flushed(ms: number): Promise<void> {
    if (this.#writing) await inTime(this.#writing, ms, () => {});
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting) {
        const bytes = new TextEncoder().encode(this.#waiting);
        this.#waiting = "";
        for (let done = 0; done < bytes.length;) {
          done += await this.#sink.write(bytes.subarray(done));
        }
      }
    } catch {
      this.#broken = true; // nobody reads it any more, and nobody can be told
      this.#waiting = "";
    }
  }
}
