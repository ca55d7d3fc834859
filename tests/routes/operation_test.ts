import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { once } from "node:events";
import { connect } from "node:http2";
import { operated, type OperationOptions } from "../../routes/operation.ts";
import { RateLimit } from "../../routes/rate_limit.ts";
import { RequestLog } from "../../routes/request_log.ts";
import { rawHttp } from "../helpers/raw_http.ts";
import { withServer } from "../helpers/server.ts";
import { type TestService, withService } from "../helpers/service.ts";

const SMALL = "/v1/snapshot/2024-01-11";

/** A service that is run, by a clock that only the test moves. */
function run(service: TestService, options: Partial<OperationOptions> = {}) {
  const clock = { ms: 1_000 };
  const { fetch } = operated(service.service, {
    followed: service.followed,
    now: () => service.world.clock,
    clockMs: () => clock.ms,
    ...options,
  });
  const ask = async (path: string, headers: HeadersInit = {}, address = "192.0.2.1") => {
    const info = { remoteAddr: { transport: "tcp", hostname: address, port: 1 } };
    const request = new Request(`http://127.0.0.1${path}`, { headers });
    const response = await fetch(request, info as Deno.ServeHandlerInfo);
    return { response, status: response.status, text: await response.text() };
  };
  return { ask, clock, fetch };
}

const policy = (quota: number, windowSeconds: number, name = "client") => ({
  name,
  quota,
  windowSeconds,
});

Deno.test("RateLimit allows the whole quota at once, for every quota and window, and no more", () => {
  const cases = fc.record({
    quota: fc.integer({ min: 1, max: 300 }),
    windowSeconds: fc.integer({ min: 1, max: 99_999 }),
    nowMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  });
  fc.assert(
    fc.property(cases, ({ quota, windowSeconds, nowMs }) => {
      const limit = new RateLimit(policy(quota, windowSeconds));
      for (let left = quota - 1; left >= 0; left--) {
        const { allowed, remaining } = limit.take("a", nowMs);
        assertEquals([allowed, remaining], [true, left]);
      }
      const refused = limit.take("a", nowMs);
      assertEquals([refused.allowed, refused.remaining], [false, 0]);
      assertEquals(refused.waitSeconds, Math.ceil(windowSeconds / quota - 1e-6));
      assert(limit.take("a", nowMs + refused.waitSeconds * 1000).allowed);
    }),
    { seed: 4 },
  );
});

Deno.test("a client that asks too much gets 429 and is told when to ask again; others are not", async () => {
  await withService(async (service) => {
    const { ask, clock } = run(service, { perClient: policy(20, 60) });
    for (let i = 0; i < 18; i++) {
      const { response, status } = await ask(SMALL);
      assertEquals([status, response.headers.get("ratelimit")], [200, null]);
    }
    const near = await ask(SMALL);
    assertEquals(near.response.headers.get("ratelimit-policy"), '"client";q=20;w=60');
    assertEquals(near.response.headers.get("ratelimit"), '"client";r=1;t=57');
    assertEquals((await ask(SMALL)).response.headers.get("ratelimit"), '"client";r=0;t=60');
    const refused = await ask(SMALL);
    assertEquals([refused.status, JSON.parse(refused.text).code], [429, "too_many"]);
    const { headers } = refused.response;
    assertEquals(headers.get("retry-after"), "3");
    assertEquals(headers.get("ratelimit"), '"client";r=0;t=3');
    assertEquals(headers.get("cache-control"), "no-store");
    assertEquals((await ask(SMALL, {}, "192.0.2.2")).status, 200);
    clock.ms += 2_999;
    assertEquals((await ask(SMALL)).status, 429);
    clock.ms += 1;
    assertEquals((await ask(SMALL)).status, 200);
  });
});

