import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { MirrorReader } from "../../lib/mirror/mirror.ts";
import { sqlBody } from "../../routes/bodies.ts";
import { ANSWER_FORMATS } from "../../routes/negotiation.ts";
import { queryAnswer } from "../../routes/query.ts";
import { sentBytes } from "../../routes/sent_bytes.ts";
import { withQueryService } from "../helpers/query.ts";
import { LISTINGS, withService } from "../helpers/service.ts";
import { largeStream } from "../../routes/large.ts";
import { largeAnswers } from "../helpers/large_answers.ts";

const LONG = "SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 9";

/** The status, the code and the detail of a problem document. */
async function problemOf(response: Response): Promise<[number, string, string]> {
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  const { status, code, detail } = await response.json();
  assertEquals(status, response.status);
  return [status, code, detail];
}

Deno.test("/v1/query answers a SELECT, by GET and by POST, with the same bytes and tag", async () => {
  await withQueryService(async ({ query, post }) => {
    const sql =
      "SELECT symbol, first_date FROM listings WHERE first_date >= $day ORDER BY ALL LIMIT 2";
    const params = { day: "2024-02-01" };
    const got = await query(sql, `&params=${encodeURIComponent(JSON.stringify(params))}`);
    const text = await got.text();
    assertEquals(
      text,
      '{"version":"2024-03-31.1","columns":[{"name":"symbol","type":"VARCHAR"},{"name":"first_date","type":"DATE"}],"count":2,"truncated":false,"rows":[["BBBUSDT","2024-03-01"],["EEEUSDT_240329","2024-02-01"]]}\n',
    );
    assertEquals(got.headers.get("content-type"), "application/json");
    assertEquals(got.headers.get("x-dataset-version"), "2024-03-31.1");
    assertEquals(got.headers.get("content-length"), String(new TextEncoder().encode(text).length));
    assertMatch(got.headers.get("etag")!, /^"2024-03-31\.1-[\w-]{16}"$/);

    const posted = await post({ sql, params, format: "json" });
    assertEquals([posted.status, await posted.text()], [200, text]);
    assertEquals(posted.headers.get("etag"), got.headers.get("etag"));
  });
});

Deno.test("/v1/query: the tag names version, normal SQL and parameters, and gives 304", async () => {
  await withQueryService(async ({ query, post, publish, sql }) => {
    const tag = async (sql: string, more = "") => {
      const response = await query(sql, more);
      await response.body?.cancel();
      return response.headers.get("etag")!;
    };
    const one = await tag("SELECT 1 AS a");
    assertEquals(await tag("  SELECT /* again */ 1\nAS a ;"), one);
    const others = [
      await tag("SELECT 2 AS a"),
      await tag("SELECT 1 AS A"),
      await tag("SELECT '1  AS a'"),
      await tag("SELECT '1 AS a'"),
      await tag("SELECT ? AS a", "&params=[1]"),
      await tag("SELECT ? AS a", "&params=[2]"),
      await tag("SELECT $x AS a", '&params={"x":1}'),
    ];
    assertEquals(new Set([one, ...others]).size, 8);

    const ask = async (header: string, method = "GET") => {
      const response = await query("SELECT 1 AS a", "", {
        method,
        headers: { "if-none-match": header },
      });
      return [response.status, (await response.text()).length, response.headers.get("etag")];
    };
    assertEquals(await ask(one), [304, 0, one]);
    assertEquals(await ask(`W/${one}, "x"`, "HEAD"), [304, 0, one]);
    assertEquals((await ask('"x"'))[0], 200);
    assertEquals((await ask("*"))[0], 200); // nothing says that the client has an answer
    const head = await query("SELECT 1 AS a", "", { method: "HEAD" });
    assertEquals([head.status, await head.text(), head.headers.get("etag")], [200, "", one]);
    const posted = await post({ sql: "SELECT 1 AS a" });
    await posted.body?.cancel();
    assertEquals([posted.status, posted.headers.get("etag")], [200, one]);

    await publish("2024-04-01.1");
    assertEquals(sql.current()?.version, "2024-04-01.1");
    const answer = await query("SELECT count(*) AS n, max(data_through) AS day FROM versions", "", {
      headers: { "if-none-match": one },
    });
    assertEquals((await answer.json()).rows, [[2, "2024-04-01"]]);
    assertEquals((await ask(one))[0], 200);
  });
});

