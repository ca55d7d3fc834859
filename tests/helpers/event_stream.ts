/** Reads server-sent events as they come. @module */

/** One block of a stream: its fields, or its comment. */
export interface StreamBlock {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly retry?: string;
  readonly comment?: string;
}

/** A stream that is being read. */
export interface EventStream {
  /** The next block; `undefined` when the stream has ended. */
  next(): Promise<StreamBlock | undefined>;
  /** The next block that has an event. */
  nextEvent(): Promise<StreamBlock | undefined>;
  /** Leaves. */
  cancel(): Promise<void>;
}

/** Reads the events of a response. */
export function eventStream(response: Response): EventStream {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const stream: EventStream = {
    async next() {
      for (;;) {
        const end = text.indexOf("\n\n");
        if (end >= 0) {
          const block = readBlock(text.slice(0, end));
          text = text.slice(end + 2);
          return block;
        }
        const { value, done } = await reader.read();
        if (done) return undefined;
        text += value;
      }
    },
    async nextEvent() {
      for (;;) {
        const block = await stream.next();
        if (!block || block.event) return block;
      }
    },
    cancel: () => reader.cancel(),
  };
  return stream;
}

function readBlock(text: string): StreamBlock {
  const fields = text.split("\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon) || "comment", line.slice(colon + 1).trim()];
  });
  return Object.fromEntries(fields);
}
