import { assertEquals } from "@std/assert";
import { OpenStreams } from "../../routes/open_streams.ts";
import { operated } from "../../routes/operation.ts";
import { withService } from "../helpers/service.ts";

Deno.test("a client's streams count until they end or it leaves; other clients are not concerned", async () => {
  const streams = new OpenStreams(2);
  const source = () => {
    let controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (c) => void (controller = c),
    });
    return { response: new Response(body, { status: 200, headers: { a: "b" } }), controller };
  };
  const [one, two] = [source(), source()];
  const first = streams.counted("x", one.response);
  const second = streams.counted("x", two.response);
  assertEquals([streams.allows("x"), streams.allows("y"), first.headers.get("a")], [
    false,
    true,
    "b",
  ]);
  await first.body!.cancel();
  assertEquals(streams.allows("x"), true);
  streams.counted("x", new Response(null));
  assertEquals(streams.allows("x"), true, "without a body there is no stream");
  two.controller.enqueue(new TextEncoder().encode("hello"));
  two.controller.close();
  assertEquals(await second.text(), "hello");
  const all = [source(), source()].map(({ response }) => streams.counted("x", response));
  assertEquals(streams.allows("x"), false);
  for (const { body } of all) await body!.cancel();
});

Deno.test("the 51st event stream of one client is refused with 429, and again possible when one ends", async () => {
  await withService(async ({ service, followed }) => {
    const run = operated(service, { followed, now: () => new Date(), clientHeader: "x-client" });
    const open = async (client: string) =>
      await run.fetch(
        new Request("http://127.0.0.1/v1/manifest/events", { headers: { "x-client": client } }),
      );
    const mine = [];
    for (let i = 0; i < 50; i++) mine.push(await open("me"));
    assertEquals(mine.map(({ status }) => status), Array(50).fill(200));
    const refused = await open("me");
    assertEquals([refused.status, refused.headers.get("retry-after")], [429, "60"]);
    assertEquals((await refused.json()).code, "too_many");
    const other = await open("you");
    assertEquals(other.status, 200);
    await mine[0]!.body!.cancel();
    const again = await open("me");
    assertEquals(again.status, 200);
    for (const { body } of [...mine.slice(1), other, again]) await body!.cancel();
    const text = await (await run.fetch(new Request("http://127.0.0.1/metrics"))).text();
    assertEquals(text.includes('bfa_http_refused_total{limit="streams"} 1'), true);
  });
});