Deno.test("/v1/query refuses what it cannot read", async () => {
  await withQueryService(async ({ ask, query, post, problems }) => {
    const raw = (body: BodyInit, type = "application/json") =>
      ask("/v1/query", { method: "POST", headers: { "content-type": type }, body });
    const table: [Promise<Response>, number, string][] = [
      [ask("/v1/query"), 400, "usage"],
      [ask("/v1/query?sql="), 400, "sql_rejected"],
      [ask("/v1/query?sql=SELECT+1&sql=SELECT+2"), 400, "usage"],
      [ask("/v1/query?q=SELECT+1"), 400, "usage"],
      [ask("/v1/query?sql=SELECT+1&format=xml"), 400, "usage"],
      [query("SELECT ?", "&params=1"), 400, "usage"],
      [query("SELECT ?", "&params=[{}]"), 400, "usage"],
      [query("SELECT ?", "&params=[[1]]"), 400, "usage"],
      [query("SELECT ?", "&params=x"), 400, "usage"],
      [query("SELECT ?", "&params="), 400, "usage"],
      [query("SELECT ?"), 400, "sql_rejected"],
      [query("SELECT 1", "&params=[1]"), 400, "sql_rejected"],
      [query("SELECT \0"), 400, "sql_rejected"],
      [ask("/v1/query?sql=%FF%FE"), 400, "usage"],
      [ask("/v1/query?sql=SELECT+'%FF'"), 400, "usage"],
      [ask("/v1/query?sql=SELECT+'%ED%A0%80'"), 400, "usage"],
      [ask("/v1/query?sql=SELECT+?&params=[%22%FF%22]"), 400, "usage"],
      [query("DROP TABLE listings"), 400, "sql_rejected"],
      [query("FROM read_csv('/etc/passwd')"), 400, "sql_rejected"],
      [query("SELECT nope FROM listings"), 400, "sql_rejected"],
      [query(`SELECT '${"x".repeat(16_384)}'`), 422, "limit"],
      [query("SELECT repeat('x', 4000000000)"), 422, "limit"],
      [raw("{}", "text/plain"), 415, "usage"],
      [raw("sql=SELECT+1", "application/x-www-form-urlencoded"), 415, "usage"],
      [raw("{"), 400, "usage"],
      [raw(""), 400, "usage"],
      [raw("[]"), 400, "usage"],
      [raw("null"), 400, "usage"],
      [raw('"SELECT 1"'), 400, "usage"],
      [raw(new Uint8Array([0x7b, 0xff, 0x7d])), 400, "usage"],
      [raw(" ".repeat(128 * 1024 + 1)), 413, "usage"],
      [post({}), 400, "usage"],
      [post({ sql: 1 }), 400, "usage"],
      [post({ sql: "SELECT 1", format: ["json"] }), 400, "usage"],
      [post({ sql: "SELECT 1", format: "constructor" }), 400, "usage"],
      [raw('{"sql":"SELECT 1","__proto__":{"format":"csv"}}'), 400, "usage"],
      [post({ sql: "SELECT 1", nope: 1 }), 400, "usage"],
      [post({ sql: "SELECT 1", __proto__: null, params: "x" }), 400, "usage"],
      [post({ sql: "SELECT ?", params: [null, Infinity] }), 400, "sql_rejected"],
      [
        ask("/v1/query?sql=SELECT+1", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: "{}",
        }),
        400,
        "usage",
      ],
      [ask("/v1/query", { method: "PUT", body: "x" }), 405, "usage"],
      [ask("/v1/query", { method: "DELETE" }), 405, "usage"],
    ];
    for (const [i, [answer, status, code]] of table.entries()) {
      const [gotStatus, gotCode, detail] = await problemOf(await answer);
      assertEquals([i, gotStatus, gotCode], [i, status, code], detail);
      assert(!/\/tmp|\.duckdb|\.ts/.test(detail), detail);
      const ours = code !== "usage";
      assertEquals(detail.includes("`bfa sql` runs it on your own machine"), ours, detail);
    }
    const put = await ask("/v1/query", { method: "PUT" });
    assertEquals([put.headers.get("allow"), await put.body?.cancel()], [
      "GET, HEAD, POST, OPTIONS",
      undefined,
    ]);
    const preflight = await ask("/v1/query", { method: "OPTIONS" });
    assertEquals([preflight.status, preflight.headers.get("access-control-allow-headers")], [
      204,
      "Content-Type, If-None-Match",
    ]);
    assertEquals(problems, []);
  });
});

