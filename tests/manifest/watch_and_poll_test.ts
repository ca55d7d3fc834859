import { assertEquals } from "@std/assert";
import { watchAndPoll } from "../../lib/manifest/watch_and_poll.ts";

/** Long enough that it never comes. */
const NEVER_MS = 3_600_000;

/** A value that is watched: streams are made one by one, and every opening and read is counted. */
function watched(options: { pollMs: number; streams: (() => ReadableStream<string>)[] }) {
  const stop = new AbortController();
  const counts = { opened: 0, reads: 0 };
  const sights = watchAndPoll({
    open: () => options.streams[counts.opened++]!(),
    decode: (pushed) => `pushed ${pushed}`,
    read: () => Promise.resolve(`read ${++counts.reads}`),
    pollMs: options.pollMs,
    brokenMs: 1,
    signal: stop.signal,
  });
  return { counts, stop, next: async () => (await sights.next()).value };
}

/** A stream on which something happens as soon as it is open: not before, as on a network. */
const soon = (happens: (c: ReadableStreamDefaultController<string>) => void) => () =>
  new ReadableStream<string>({ start: (c) => void setTimeout(() => happens(c)) });
const broken = soon((c) => c.error(new Error("broken")));
const ended = soon((c) => c.close());
const silent = () => new ReadableStream<string>();
const says = (...texts: string[]) => soon((c) => texts.forEach((text) => c.enqueue(text)));

Deno.test("a stream that breaks or ends is read after, and opened again until it holds", async () => {
  const value = watched({
    pollMs: NEVER_MS,
    streams: [broken, ended, broken, says("b", "c")],
  });
  const seen = [];
  for (let i = 0; i < 5; i++) seen.push(await value.next());
  assertEquals(seen, ["read 1", "read 2", "read 3", "pushed b", "pushed c"]);
  assertEquals(value.counts, { opened: 4, reads: 3 });
  value.stop.abort();
  assertEquals(await value.next(), undefined);
});

Deno.test("a silent stream is read beside, and not opened again", async () => {
  const value = watched({ pollMs: 1, streams: [silent] });
  for (let i = 1; i <= 3; i++) assertEquals(await value.next(), `read ${i}`);
  assertEquals(value.counts, { opened: 1, reads: 3 });
  value.stop.abort();
  assertEquals(await value.next(), undefined);
});

Deno.test("stopping ends the wait at once, and cancels the stream", async () => {
  let cancelled = false;
  const stream = () => new ReadableStream<string>({ cancel: () => void (cancelled = true) });
  const value = watched({ pollMs: NEVER_MS, streams: [stream] });
  const next = value.next();
  value.stop.abort();
  assertEquals([await next, cancelled], [undefined, true]);
});
