import { assertEquals } from "@std/assert";
import type { Followed } from "../../lib/jobs/follow.ts";
import { eventStream } from "../helpers/event_stream.ts";
import { LISTINGS, type TestServiceOptions, VERSION, withService } from "../helpers/service.ts";

const EVENTS = "/v1/manifest/events";

/** Counts who listens, and tells when nobody does any more. */
function listenerCount() {
  let count = 0;
  let whenNone = Promise.withResolvers<void>();
  const wrapFollowed = (followed: Followed): Followed => ({
    ...followed,
    onChange(listener) {
      if (count++ === 0) whenNone = Promise.withResolvers();
      const stop = followed.onChange(listener);
      return () => {
        stop();
        if (--count === 0) whenNone.resolve();
      };
    },
  });
  return {
    options: { wrapFollowed } as TestServiceOptions,
    count: () => count,
    none: () => whenNone.promise,
  };
}

Deno.test("the first event is the current manifest; every publish sends one, its id the sequence", async () => {
  await withService(async ({ listen, publish }) => {
    const response = await fetch(listen() + EVENTS);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    assertEquals(response.headers.get("cache-control"), "no-store");
    const stream = eventStream(response);
    assertEquals(await stream.next(), { retry: "5000" });
    const first = await stream.next();
    assertEquals([first?.id, first?.event], ["1", "manifest"]);
    assertEquals(JSON.parse(first?.data ?? ""), {
      channel: "latest",
      sequence: 1,
      version: VERSION,
      dataThrough: "2024-03-31",
      publishedAt: "2024-04-01T12:05:00Z",
    });
    for (const build of [2, 3, 4]) {
      await publish(`2024-03-31.${build}`, LISTINGS.slice(build));
      const event = await stream.next();
      assertEquals(event?.id, String(build));
      assertEquals(JSON.parse(event?.data ?? "").version, `2024-03-31.${build}`);
    }
    await stream.cancel();
  });
});

Deno.test("before any version there is no event; the first publish sends it", async () => {
  await withService(async ({ listen, publish }) => {
    const stream = eventStream(await fetch(listen() + EVENTS));
    assertEquals(await stream.next(), { retry: "5000" });
    await publish(VERSION, LISTINGS);
    assertEquals((await stream.next())?.id, "1");
    await stream.cancel();
  }, { listings: [] });
});

Deno.test("a client that has seen the current manifest hears of the next one only", async () => {
  await withService(async ({ listen, publish }) => {
    const base = listen();
    const stream = eventStream(await fetch(base + EVENTS, { headers: { "last-event-id": "1" } }));
    assertEquals(await stream.next(), { retry: "5000" });
    await publish("2024-03-31.2", LISTINGS.slice(1));
    assertEquals((await stream.next())?.id, "2");
    await stream.cancel();
  });
});

Deno.test("a client that has missed some, or says nonsense, gets the current manifest", async () => {
  await withService(async ({ listen, publish }) => {
    const base = listen();
    await publish("2024-03-31.2", LISTINGS.slice(1));
    await publish("2024-03-31.3", LISTINGS.slice(2));
    for (const id of ["1", "2", "99", "x", ""]) {
      const headers = { "last-event-id": id };
      const stream = eventStream(await fetch(base + EVENTS, { headers }));
      assertEquals((await stream.nextEvent())?.id, "3", id);
      await stream.cancel();
    }
  });
});

Deno.test("comments keep the connection open", async () => {
  await withService(async ({ listen }) => {
    const stream = eventStream(await fetch(listen() + EVENTS));
    await stream.nextEvent();
    for (let i = 0; i < 3; i++) assertEquals(await stream.next(), { comment: "still here" });
    await stream.cancel();
  }, { heartbeatMs: 5 });
});

Deno.test("a client that leaves is forgotten, and the others still hear", async () => {
  const listeners = listenerCount();
  await withService(async ({ listen, publish }) => {
    const base = listen();
    const streams = [];
    for (let i = 0; i < 5; i++) streams.push(eventStream(await fetch(base + EVENTS)));
    for (const stream of streams) await stream.nextEvent();
    assertEquals(listeners.count(), 5);
    const [stays, ...leave] = streams;
    for (const stream of leave) await stream.cancel();
    await publish("2024-03-31.2", LISTINGS.slice(1));
    assertEquals((await stays!.nextEvent())?.id, "2");
    await stays!.cancel();
    await listeners.none();
    assertEquals(listeners.count(), 0);
  }, { ...listeners.options, heartbeatMs: 5 });
});

Deno.test("HEAD opens no stream", async () => {
  const listeners = listenerCount();
  await withService(async ({ ask }) => {
    const response = await ask(EVENTS, { method: "HEAD" });
    assertEquals([response.status, await response.text()], [200, ""]);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    assertEquals(listeners.count(), 0);
  }, listeners.options);
});

Deno.test("the stream ends when the server stops", async () => {
  const listeners = listenerCount();
  await withService(async ({ listen, stopping }) => {
    const stream = eventStream(await fetch(listen() + EVENTS));
    await stream.nextEvent();
    stopping.abort();
    assertEquals(await stream.next(), undefined);
    assertEquals(listeners.count(), 0);
  }, listeners.options);
});

Deno.test("a stream that is asked for while the server stops ends at once", async () => {
  const listeners = listenerCount();
  await withService(async ({ ask, stopping }) => {
    stopping.abort();
    const response = await ask(EVENTS);
    const left = listeners.count();
    await response.body?.cancel();
    assertEquals(left, 0);
  }, listeners.options);
});

Deno.test("one client has 50 streams at most, however it spells the address; others are not concerned", async () => {
  const listeners = listenerCount();
  await withService(async ({ service, problems }) => {
    const spellings = [EVENTS, `${EVENTS}?`, `${EVENTS}#x`, EVENTS.replace("s", "%73")];
    const ask = async (client: string, path = EVENTS) =>
      await service.fetch(new Request(`http://127.0.0.1${path}`), { client });
    const mine: Response[] = [];
    for (let i = 0; i < 50; i++) mine.push(await ask("me", spellings[i % spellings.length]));
    assertEquals(mine.map(({ status }) => status), Array(50).fill(200));
    for (const path of spellings) {
      const refused = await ask("me", path);
      assertEquals([refused.status, (await refused.json()).code], [429, "too_many"], path);
    }
    const other = await ask("you");
    assertEquals(other.status, 200);
    await mine[0]!.body!.cancel();
    const again = await ask("me");
    assertEquals(again.status, 200);
    for (const { body } of [...mine.slice(1), other, again]) await body!.cancel();
    assertEquals([listeners.count(), problems], [0, []]);
  }, listeners.options);
});

Deno.test("too many listeners are told to come back later", async () => {
  const listeners = listenerCount();
  await withService(async ({ ask }) => {
    const open: Response[] = [];
    for (let i = 0; i < 1_000; i++) open.push(await ask(EVENTS));
    const refused = await ask(EVENTS);
    assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
    assertEquals((await refused.json()).code, "busy");
    await open[0]!.body!.cancel();
    open.push(await ask(EVENTS));
    assertEquals(open.at(-1)!.status, 200);
    for (const { body } of open.slice(1)) await body!.cancel();
    assertEquals(listeners.count(), 0);
  }, listeners.options);
});