Deno.test("/v1/query gives up on a body that trickles in", async () => {
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const ask = (request: Request) => queryAnswer(request, { sql: undefined, bodyMs: 10 });
  const server = Deno.serve(options, ask);
  const head = "POST /v1/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
  for (const body of ['Content-Length: 90\r\n\r\n{"sql"', "Transfer-Encoding: chunked\r\n\r\n"]) {
    using connection = await Deno.connect({ port: server.addr.port });
    await connection.write(new TextEncoder().encode(head + body));
    let answer = "";
    // Deno goes on waiting for the rest; the client leaves.
    for (const bytes = new Uint8Array(4_096); !answer.endsWith("}\n");) {
      const count = await connection.read(bytes);
      assert(count, answer);
      answer += new TextDecoder().decode(bytes.subarray(0, count));
    }
    assertMatch(answer, /^HTTP\/1\.1 408 /);
    assertStringIncludes(answer, "the body did not come within 0.01 s");
  }
  await server.shutdown();
});

Deno.test("/v1/query answers as /openapi.json describes it, in every format", async () => {
  await withQueryService(async ({ ask, query }) => {
    const { paths } = await (await ask("/openapi.json")).json();
    const ok = { $ref: "#/components/schemas/query" };
    for (const [path, method] of [["/v1", "get"], ["/v1", "post"], ["/v/{version}", "get"]]) {
      const { content } = paths[`${path}/query`][method!].responses[200];
      assertEquals(content["application/json"], { schema: ok }, `${method} ${path}`);
      for (const format of Object.keys(ANSWER_FORMATS)) {
        const answer = await query("FROM listings", `&format=${format}`);
        await answer.body?.cancel();
        assert(answer.headers.get("content-type")! in content, format);
      }
    }
    const all = "SELECT 1, 'x', true, NULL, 1.5, DATE '2024-01-01', TIMESTAMP '2024-01-01', [1]";
    for (const sql of [all, "FROM listings", "FROM daily_availability", "SELECT 1 WHERE false"]) {
      sqlBody.parse(await (await query(sql)).json());
    }
  });
});

Deno.test("/v1/query: a body that breaks off is the client's fault, and is not logged", async () => {
  await withQueryService(async ({ service, problems }) => {
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => service.fetch(request),
    );
    const head = [
      "POST /v1/query HTTP/1.1",
      "Host: a",
      "Content-Type: application/json",
      "Content-Length: 100",
    ].join("\r\n");
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    await connection.write(new TextEncoder().encode(`${head}\r\n\r\n{"sql":`));
    await connection.closeWrite();
    const answer = await new Response(connection.readable).text();
    assertMatch(
      answer,
      /^HTTP\/1\.1 400 [^]*"detail":"Cannot read the request: the body broke off"/,
    );
    assertEquals(problems, []);
  });
});