Deno.test("one client's refused requests do not use up what is there for all", async () => {
  await withService(async (service) => {
    const options = { perClient: policy(5, 60), forAll: policy(10, 60, "all") };
    const { ask } = run(service, options);
    const greedy = [];
    for (let i = 0; i < 100; i++) greedy.push((await ask(SMALL)).status);
    assertEquals(greedy.filter((status) => status === 200).length, 5);
    for (const address of ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"]) {
      assertEquals((await ask(SMALL, {}, address)).status, 200, address);
    }
    const last = await ask(SMALL, {}, "192.0.2.7");
    assertEquals(last.status, 429);
    assertEquals(last.response.headers.get("ratelimit-policy"), '"all";q=10;w=60');
  });
});

Deno.test("probes are always answered; the metrics are limited like everything else", async () => {
  await withService(async (service) => {
    const { ask } = run(service, { perClient: policy(1, 60), mostUnderWay: 0 });
    assertEquals((await ask(SMALL)).status, 503);
    for (const path of ["/healthz", "/readyz", "/healthz"]) {
      assertEquals((await ask(path)).status, 200, path);
    }
    assertEquals((await ask("/metrics")).status, 429);
  });
});

Deno.test("behind a proxy, clients are told apart by the header that it sets", async () => {
  await withService(async (service) => {
    const { ask } = run(service, { perClient: policy(1, 60), clientHeader: "x-forwarded-for" });
    const from = async (value: string) => (await ask(SMALL, { "x-forwarded-for": value })).status;
    assertEquals(await from("203.0.113.5"), 200);
    assertEquals(await from("9.9.9.9, 203.0.113.5"), 429);
    assertEquals(await from("203.0.113.6"), 200);
    assertEquals(await from("2001:db8::1"), 200);
    assertEquals(await from("2001:db8::2"), 429);
  });
});

Deno.test("a request too many under way gets 503 and Retry-After; answers from memory go on", async () => {
  await withService(async (service) => {
    const { ask, fetch } = run(service, { mostUnderWay: 1 });
    assertEquals((await ask(SMALL)).status, 200);
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const slow = operated({
      kept: () => undefined,
      fetch: async () => (asked.resolve(), await go.promise, new Response("late")),
      limits: () => [],
      sqlBytes: () => 0,
    }, { followed: service.followed, now: () => new Date(0), mostUnderWay: 1 });
    const first = slow.fetch(new Request("http://127.0.0.1/v1/symbols"));
    await asked.promise;
    const second = await slow.fetch(new Request("http://127.0.0.1/v1/symbols"));
    assertEquals([second.status, second.headers.get("retry-after")], [503, "1"]);
    assertEquals((await second.json()).code, "busy");
    const metrics = await slow.fetch(new Request("http://127.0.0.1/metrics"));
    const text = await metrics.text();
    assertMatch(text, /^bfa_limit_used\{limit="under way"\} 1$/m);
    assertMatch(text, /^bfa_limit_max\{limit="under way"\} 1$/m);
    assertMatch(text, /^bfa_http_refused_total\{limit="under way"\} 1$/m);
    go.resolve();
    assertEquals(await (await first).text(), "late");
    assertEquals((await fetch(new Request(`http://127.0.0.1${SMALL}`))).status, 200);
  });
});

Deno.test("one client has 64 requests under way at most; others, and probes, are not concerned", async () => {
  await withService(async ({ followed }) => {
    const go = Promise.withResolvers<void>();
    const { fetch } = operated({
      kept: () => undefined,
      fetch: async ({ url }) => {
        if (!url.endsWith("/healthz")) await go.promise;
        return new Response("late");
      },
      limits: () => [],
      sqlBytes: () => 0,
    }, { followed, now: () => new Date(0), clientHeader: "x-client" });
    const ask = async (client: string, path = SMALL) =>
      await fetch(new Request(`http://127.0.0.1${path}`, { headers: { "x-client": client } }));
    const mine = Array.from({ length: 64 }, () => ask("me"));
    const refused = await ask("me");
    assertEquals([refused.status, refused.headers.get("retry-after")], [429, "1"]);
    assertEquals((await refused.json()).code, "too_many");
    assertEquals((await ask("me", "/healthz")).status, 200);
    const yours = ask("you");
    const text = await (await fetch(new Request("http://127.0.0.1/metrics"))).text();
    assertMatch(text, /^bfa_http_refused_total\{limit="under way of a client"\} 1$/m);
    go.resolve();
    for (const answer of [...mine, yours]) assertEquals((await answer).status, 200);
    assertEquals((await ask("me")).status, 200);
  });
});

