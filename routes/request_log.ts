/**
 * The log of requests: one line of JSON each, written a few times a second.
 *
 * @module
 */

/** What is logged of a request. */
export interface RequestLine {
  readonly time: string;
  readonly id: string;
  readonly method: string;
  /** Path and query, cut to {@linkcode PATH_LENGTH}. */
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

/** Query texts may be long, and hold what nobody should read in a log. */
const PATH_LENGTH = 160;

const FLUSH_MS = 200;
const FLUSH_CHARACTERS = 64 * 1024;

/** Collects lines and writes them together. */
export class RequestLog {
  readonly #write: (text: string) => void;
  #text = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** A log that hands whole lines to `write`. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Adds a request. */
  add(line: RequestLine): void {
    this.#text += JSON.stringify({ ...line, path: shortened(line.path) }) + "\n";
    if (this.#text.length >= FLUSH_CHARACTERS) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Writes what is left. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#text;
    this.#text = "";
    if (text) this.#write(text);
  }
}

function shortened(path: string): string {
  return path.length > PATH_LENGTH ? `${path.slice(0, PATH_LENGTH)}…` : path;
}