Deno.test("/v1/query takes a lone % and any character that is UTF-8", async () => {
  await withQueryService(async ({ ask }) => {
    const first = async (query: string) => (await (await ask(query)).json()).rows[0][0];
    assertEquals(await first("/v1/query?sql=SELECT+5+%+3"), 2);
    assertEquals(await first("/v1/query?sql=SELECT+'%EF%BF%BD+%F0%9F%98%80'"), "\uFFFD 😀");
  });
});

Deno.test("/v1/query: large answers that a client does not take are few; HEAD is none", async () => {
  await withQueryService(async ({ service }) => {
    const sql = encodeURIComponent(
      `SELECT ${[1, 2, 3, 4].map((k) => `sha256((i * ${k})::VARCHAR)`)} FROM range(10000) t(i)`,
    );
    const ask = async (client: string, format: string, method = "GET") => {
      const request = new Request(`http://127.0.0.1/v1/query.${format}?sql=${sql}`, { method });
      return await service.fetch(request, { client });
    };
    for (const format of ["json", "arrow"]) {
      const mine = [];
      for (let i = 0; i < 8; i++) mine.push(await ask("me", format));
      assertEquals([mine.map(({ status }) => status), largeAnswers()], [Array(8).fill(200), 8]);
      assertEquals((await problemOf(await ask("me", format))).slice(0, 2), [429, "too_many"]);
      assertEquals((await ask("me", format, "HEAD")).status, 200);
      const other = await ask("you", format);
      assertEquals(other.status, 200);
      assert((await other.bytes()).length > 2e6, format);
      for (const { body } of mine) await body!.cancel();
      while (largeAnswers() > 0) await new Promise((turn) => setTimeout(turn));
      const before = sentBytes().answers;
      const whole = await (await ask("me", format)).bytes();
      assertEquals(sentBytes().answers - before, whole.length);
    }
    const held = Array.from(
      { length: 32 },
      () => largeStream([new Uint8Array(1)].values(), { holds: "memory" }),
    );
    const busy = await ask("me", "arrow");
    assertEquals(busy.headers.get("retry-after"), "1");
    assertEquals(await problemOf(busy), [
      503,
      "busy",
      "Cannot send another large answer now: too many are under way; `bfa sql` runs it on your own machine, without these limits",
    ]);
    for (const stream of held) await stream.cancel();
  });
});

Deno.test("/v1/query: other formats are made in the child, up to 16 MB; one that is cut off says so", async () => {
  await withQueryService(async ({ query, sql, problems }) => {
    const { rows } = await sql.query({ sql: "SELECT 1 AS a, 'x,y' AS b", format: "csv" });
    assertEquals(new TextDecoder().decode(rows), 'a,b\r\n1,"x,y"\r\n');

    const rowsOf = (name: string) => `SELECT 1 AS "${name.padEnd(2_000, "x")}" FROM range(10000)`;
    const [status, code, detail] = await problemOf(await query(rowsOf("a"), "&format=ndjson"));
    assertEquals([status, code], [422, "limit"]);
    assertStringIncludes(detail, "Cannot answer as ndjson: it is over 16 MB; ask for fewer rows");
    const csv = await query(rowsOf("a"), "&format=csv");
    assertEquals([csv.status, (await csv.text()).length], [200, 2_002 + 10_000 * 3]);
    const cut = await query("FROM range(20000)", "&format=md");
    assertEquals([cut.headers.get("x-truncated"), (await cut.text()).split("\n").length], [
      "true",
      10_003,
    ]);
    const infinite = await problemOf(await query("SELECT 'infinity'::DATE", "&format=parquet"));
    assertEquals(infinite.slice(0, 2), [406, "not_acceptable"]);
    assertEquals(problems, []);
  });
});