Deno.test("HTTP/1.1 without Host is 400; with any Host, or HTTP/2, it is answered", async () => {
  await withService(async ({ world }) => {
    await withServer(world, async (server) => {
      const { port } = new URL(server.url);
      const status = async (head: string, path = SMALL) =>
        (await rawHttp(server.url, `GET ${path} ${head}Connection: close\r\n\r\n`)).split(
          "\r\n",
        )[0];
      assertEquals(await status("HTTP/1.1\r\n"), "HTTP/1.1 400 Bad Request");
      assertEquals(await status("HTTP/1.1\r\n", "/healthz"), "HTTP/1.1 400 Bad Request");
      assertMatch(
        await rawHttp(server.url, `GET ${SMALL} HTTP/1.1\r\nConnection: close\r\n\r\n`),
        /needs a Host header; over HTTP\/2 write 127\.0\.0\.1 instead of localhost/,
      );
      assertEquals(await status("HTTP/1.1\r\n", "/v1/nothing"), "HTTP/1.1 400 Bad Request");
      for (const host of ["a.test", `localhost:${port}`, `127.0.0.1:${port}`, "[::1]"]) {
        assertEquals(await status(`HTTP/1.1\r\nHost: ${host}\r\n`), "HTTP/1.1 200 OK", host);
      }
      const session = connect(server.url); // HTTP/2 has no Host header at all
      const stream = session.request({ ":path": SMALL });
      const [headers] = await once(stream, "response");
      assertEquals(headers[":status"], 200);
      stream.resume();
      await once(stream, "end");
      session.close();
      await once(session, "close");
    });
  });
});

Deno.test("on port 80 a request without Host is addressed to localhost alone", async () => {
  await withService(async (service) => {
    const { fetch } = run(service, { port: () => 80 });
    const status = async (origin: string, headers: HeadersInit = {}) =>
      (await fetch(new Request(origin + SMALL, { headers }))).status;
    assertEquals(await status("http://localhost"), 400);
    assertEquals(await status("http://localhost", { host: "localhost" }), 200);
    assertEquals(await status("http://localhost:8080"), 200);
    assertEquals(await status("http://localhost.test"), 200);
  });
});

Deno.test("every answer has an id, but a 304 from memory: the client's own when it is well-formed", async () => {
  await withService(async (service) => {
    const { ask } = run(service);
    const id = async (path: string, headers: HeadersInit = {}) =>
      (await ask(path, headers)).response.headers.get("x-request-id");
    const [one, other] = [await id("/v1/symbols"), await id("/v1/nothing")];
    assertMatch(one!, /^[0-9a-f]{8}-[0-9a-z]+$/);
    assertMatch(other!, /^[0-9a-f]{8}-[0-9a-z]+$/);
    assertNotEquals(one, other);
    const kept = [await id("/v1/symbols"), await id("/v1/symbols")];
    assertEquals(new Set([one, other, ...kept]).size, 4);
    assertMatch(kept[1]!, /^[0-9a-f]{8}-[0-9a-z]+$/);
    const etag = (await ask("/v1/symbols")).response.headers.get("etag")!;
    assertEquals(await id("/v1/symbols", { "if-none-match": etag }), null);
    const both = { "if-none-match": etag, "x-request-id": "mine" };
    assertEquals(await id("/v1/symbols", both), "mine");
    for (const path of ["/v1/symbols", SMALL, "/v1/nothing", "/metrics"]) {
      assertEquals(await id(path, { "x-request-id": "a.B-1_2" }), "a.B-1_2", path);
    }
    for (const bad of ["a b", "x".repeat(65), '"', "a/b"]) {
      assertMatch((await id("/v1/nothing", { "x-request-id": bad }))!, /^[0-9a-f]{8}-/, bad);
    }
  });
});

