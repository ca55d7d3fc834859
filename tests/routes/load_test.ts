import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { listing } from "../helpers/listing.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { largeStream } from "../../routes/large.ts";
import { eventStream } from "../helpers/event_stream.ts";
import { largeAnswers, untilNoneIsSent } from "../helpers/large_answers.ts";
import { LARGE_FILE, type MainProcess, withMain } from "../helpers/main_process.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";
import { publishWith } from "../helpers/publishing.ts";
import { waitForLine } from "../helpers/process.ts";
import { VERSION, withService } from "../helpers/service.ts";

const MB = 1024 * 1024;

/** Opens connections, sends each some bytes and reads nothing. */
async function connections(
  url: string,
  count: number,
  text: string | ((i: number) => string),
): Promise<Deno.TcpConn[]> {
  const { hostname, port } = new URL(url);
  const opened: Deno.TcpConn[] = [];
  for (let i = 0; i < count; i++) {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const bytes = typeof text === "string" ? text : text(i);
    await connection.write(new TextEncoder().encode(bytes));
    opened.push(connection);
  }
  return opened;
}

async function answersStill({ url }: MainProcess, times = 200): Promise<void> {
  for (let i = 0; i < times; i++) {
    const response = await fetch(`${url}/v1/snapshot/2024-01-15`);
    assertEquals([response.status, (await response.json()).date], [200, "2024-01-15"]);
  }
}

