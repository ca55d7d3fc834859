import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BfaError, HttpError } from "../../lib/core/errors.ts";
import { type Fetch, httpClient, type HttpClientOptions } from "../../lib/net/client.ts";
import type { RetryPolicy } from "../../lib/net/retry.ts";
import { type RawReply, type RawServer, serveRaw } from "../helpers/fault_server.ts";

const body = new TextEncoder().encode("hello");
const ok: RawReply = { status: 200, body };

/** Runs a test with a server that gives these answers in turn, the last one ever again. */
async function withReplies(
  replies: readonly RawReply[],
  test: (server: RawServer) => Promise<void>,
): Promise<void> {
  const server = serveRaw(({ number }) => replies[Math.min(number, replies.length) - 1]!);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

/** What a request comes to: the text of its body, or the error's code and message. */
async function outcome(work: Promise<Response>): Promise<string> {
  try {
    const response = await work;
    return response.ok ? await response.text() : `${response.status} ${await response.text()}`;
  } catch (error) {
    if (!(error instanceof BfaError)) throw error;
    return error instanceof HttpError ? `${error.code} ${error.status}` : error.code;
  }
}

const noWait: HttpClientOptions = { random: () => 0 };
const many = (status: number, count: number, headers = {}) =>
  Array.from({ length: count }, (): RawReply => ({ status, headers }));

const CASES: { injected: string; replies: RawReply[]; requests: number; ends: string }[] = [
  { injected: "nothing", replies: [ok], requests: 1, ends: "hello" },
  { injected: "503 twice", replies: [...many(503, 2), ok], requests: 3, ends: "hello" },
  { injected: "503 five times", replies: [...many(503, 5), ok], requests: 6, ends: "hello" },
  { injected: "503 for ever", replies: many(503, 1), requests: 6, ends: "network 503" },
  { injected: "500 for ever", replies: many(500, 1), requests: 6, ends: "network 500" },
  { injected: "429 for ever", replies: many(429, 1), requests: 6, ends: "network 429" },
  { injected: "404", replies: [...many(404, 1), ok], requests: 1, ends: "network 404" },
  { injected: "403", replies: [...many(403, 1), ok], requests: 1, ends: "network 403" },
  { injected: "501", replies: [...many(501, 1), ok], requests: 1, ends: "network 501" },
  {
    injected: "503, then 404",
    replies: [...many(503, 1), ...many(404, 1)],
    requests: 2,
    ends: "network 404",
  },
  {
    injected: "429 with Retry-After: 0",
    replies: [...many(429, 1, { "retry-after": 0 }), ok],
    requests: 2,
    ends: "hello",
  },
  {
    injected: "429 that asks for longer than the client waits",
    replies: [...many(429, 1, { "retry-after": 21 }), ok],
    requests: 1,
    ends: "network 429",
  },
  {
    injected: "a connection that ends before the answer",
    replies: [{ status: 200, headers: { "bad header": "" } }, ok],
    requests: 2,
    ends: "hello",
  },
];

for (const { injected, replies, requests, ends } of CASES) {
  Deno.test(`${injected}: ${requests} requests, then ${ends}`, async () => {
    await withReplies(replies, async (server) => {
      assertEquals(await outcome(httpClient(noWait).get(server.url)), ends);
      assertEquals(server.requests.length, requests);
    });
  });
}

/** Runs work whose waits are told and not waited for. */
async function waitsOf(work: () => Promise<unknown>): Promise<number[]> {
  const { setTimeout } = globalThis;
  const waits: number[] = [];
  const told: typeof setTimeout = Object.assign((...[run, ms, ...args]: TimeoutArgs) => {
    if (ms === FIRST_BYTE_MS) return setTimeout(run, ms, ...args);
    waits.push(ms ?? 0);
    return setTimeout(run, 0, ...args);
  }, setTimeout);
  globalThis.setTimeout = told;
  try {
    await work();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return waits;
}

type TimeoutArgs = Parameters<typeof setTimeout>;

/** The client's own limit for a first byte, which is no wait. */
const FIRST_BYTE_MS = 20_000;

Deno.test("503 for as long as it is asked: waits double, and random shortens each", async () => {
  await withReplies(many(503, 1), async (server) => {
    const shares = [0.5, 0.25, 1, 0, 0.75];
    let asked = 0;
    const client = httpClient({ random: () => shares[asked++]! });
    const waits = await waitsOf(() => outcome(client.get(server.url)));
    assertEquals(waits, [200, 200, 1600, 0, 4800]);
    assertEquals(server.requests.length, 6);
  });
});

Deno.test("clients spread out: a hundred that were refused together do not come back together", async () => {
  await withReplies(many(503, 1), async (server) => {
    const retry = { tries: 2, baseMs: 10_000, mostMs: 10_000 };
    const waits = await waitsOf(() =>
      Promise.all(
        Array.from({ length: 100 }, () => outcome(httpClient({ retry }).get(server.url))),
      )
    );
    // Some tenth of the time lacks them all once in 4,000 times; three of them, never.
    const tenths = new Set(waits.map((ms) => Math.floor(ms / 1_000)));
    assertEquals([waits.length, tenths.size >= 8], [100, true], `${waits}`);
  });
});

Deno.test("Retry-After is waited for as told, without random", async () => {
  await withReplies([...many(429, 1, { "retry-after": 7 }), ok], async (server) => {
    const client = httpClient({ random: () => 0.01 });
    assertEquals(await waitsOf(() => outcome(client.get(server.url))), [7_000]);
    assertEquals(server.requests.length, 2);
  });
});

Deno.test("a status that is accepted is an answer, and its request is not repeated", async () => {
  await withReplies([...many(416, 1)], async (server) => {
    assertEquals(await outcome(httpClient(noWait).get(server.url, { accept: [416] })), "416 ");
    assertEquals(server.requests.length, 1);
  });
});

Deno.test("tries: 1 asks once", async () => {
  await withReplies(many(503, 1), async (server) => {
    assertEquals(await outcome(httpClient(noWait).get(server.url, { tries: 1 })), "network 503");
    assertEquals(server.requests.length, 1);
  });
});

Deno.test("Retry-After: 0 wins over a long backoff", async () => {
  const retry: RetryPolicy = { tries: 3, baseMs: 600_000, mostMs: 600_000 };
  await withReplies([...many(503, 2, { "retry-after": 0 }), ok], async (server) => {
    const began = performance.now();
    const client = httpClient({ retry, random: () => 0.99 });
    assertEquals(await outcome(client.get(server.url)), "hello");
    assertEquals(performance.now() - began < 60_000, true);
  });
});

Deno.test("Retry-After: a date is read by the client's clock, and waited for", async () => {
  const now = () => new Date("2024-04-01T12:00:00Z");
  const date = "Mon, 01 Apr 2024 12:00:01 GMT";
  await withReplies([...many(429, 1, { "retry-after": date }), ok], async (server) => {
    const began = performance.now();
    assertEquals(await outcome(httpClient({ ...noWait, now }).get(server.url)), "hello");
    assertEquals(performance.now() - began > 950, true);
    assertEquals(server.requests.length, 2);
  });
});

Deno.test("a server that does not begin to answer: given up after firstByteMs, 2 tries, network", async () => {
  const ended = Promise.withResolvers<RawReply>();
  const server = serveRaw(() => ended.promise);
  const retry = { tries: 2, baseMs: 1, mostMs: 1 };
  const client = httpClient({ retry, firstByteMs: 50 });
  assertEquals(await outcome(client.get(server.url)), "network");
  assertEquals(server.requests.length, 2);
  ended.resolve(ok);
  await server.close();
});

Deno.test("a signal ends the wait between tries at once: network, 1 request", async () => {
  const retry: RetryPolicy = { tries: 6, baseMs: 600_000, mostMs: 600_000 };
  await withReplies(many(503, 1), async (server) => {
    const stop = new AbortController();
    const response = httpClient({ retry, random: () => 0.99 }).get(server.url, {
      signal: stop.signal,
    });
    const ended = outcome(response);
    while (server.requests.length === 0) await new Promise((done) => setTimeout(done, 1));
    stop.abort();
    assertEquals(await ended, "network");
    assertEquals(server.requests.length, 1);
  });
});

Deno.test("a redirect on the same host is followed; to another host it is refused, unasked", async () => {
  await withReplies([ok], async (other) => {
    const cases: [location: string, requests: number, ends: string][] = [
      ["/elsewhere", 2, "hello"],
      ["elsewhere?x=1", 2, "hello"],
      [other.url, 1, "network"],
      [other.url.replace("127.0.0.1", "localhost"), 1, "network"],
      ["file:///etc/passwd", 1, "network"],
      ["https://example.invalid/", 1, "network"],
    ];
    for (const [location, requests, ends] of cases) {
      for (const status of [301, 302, 303, 307, 308]) {
        await withReplies([{ status, headers: { location } }, ok], async (server) => {
          assertEquals(await outcome(httpClient(noWait).get(server.url)), ends, location);
          assertEquals(server.requests.length, requests, location);
        });
      }
    }
    assertEquals(other.requests.length, 0);
  });
});

Deno.test("redirects without end: 6 requests, then network; one without a Location is no answer", async () => {
  await withReplies([{ status: 302, headers: { location: "/again" } }], async (server) => {
    assertEquals(await outcome(httpClient(noWait).get(server.url)), "network");
    assertEquals(server.requests.length, 6);
  });
  await withReplies(many(302, 1), async (server) => {
    assertEquals(await outcome(httpClient(noWait).get(server.url)), "network 302");
    assertEquals(server.requests.length, 1);
  });
});

Deno.test("a redirect from http to https of the same host is followed, back to http refused", async () => {
  for (const [from, to, ends] of [["http", "https", "hello"], ["https", "http", "network"]]) {
    const asked: string[] = [];
    const fetch: Fetch = (url) => {
      asked.push(url);
      const location = `${to}://mirror.test/x`;
      const redirect = new Response(null, { status: 302, headers: { location } });
      return Promise.resolve(asked.length === 1 ? redirect : new Response("hello"));
    };
    const response = httpClient({ ...noWait, fetch }).get(`${from}://mirror.test/x`);
    assertEquals(await outcome(response), ends);
    assertEquals(asked.length, ends === "hello" ? 2 : 1);
  }
});

Deno.test("redirects to other hosts: GitHub's for its downloads, and those that are allowed", async () => {
  const assets = "https://release-assets.githubusercontent.com/x?sig=1";
  const cases: [from: string, to: string, allowed: string[], ends: string][] = [
    ["https://github.com/a", assets, [], "hello"],
    ["https://github.com/a", "https://objects.githubusercontent.com/x", [], "hello"],
    ["https://github.com/a", assets.replace("https", "http"), [], "network"],
    ["https://github.com/a", "https://raw.githubusercontent.com/x", [], "network"],
    ["https://mirror.test/a", assets, [], "network"],
    ["https://mirror.test/a", "https://cdn.test/x", ["cdn.test"], "hello"],
    ["https://mirror.test/a", "https://cdn.test:81/x", ["cdn.test"], "network"],
    ["https://mirror.test/a", "https://evil.cdn.test/x", ["cdn.test"], "network"],
  ];
  for (const [from, to, downloadHosts, ends] of cases) {
    const asked: string[] = [];
    const fetch: Fetch = (url) => {
      asked.push(url);
      const redirect = new Response(null, { status: 302, headers: { location: to } });
      return Promise.resolve(url === from ? redirect : new Response("hello"));
    };
    const client = httpClient({ ...noWait, fetch, downloadHosts });
    assertEquals(await outcome(client.get(from)), ends, `${from} to ${to}`);
    assertEquals(asked.length, ends === "hello" ? 2 : 1);
  }
});

Deno.test("a redirect that is refused names the host to allow; plain http after https cannot be allowed", async () => {
  for (
    const [to, says] of [
      [
        "https://cdn.test:81/x",
        "https://cdn.test:81, which is refused; where that is right, allow it (--download-hosts cdn.test:81)",
      ],
      ["http://mirror.test/x", "http://mirror.test, which is refused"],
    ] as const
  ) {
    const fetch: Fetch = () =>
      Promise.resolve(new Response(null, { status: 302, headers: { location: to } }));
    const error = await httpClient({ ...noWait, fetch }).get("https://mirror.test/a")
      .catch((error) => error);
    assertEquals(error.message, `Cannot fetch https://mirror.test/a: it redirects to ${says}`);
  }
});

Deno.test("a broken Location is no crash: network", async () => {
  await withReplies([{ status: 302, headers: { location: "http://[" } }], async (server) => {
    assertEquals(await outcome(httpClient(noWait).get(server.url)), "network");
  });
});

Deno.test("nobody there: the message says why, and does not repeat the address", async () => {
  const nobody = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${nobody.addr.port}`;
  nobody.close();
  const { message } = await assertRejects(
    () => httpClient(noWait).get(`${origin}/a/manifest.json?(x)=1`),
    BfaError,
  );
  assertMatch(message, new RegExp(`^Cannot reach ${origin}: tcp connect error.*refused`));
  assertEquals(message.includes("manifest.json"), false);
});

Deno.test("a refusal says how long to wait, and who wants a login", async () => {
  const cases: [reply: RawReply, says: string][] = [
    [{ status: 429, headers: { "retry-after": 3600 } }, "429, and asks to wait 3600 s"],
    [{ status: 407 }, "407 (a proxy wants a login)"],
    [{ status: 511 }, "511 (the network wants a login)"],
    [{ status: 404 }, "404"],
  ];
  for (const [reply, says] of cases) {
    await withReplies([reply], async ({ url }) => {
      const { message } = await assertRejects(() => httpClient(noWait).get(url), BfaError);
      assertEquals(message, `Cannot fetch ${url}: the server answered ${says}`);
    });
  }
});

Deno.test("httpClient() tells once, when there is no answer for a while, and what the last try met", async () => {
  // A server that says nothing.
  const silent = Promise.withResolvers<void>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async () => {
      await silent.promise;
      return new Response();
    },
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  let told = 0;
  const heard = Promise.withResolvers<[origin: string, failure: BfaError | undefined]>();
  const client = httpClient({
    quietMs: 1,
    onWait: (origin, failure) => {
      told++;
      heard.resolve([origin, failure]);
    },
  });
  const stop = new AbortController();
  const first = outcome(client.get(`${origin}/a`, { signal: stop.signal }));
  assertEquals(await heard.promise, [origin, undefined]);
  stop.abort();
  assertEquals(await first, "network");
  silent.resolve();
  assertEquals(await outcome(client.get(`${origin}/b`)), "");
  assertEquals(told, 1);
  await server.shutdown();

  // One that refuses: it has failed by the time any timer can fire.
  const refused = Promise.withResolvers<string | undefined>();
  const stopTrying = new AbortController();
  const refusing = httpClient({
    retry: { tries: 9, baseMs: 60_000, mostMs: 60_000 },
    random: () => 1,
    quietMs: 1,
    onWait: (_, failure) => refused.resolve(failure?.message),
    fetch: () => Promise.reject(new TypeError("refused")),
  });
  const second = outcome(refusing.get("http://127.0.0.1:9/", { signal: stopTrying.signal }));
  assertEquals(await refused.promise, "Cannot reach http://127.0.0.1:9: refused");
  stopTrying.abort();
  assertEquals(await second, "network");
});

Deno.test("httpClient() tells nothing of what is answered in time", async () => {
  const told: string[] = [];
  await withReplies([...many(503, 1), ok], async (server) => {
    const client = httpClient({ ...noWait, onWait: (origin) => told.push(origin) });
    assertEquals(await outcome(client.get(server.url)), "hello");
  });
  assertEquals(told, []);
});