Deno.test("the log has one line of JSON a request, and of a long query only the beginning", async () => {
  await withService(async (service) => {
    let written = "";
    const log = new RequestLog((text) => written += text);
    const { ask } = run(service, { log });
    const secret = "SELECT-from-somewhere-".repeat(20);
    await ask(SMALL);
    await ask(SMALL, { "x-request-id": "mine" });
    await ask(SMALL);
    await ask(`/v1/symbols?x=${secret}`);
    await ask("/v1/timeline/%0a%22%7b");
    log.flush();
    const lines = written.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines.map(({ status }) => status), [200, 200, 200, 400, 404]);
    assertEquals(lines.map(({ path }) => path.slice(0, 24)), [
      SMALL,
      SMALL,
      SMALL,
      `/v1/symbols?x=SELECT-fro`,
      "/v1/timeline/%0a%22%7b",
    ]);
    assertEquals(lines[1].id, "mine");
    assertEquals(new Set(lines.map(({ id }) => id)).size, 5);
    assertEquals(lines[3].path.length, 161);
    assert(!written.includes(secret));
    for (const line of lines) {
      assertEquals(Object.keys(line), ["time", "id", "method", "path", "status", "ms"]);
      assertEquals([line.method, line.time], ["GET", service.world.clock.toISOString()]);
    }
  });
});

Deno.test("/metrics is Prometheus text that counts what was answered", async () => {
  await withService(async (service) => {
    const { ask } = run(service, { perClient: policy(9, 60) });
    const etag = (await ask(SMALL)).response.headers.get("etag")!;
    await ask(SMALL);
    await ask(SMALL, { "if-none-match": etag });
    await ask("/v1/timeline/NOSUCH");
    await ask("/v/2024-03-31.1/symbols");
    await ask("/v1/rows?day=2024-01-11");
    await ask(`/${"x".repeat(40)}`);
    const { response, text } = await ask("/metrics");
    assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const found = readMetrics(text);
    const documented = await Deno.readTextFile("docs/operations.md");
    for (const name of Object.keys(found)) {
      const limit = /^bfa_(?:http_refused_total|limit_used){limit="([^"]+)"}/.exec(name)?.[1];
      if (limit) {
        assert(documented.includes(`\`${limit}\``), `${name} is not in docs/operations.md`);
      }
    }
    const wanted = {
      'bfa_http_answers_from_memory_total{status="200"}': 1,
      'bfa_http_answers_from_memory_total{status="304"}': 1,
      'bfa_http_requests_total{route="/v1/snapshot",status="200"}': 1,
      'bfa_http_requests_total{route="/v1/timeline",status="404"}': 1,
      'bfa_http_requests_total{route="/v/symbols",status="200"}': 1,
      'bfa_http_requests_total{route="/v1/rows",status="404"}': 1,
      'bfa_http_requests_total{route="other",status="404"}': 1,
      'bfa_http_request_duration_seconds_count{route="other"}': 1,
      'bfa_version_info{version="2024-03-31.1",channel="latest"}': 1,
      "bfa_version_sequence": 1,
      'bfa_http_refused_total{limit="client"}': 0,
      'bfa_limit_used{limit="event streams"}': 0,
      'bfa_limit_max{limit="event streams"}': 1000,
      'bfa_limit_max{limit="under way"}': 512,
      'bfa_limit_max{limit="large answers"}': 32,
      'bfa_limit_max{limit="large files"}': 256,
      'bfa_limit_max{limit="http2 answers"}': 256,
      'bfa_limit_max{limit="row questions"}': 136,
      'bfa_limit_max{limit="comparisons"}': 18,
      "bfa_sql_resident_memory_bytes": 0,
      "process_start_time_seconds": performance.timeOrigin / 1000,
    };
    for (const [name, value] of Object.entries(wanted)) assertEquals(found.get(name), value, name);
    await ask("/metrics");
    await ask("/metrics"); // one too many
    service.world.clock = new Date(service.world.clock.getTime() + 3_600_000);
    const later = run(service);
    assertMatch((await later.ask("/metrics")).text, /^bfa_version_overdue_seconds -?\d+$/m);
  });
});

