/**
 * Everything that is seen of a value that changes: pushed as it does, and read now and then as well.
 *
 * @module
 */

/** How a value is seen. */
export interface WatchOptions<Pushed, T> {
  /** Opens the stream of pushes. */
  open(): ReadableStream<Pushed>;
  /** What a push says. */
  decode(pushed: Pushed): T;
  /** Reads the value now. */
  read(): Promise<T>;
  /** How often to read while the stream is open, ms. */
  readonly pollMs: number;
  /** How often to read, and to open the stream again, while it is broken, ms. */
  readonly brokenMs: number;
  readonly signal: AbortSignal;
}

/** Every sight, until the signal aborts. A failed read is tried again; a broken stream is reopened. */
export async function* watchAndPoll<Pushed, T>(
  { open, decode, read, pollMs, brokenMs, signal }: WatchOptions<Pushed, T>,
): AsyncGenerator<T> {
  let wake = () => {};
  let seen: { pushed: Pushed } | "end" | undefined;
  let stream: ReadableStreamDefaultReader<Pushed> | undefined;

  // A promise that is raced again and again keeps every race alive: this one wakes the wait instead.
  function listen(reader: ReadableStreamDefaultReader<Pushed>): void {
    reader.read()
      .then(({ value, done }) => done ? "end" as const : { pushed: value }, () => "end" as const)
      .then((result) => {
        seen = result;
        wake();
      });
  }

  async function pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
      wake = resolve;
    });
    clearTimeout(timer);
  }

  const stop = () => wake();
  signal.addEventListener("abort", stop);
  try {
    while (!signal.aborted) {
      if (!stream) listen(stream = open().getReader());
      if (!seen) await pause(pollMs);
      if (signal.aborted) return;
      const now = seen;
      seen = undefined;
      if (now && now !== "end") {
        listen(stream);
        yield decode(now.pushed);
        continue;
      }
      const value = await read().then((value) => ({ value }), () => undefined);
      if (value) yield value.value;
      if (!now) continue;
      stream = undefined;
      if (!signal.aborted) await pause(brokenMs);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await stream?.cancel().catch(() => {});
  }
}