Deno.test("1,000 connections that never finish their headers: others are answered, memory stays", async () => {
  await withMain(async (main) => {
    await answersStill(main);
    const before = await main.memory();
    const slow = await connections(
      main.url,
      1_000,
      "GET /v1/symbols HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    );
    await answersStill(main);
    for (const connection of slow) await connection.write(new TextEncoder().encode("x"));
    await answersStill(main);
    const grown = await main.memory() - before;
    assert(grown < 64 * MB, `${grown / MB} MB more`);
    for (const connection of slow) connection.close();
    await answersStill(main);
  });
});

Deno.test("400 clients that never read a large file: 256 get it, the others 503; memory stays", async () => {
  await withMain(async (main) => {
    await answersStill(main);
    const before = await main.memory();
    const ask = (i: number) =>
      `GET ${LARGE_FILE} HTTP/1.1\r\nHost: a\r\nX-Client: ${i % 20}\r\n\r\n`;
    const slow = await connections(main.url, 400, ask);
    const statuses = await Promise.all(slow.map(async (connection) => {
      const some = new Uint8Array(2_000);
      const text = new TextDecoder().decode(some.subarray(0, (await connection.read(some)) ?? 0));
      if (!text.includes(" 200 ")) assert(/^retry-after: 5\r$/im.test(text), text);
      return text.slice(9, 12);
    }));
    assertEquals(statuses.filter((status) => status === "200").length, 256);
    assertEquals(statuses.filter((status) => status === "503").length, 144);
    await answersStill(main);
    const grown = await main.memory() - before;
    assert(grown < 400 * MB, `${grown / MB} MB more`);
    for (const connection of slow) connection.close();
    // They are gone: there is room again, at the latest when the server has noticed them all.
    for (;;) {
      const response = await fetch(main.url + LARGE_FILE);
      await response.body?.cancel();
      if (response.status === 200) break;
    }
  }, { env: { BFA_LOG_REQUESTS: "0", BFA_CLIENT_HEADER: "X-Client" } });
});

/** How many large answers one client may have under way, by what they hold. */
const OF_CLIENT = { file: 32, memory: 8 } as const;

for (const [holds, most] of Object.entries(OF_CLIENT) as ["file" | "memory", number][]) {
  Deno.test(`one client has ${most} large answers from ${holds} under way at most; others are not concerned`, async () => {
    function* pieces() {
      for (;;) yield new Uint8Array(1_000);
    }
    const open = (client?: string) => largeStream(pieces(), { client, holds });
    const mine = Array.from({ length: most }, () => open("me"));
    let closed = 0;
    const more = {
      next: () => ({ done: true as const, value: undefined }),
      return: (value?: unknown) => (closed++, { done: true as const, value }),
    };
    const refused = assertThrows(() => largeStream(more, { client: "me", holds }), BfaError);
    assertEquals([refused.code, closed, largeAnswers()], ["too_many", 1, most]);
    mine.push(open("you"), open());
    const other = holds === "file" ? "memory" : "file";
    mine.push(largeStream(pieces(), { client: "me", holds: other }));
    assertEquals(largeAnswers(), most + 3);
    await Promise.all(mine.map((stream) => stream.cancel()));
    assertEquals(largeAnswers(), 0);
    await open("me").cancel();
  });
}

for (const taken of [0, 1, 3]) {
  Deno.test(`a client that takes nothing after ${taken} pieces is let go, and what it read from is closed`, async () => {
    let closed = 0;
    function* pieces() {
      try {
        for (;;) yield new Uint8Array(1_000);
      } finally {
        closed++;
      }
    }
    const made = pieces();
    const start = made.next().value!;
    const stream = largeStream(made, { start, idleMs: 1, holds: "memory" }).getReader();
    for (let i = 0; i < taken; i++) await stream.read();
    await assertRejects(() => stream.closed, Error, "the client takes nothing");
    assertEquals([closed, largeAnswers()], [1, 0]);
  });
}

Deno.test("a source that fails in the middle breaks the answer off, and is counted no longer", async () => {
  async function* pieces() {
    yield new Uint8Array(1_000);
    await Promise.reject(new Error("the disk is gone"));
  }
  const stream = largeStream(pieces(), { holds: "file" }).getReader();
  assertEquals((await stream.read()).value?.length, 1_000);
  await assertRejects(() => stream.read(), Error, "the disk is gone");
  assertEquals(largeAnswers(), 0);
});

Deno.test("clients that leave in the middle of large answers leave nothing behind", async () => {
  const many = Array.from(
    { length: 60_000 },
    (_, i) => listing(`S${String(i).padStart(5, "0")}USDT#1`, "2024-01-01"),
  );
  await withService(async ({ listen, problems }) => {
    const base = listen();
    for (const path of ["/v1/symbols.csv", "/v1/symbols?detail=1", "/v1/symbols.ndjson"]) {
      for (const encoding of ["identity", "gzip"]) {
        const left = Array.from({ length: 5 }, async () => {
          const gone = new AbortController();
          const response = await fetch(base + path, {
            headers: { "accept-encoding": encoding },
            signal: gone.signal,
          });
          await response.body!.getReader().read();
          gone.abort();
        });
        await Promise.all(left);
        await untilNoneIsSent(base);
      }
    }
    const whole = await fetch(`${base}/v1/symbols?detail=1`);
    const { count, rows } = await whole.json();
    assertEquals([whole.status, count, rows.length], [200, 60_000, 60_000]);
    assertEquals(problems, []);
  }, { listings: many });
});

Deno.test("while versions switch under load, no answer of any kind mixes two", async () => {
  const sized = (count: number) =>
    Array.from({ length: count }, (_, i) => listing(`S${10 + i}USDT#1`, "2024-01-05"));
  const counts = new Map([[VERSION, 1]]);
  /** How many symbols an answer holds. */
  const kinds: Record<string, (text: string) => number> = {
    "/v1/symbols?detail=1": (text) => JSON.parse(text).rows.length,
    "/v1/snapshot/2024-03-31.csv": (text) => text.trimEnd().split("\r\n").length - 1,
    "/v1/summary.ndjson?from=2024-03-31": (text) => JSON.parse(text).traded,
    [`/v1/diff/${VERSION}..latest`]: (text) => JSON.parse(text).listings.length + 1,
    "/v1/feeds/listings.json": (text) => JSON.parse(text).items.length,
  };
  await withService(async ({ listen, publish, problems }) => {
    const base = listen();
    let done = false;
    let asked = 0;
    const ask = async (path: string) => {
      const tags = new Map<string, string>();
      while (!done) {
        const response = await fetch(base + path);
        const text = await response.text();
        const version = response.headers.get("x-dataset-version")!;
        assertEquals([response.status, kinds[path]!(text)], [200, counts.get(version)], path);
        const etag = response.headers.get("etag")!;
        assertEquals(tags.get(etag) ?? text, text, "one tag, one body");
        tags.set(etag, text);
        asked++;
      }
    };
    const clients = Promise.all(Object.keys(kinds).map(ask));
    try {
      for (let count = 2; count <= 12; count++) {
        const version = `2024-03-31.${count}`;
        counts.set(version, count);
        await publish(version, sized(count));
      }
    } finally {
      done = true;
    }
    await clients;
    assert(asked > 50, `${asked} answers`);
    assertEquals(problems, []);
  }, { listings: [listing("S10USDT#1", "2024-01-05")] });
});

Deno.test("a cold start while the files are out of reach: the seed answers, then the version", async () => {
  await withPublisher(async (world) => {
    let sha256 = "";
    let down = true;
    const files = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async ({ url }) => {
        if (down) return new Response("down", { status: 503 });
        const path = world.mirrorDir + new URL(url).pathname;
        return new Response(await Deno.readFile(path));
      },
    );
    const prepare = async (dir: string) => {
      const kv = await Deno.openKv(`${dir}/kv.sqlite3`);
      const publisher = { ...world.publisher, store: kvManifestStore(kv) };
      const { stored } = await publishWith(world, publisher, VERSION, SMALL_LISTINGS);
      sha256 = stored.manifest.signed.artifacts[0]!.sha256;
      kv.close();
    };
    await withMain(async ({ url, process }) => {
      const get = async (path: string) => {
        const response = await fetch(url + path);
        return { response, status: response.status, body: await response.json() };
      };
      const file = await get(`/v1/artifacts/${sha256}/listings.json`);
      assertEquals([file.status, file.body.code], [503, "network"]);
      assertEquals(file.response.headers.get("retry-after"), "5");
      assertEquals((await get("/healthz")).status, 200);
      const ready = await get("/readyz");
      assertEquals([ready.status, ready.body.code], [503, "unavailable"]);
      for (const path of ["/v1/snapshot/2024-01-15", "/v1/timeline/BTCUSDT"]) {
        const { status, body } = await get(path);
        assertEquals(status, 200, path);
        assert(body.version !== VERSION, "from the embedded listings");
      }
      assertEquals((await get("/v1/manifest")).body.signed.version, VERSION); // KV is there
      down = false;
      await waitForLine(process, /now serving 2024-03-31\.1 /);
      assertEquals((await get("/readyz")).body.version, VERSION);
      assertEquals((await get("/v1/symbols")).body.count, 3);
      const found = await fetch(`${url}/v1/artifacts/${sha256}/listings.json`);
      assertEquals([found.status, (await found.json()).listings.length > 0], [200, true]);
    }, { env: { BFA_MIRROR: `http://127.0.0.1:${files.addr.port}` }, prepare });
    await files.shutdown();
  });
});

Deno.test("event streams end when their clients leave", async () => {
  await withService(async ({ listen, followed }) => {
    const base = listen();
    for (let round = 0; round < 3; round++) {
      const streams = await Promise.all(Array.from(
        { length: 50 },
        async () => eventStream(await fetch(`${base}/v1/manifest/events`)),
      ));
      for (const stream of streams) assertEquals((await stream.nextEvent())?.id, "1");
      await Promise.all(streams.map((stream) => stream.cancel()));
    }
    assert(followed.current());
  });
});