Deno.test("/v1/query says `truncated` where it cuts off, 504 after the deadline, 503 when the queue is full", async () => {
  const pool = { slots: 1, queue: 1, waitMs: 100, deadlineMs: 2_000, graceMs: 60_000 };
  await withQueryService(async ({ query, problems }) => {
    const cut = await (await query("FROM range(20000)")).json();
    assertEquals([cut.count, cut.rows.length, cut.truncated], [10_000, 10_000, true]);

    const answers = await Promise.all([LONG, LONG, LONG].map((sql) => query(sql)));
    const got = await Promise.all(answers.map(problemOf));
    assertEquals(got.map(([status, code]) => `${status} ${code}`).sort(), [
      "503 busy",
      "503 busy",
      "504 deadline",
    ]);
    for (const [status, , detail] of got) {
      assertStringIncludes(detail, "`bfa sql` runs it on your own machine");
      const answer = answers.find((one) => one.status === status)!;
      assertEquals(answer.headers.get("retry-after"), status === 503 ? "1" : null);
    }
    assertEquals((await (await query("SELECT 1")).json()).rows, [[1]]);
    assertEquals(problems, []);
  }, { pool });
});

Deno.test("/v1/query: a client that leaves a real server frees its place", async () => {
  await withQueryService(async ({ service }) => {
    let taken = Promise.withResolvers<void>();
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request, info) => {
        const answer = service.fetch(request, { client: info.remoteAddr.hostname });
        taken.resolve();
        return answer;
      },
    );
    const url = `http://127.0.0.1:${server.addr.port}/v1/query?sql=`;
    try {
      for (let i = 0; i < 3; i++) {
        const leave = new AbortController();
        taken = Promise.withResolvers();
        const gone = fetch(url + encodeURIComponent(LONG), { signal: leave.signal });
        await taken.promise; // with the only child: nobody is before it
        // This one is answered only after the first has freed the only child.
        const next = fetch(url + encodeURIComponent("SELECT 1"));
        leave.abort();
        assertEquals(await gone.then(() => "answered", (error) => error.name), "AbortError");
        assertEquals((await (await next).json()).rows, [[1]]);
      }
    } finally {
      await server.shutdown();
    }
  }, { pool: { slots: 1 } });
});

Deno.test("/v1/query says 501 where SQL is off, and where a version has no database", async () => {
  await withService(async ({ ask }) => {
    const [status, code, detail] = await problemOf(await ask("/v1/query?sql=SELECT+1"));
    assertEquals([status, code], [501, "not_implemented"]);
    assertStringIncludes(detail, "it is switched off; `bfa sql` runs it on your own machine");
    assertEquals((await problemOf(await ask("/v1/query?sql=SELECT+'")))[0], 400);
    const snapshot = await ask("/v1/snapshot/2024-01-15");
    await snapshot.body?.cancel();
    assertEquals(snapshot.status, 200);
  });
  await withQueryService(async ({ query }) => {
    const [status, code, detail] = await problemOf(await query("SELECT 1"));
    assertEquals([status, code], [501, "not_implemented"]);
    assertStringIncludes(detail, "the database cannot be loaded");
  }, { pool: { command: ["/nowhere/deno"] } });
});

Deno.test("/v1/query never runs SQL on a database whose digest is wrong", async () => {
  let flips = 0;
  await withQueryService(async ({ query, problems }) => {
    const response = await query("SELECT 1");
    const { code, detail } = await response.json();
    assertEquals([response.status, code, detail], [500, "integrity", undefined]);
    assertEquals(flips, 1);
    assert(problems.length >= 1);
  }, {
    wrapMirror: (mirror) => ({
      ...mirror,
      async open(path, range) {
        const file = await mirror.open(path, range);
        if (!file || !path.endsWith("availability.duckdb.gz")) return file;
        flips++;
        const bytes = new Uint8Array(await new Response(file.body).arrayBuffer());
        bytes[bytes.length >> 1]! ^= 1;
        return { ...file, body: new Blob([bytes]).stream() };
      },
    }),
  });
});