/** Reads Prometheus text to the letter: every sample after its HELP and TYPE, each name once. */
function readMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  let family = "";
  let help = false;
  assert(text.endsWith("\n"));
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (comment) {
      if (comment[1] === "HELP") help = true;
      else {
        assert(help, line);
        help = false;
        family = comment[2]!;
        assertMatch(comment[3]!, /^(counter|gauge|histogram)$/);
      }
      continue;
    }
    const sample = /^(([a-z_]+)(\{([a-z_]+="[^"\\\n]*",?)+\})?) ([-+.e\d]+)$/.exec(line);
    assert(sample, line);
    assertEquals(sample[2]!.replace(/_(bucket|sum|count)$/, ""), family);
    assert(!samples.has(sample[1]!), line);
    samples.set(sample[1]!, Number(sample[5]));
  }
  return samples;
}

/** One answer of every kind. */
const KINDS: [path: string, init: RequestInit, status: number][] = [
  [SMALL, {}, 200],
  [SMALL, {}, 200], // from memory
  [SMALL, { headers: { "if-none-match": "*" } }, 304],
  [`${SMALL}.csv`, {}, 200],
  [`${SMALL}.parquet`, { headers: { "accept-encoding": "gzip" } }, 200],
  [SMALL, { method: "HEAD" }, 200],
  [SMALL, { method: "OPTIONS" }, 204],
  [SMALL, { method: "POST" }, 405],
  [SMALL, { headers: { accept: "text/html" } }, 406],
  ["/v1/snapshot/never", {}, 400],
  ["/v1/nothing", {}, 404],
  ["/v1/manifest", {}, 200],
  ["/v1/manifest", { headers: { "if-none-match": "*" } }, 304],
  ["/v1/manifests/1", {}, 200],
  ["/v1/versions", {}, 200],
  ["/v1/manifest/events", {}, 200],
  ["ARTIFACT", {}, 200],
  ["ARTIFACT", { headers: { range: "bytes=0-1" } }, 206],
  ["ARTIFACT", { headers: { range: "bytes=999999-" } }, 416],
  ["ARTIFACT", { method: "HEAD" }, 200],
  ["/v1/feeds/listings.atom", {}, 200],
  ["/v1/feeds/listings.json", {}, 200],
  ["/reference", {}, 200],
  ["/llms.txt", {}, 200],
  ["/openapi.json", {}, 200],
  ["/", {}, 200],
  ["/healthz", {}, 200],
  ["/readyz", {}, 200],
  ["/metrics", {}, 200],
  ["/metrics", { method: "POST" }, 405],
];

Deno.test("every kind of answer has the security headers and may be read by any page", async () => {
  await withService(async (service) => {
    const { fetch } = run(service);
    const { sha256, name } = (await service.json("/v1/manifest")).signed.artifacts[0];
    for (const [path, init, status] of KINDS) {
      const url = `http://127.0.0.1${path.replace("ARTIFACT", `/v1/artifacts/${sha256}/${name}`)}`;
      const response = await fetch(new Request(url, init));
      await response.body?.cancel();
      const { headers } = response;
      assertEquals(response.status, status, path);
      assertEquals(headers.get("x-content-type-options"), "nosniff", path);
      assertEquals(headers.get("access-control-allow-origin"), "*", path);
      if (status === 304) continue; // the rest stands in the answer that the client has
      assertMatch(headers.get("content-security-policy") ?? "", /^default-src 'none'/, path);
      const exposed = headers.get("access-control-expose-headers")!.split(", ");
      for (
        const one of [
          "ETag",
          "Link",
          "RateLimit",
          "Retry-After",
          "X-Dataset-Version",
          "X-Request-Id",
        ]
      ) assert(exposed.includes(one), `${path}: ${one}`);
    }
  });
});
