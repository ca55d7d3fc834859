import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { limitedText, withoutStall } from "../../lib/net/body.ts";

/** Runs a test with the body of an answer that begins with `hello` and goes on as told. */
async function withBody(
  next: (controller: ReadableStreamDefaultController<Uint8Array>) => void | Promise<void>,
  test: (body: ReadableStream<Uint8Array<ArrayBuffer>>) => Promise<void>,
): Promise<void> {
  let pulls = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("hello"));
        else return next(controller);
      },
    }, { highWaterMark: 0 });
    return new Response(body);
  });
  try {
    const { body } = await fetch(`http://127.0.0.1:${server.addr.port}/`);
    await test(body!);
  } finally {
    await server.shutdown();
  }
}

const end = (controller: ReadableStreamDefaultController) => controller.close();
const goOn = (controller: ReadableStreamDefaultController<Uint8Array>) =>
  controller.enqueue(new Uint8Array(1_000));

Deno.test("`limitedText()` reads a body up to its limit, and no further", async () => {
  await withBody(end, async (body) => assertEquals(await limitedText(body, 5, "x"), "hello"));
  assertEquals(await limitedText(null, 5, "x"), "");
  await withBody(goOn, async (body) => {
    const error = await assertRejects(() => limitedText(body, 5_000, "the list"), BfaError);
    assertEquals([error.code, error.message], [
      "integrity",
      "Cannot read the list: it is longer than 5000 bytes",
    ]);
  });
});

Deno.test("`withoutStall()` passes a body on, and leaves a server that goes silent", async () => {
  await withBody(end, async (body) => {
    assertEquals(await new Response(withoutStall(body, "x")).text(), "hello");
  });
  await withBody(() => {}, async (body) => {
    const guarded = withoutStall(body, "a file", 20);
    const error = await assertRejects(() => new Response(guarded).text(), BfaError);
    assertEquals([error.code, error.message], [
      "network",
      "Cannot read a file: it went silent",
    ]);
  });
});

Deno.test("`withoutStall()` leaves a server that only trickles, however often it sends", async () => {
  let sent = Promise.resolve();
  let bytes = 0;
  const trickle = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    if (++bytes === 1_000) return controller.close();
    controller.enqueue(new Uint8Array(1));
    return sent = new Promise((done) => setTimeout(done, 10)); // else it would be fast
  };
  await withBody(trickle, async (body) => {
    const guarded = withoutStall(body, "a file", 200);
    const error = await assertRejects(() => new Response(guarded).text(), BfaError);
    assertEquals(error.code, "network");
    // On a busy machine it may seem silent.
    assertMatch(error.message, /^Cannot read a file: it (only trickles|went silent)$/);
  });
  await sent;
});

Deno.test("`withoutStall()` does not count the time in which nobody reads", async () => {
  let pieces = 0;
  const slowly = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    await new Promise((done) => setTimeout(done, 20));
    if (++pieces === 3) controller.close();
    else controller.enqueue(new Uint8Array(1));
  };
  await withBody(slowly, async (body) => {
    const { now } = performance;
    let hours = 0;
    performance.now = () => now.call(performance) + hours * 3_600_000;
    try {
      for await (const _ of withoutStall(body, "a file", 60_000)) hours++;
      assertEquals(hours, 3);
    } finally {
      performance.now = now;
    }
  });
});

Deno.test("`withoutStall()`: a connection that breaks is a failure with a line", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const served = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(10_000));
    await connection.write(
      new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhello"),
    );
  })();
  const { body } = await fetch(`http://127.0.0.1:${listener.addr.port}/`);
  const read = () => new Response(withoutStall(body!, "a file")).text();
  const error = await assertRejects(read, BfaError);
  assertEquals([error.code, error.message.slice(0, 20)], ["network", "Cannot read a file: "]);
  await served;
  listener.close();
});

Deno.test("`withoutStall()`: whoever leaves early ends the request", async () => {
  await withBody(goOn, async (body) => {
    const reader = withoutStall(body, "x").getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "hello");
    await reader.cancel();
  });
});