Deno.test("/v1/query answers in every format, by suffix, Accept and body; also short, and for ever", async () => {
  await withQueryService(async ({ ask, post }) => {
    const sql = "SELECT symbol, first_date AS first FROM listings ORDER BY ALL LIMIT 2";
    const query = `?sql=${encodeURIComponent(sql)}`;
    const csv = "symbol,first\r\nAAAUSDT,2024-01-01\r\nBBBUSDT,2024-01-01\r\n";
    const bySuffix = await ask(`/v1/query.csv${query}`);
    assertEquals([bySuffix.status, await bySuffix.text()], [200, csv]);
    assertEquals(bySuffix.headers.get("vary"), null);
    const byAccept = await ask(`/query${query}`, { headers: { accept: "text/csv" } });
    assertEquals(await byAccept.text(), csv);
    assertEquals(byAccept.headers.get("vary"), "Accept");
    const byBody = await post({ sql, format: "csv" });
    assertEquals(await byBody.text(), csv);
    const tags = [bySuffix, byAccept, byBody].map((response) => response.headers.get("etag"));
    assertEquals(new Set(tags).size, 1);
    for (const format of ["ndjson", "md", "arrow", "parquet"]) {
      const response = await ask(`/v1/query.${format}${query}`);
      assertEquals(response.status, 200, format);
      assert((await response.bytes()).length > 50, format);
      assert(!tags.includes(response.headers.get("etag")), format);
    }
    const none = await ask(`/v1/query${query}`, { headers: { accept: "text/html" } });
    assertEquals((await problemOf(none)).slice(0, 2), [406, "not_acceptable"]);

    const fixed = await ask(`/v/2024-03-31.1/query.csv${query}`);
    assertEquals(await fixed.text(), csv);
    assertMatch(fixed.headers.get("cache-control")!, /max-age=31536000, immutable/);
    const known = { "if-none-match": fixed.headers.get("etag")! };
    assertEquals((await ask(`/v/2024-03-31.1/query.csv${query}`, { headers: known })).status, 304);
    const growing = `?sql=${encodeURIComponent("SELECT count(*) AS n FROM versions")}`;
    const list = await ask(`/v/2024-03-31.1/query.csv${growing}`);
    assertEquals(await list.text(), "n\r\n1\r\n");
    assertMatch(list.headers.get("cache-control")!, /max-age=60/);
    const other = await ask(`/v/2024-03-30.1/query${query}`);
    assertEquals((await problemOf(other)).slice(0, 2), [404, "not_found"]);
    assertEquals((await problemOf(await ask(`/v/latest/query${query}`)))[0], 400);
  });
});

Deno.test("/v1/query says in a header that rows were left out, whatever the format", async () => {
  await withQueryService(async ({ ask }) => {
    const query = `?sql=${encodeURIComponent("SELECT i FROM range(20000) t(i)")}`;
    for (const format of ["json", "csv"]) {
      const response = await ask(`/v1/query.${format}${query}`);
      assertEquals(response.headers.get("x-truncated"), "true");
      const text = await response.text();
      if (format === "json") assertEquals(JSON.parse(text).truncated, true);
      else assertEquals(text.trimEnd().split("\r\n").length, 10_001);
    }
  });
});

