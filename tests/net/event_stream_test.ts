import { assertEquals } from "@std/assert";
import { readEvents } from "../../lib/net/event_stream.ts";

Deno.test("readEvents() reads the same events wherever the stream is cut, with either end of line", async () => {
  const text = ": hello\n\nretry: 5\nid: 7\nevent: moved\ndata: {\ndata: }\n\ndata: last\n\n";
  const events = [
    { event: "moved", data: "{\n}", id: "7" },
    { event: "message", data: "last", id: undefined },
  ];
  for (const sent of [text, text.replaceAll("\n", "\r\n")]) {
    for (const size of [1, 2, 3, 1_000]) {
      const pieces = sent.match(new RegExp(`[^]{1,${size}}`, "g"))!;
      const body = ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
      const retries: number[] = [];
      const options = { silentMs: 1_000, onRetry: (ms: number) => retries.push(ms) };
      assertEquals(await Array.fromAsync(readEvents(new Response(body), options)), events);
      assertEquals(retries, [5]);
    }
  }
});