Deno.test("/v/{version}/query answers from older versions, one of them at a time", async () => {
  const [A, B, C] = ["2024-03-31.1", "2024-04-01.1", "2024-04-02.1"];
  const sql = "SELECT max(date) AS day FROM daily_availability";
  const path = (version: string) => `/v/${version}/query?sql=${encodeURIComponent(sql)}`;
  await withQueryService(async ({ ask, query, publish, world, problems }) => {
    await publish(B);
    await publish(C);
    const days = async (response: Response) => [response.status, (await response.json()).rows];
    const first = await ask(path(A));
    assertEquals(first.headers.get("x-dataset-version"), A);
    assertMatch(first.headers.get("cache-control")!, /immutable/);
    const tag = first.headers.get("etag")!;
    assertEquals(await days(first), [200, [["2024-03-31"]]]);
    assertEquals(await days(await query(sql)), [200, [["2024-04-02"]]]);
    const again = await ask(path(A), { headers: { "if-none-match": tag } });
    assertEquals([again.status, again.headers.get("etag"), await again.text()], [304, tag, ""]);
    const changed = await ask(path(A), { headers: { "if-match": '"x"' } });
    assertEquals((await problemOf(changed)).slice(0, 2), [412, "precondition_failed"]);

    // Another one has to wait until the first was open for a while.
    const busy = await ask(path(B));
    const retry = busy.headers.get("retry-after");
    const [status, code, detail] = await problemOf(busy);
    assertEquals([status, code, retry], [503, "busy", "1"]);
    assertStringIncludes(detail, `another old version, ${A}, is open; \`bfa sql\` runs it`);

    // What cannot be asked closes nothing.
    const missing = await ask(path("2024-01-01.7"));
    assertEquals((await problemOf(missing)).slice(0, 2), [404, "not_found"]);
    await world.publishListings("2024-04-03.1", LISTINGS);
    await publish("2024-04-04.1");
    const none = await ask(path("2024-04-03.1"));
    assertEquals((await problemOf(none)).slice(0, 2), [501, "not_implemented"]);
    assertEquals(await days(await ask(path(A))), [200, [["2024-03-31"]]]);
    // Its own child has the same gate as every other.
    const denied = await ask(path(A).replace(encodeURIComponent(sql), "DROP+TABLE+listings"));
    assertEquals((await problemOf(denied)).slice(0, 2), [400, "sql_rejected"]);
    assertEquals(problems.filter((error) => !String(error).includes("listings.json")), []);
  }, { old: { holdMs: 3_600_000 } });
});

Deno.test("/v/{version}/query: another old version takes the place of one that is not asked any more", async () => {
  const versions = ["2024-03-31.1", "2024-04-01.1", "2024-04-02.1"];
  const sql = encodeURIComponent("SELECT max(date)::VARCHAR AS day FROM daily_availability");
  await withQueryService(async ({ ask, publish }) => {
    for (const version of versions.slice(1)) await publish(version);
    for (const version of [...versions, versions[0]!]) {
      const response = await ask(`/v/${version}/query.csv?sql=${sql}`);
      assertEquals(await response.text(), `day\r\n${version.slice(0, 10)}\r\n`);
    }
    // At the same time, one of them is answered and the other is told to come again.
    const both = await Promise.all(
      versions.slice(0, 2).map((version) => ask(`/v/${version}/query?sql=${sql}`)),
    );
    for (const response of both) await response.body?.cancel();
    assertEquals(both.map(({ status }) => status).sort(), [200, 503]);
  }, { old: { holdMs: 0 }, pool: { waitMs: 60_000 } });
});

Deno.test("/v/{version}/query: a version that takes long to open answers those who come again", async () => {
  const [A, B] = ["2024-03-31.1", "2024-04-01.1"];
  const go = Promise.withResolvers<void>();
  let hold = false;
  const wrapMirror = (mirror: MirrorReader): MirrorReader => ({
    ...mirror,
    async open(path, range) {
      if (hold && path.endsWith("availability.duckdb.gz")) await go.promise;
      return await mirror.open(path, range);
    },
  });
  await withQueryService(async ({ ask, publish }) => {
    await publish(B);
    hold = true;
    const path = `/v/${A}/query.csv?sql=${encodeURIComponent("SELECT 1 AS a")}`;
    const early = await problemOf(await ask(path));
    assertEquals(early.slice(0, 2), [503, "busy"]);
    assertStringIncludes(early[2], `Cannot run SQL on ${A} yet: it is being opened`);
    go.resolve();
    for (;;) {
      const response = await ask(path);
      const text = await response.text();
      if (response.status === 503) continue;
      assertEquals([response.status, text], [200, "a\r\n1\r\n"]);
      break;
    }
  }, { old: { waitMs: 50 }, wrapMirror });
});
