import { assert, assertEquals, assertMatch } from "@std/assert";
import { rawHttp } from "../helpers/raw_http.ts";
import { withService } from "../helpers/service.ts";

function statusLine(answer: string): string {
  return answer.slice(0, answer.indexOf("\r\n"));
}

const HOST = "Host: 127.0.0.1\r\nConnection: close\r\n\r\n";

/** A request as it goes over the wire, and the status of the answer. */
const RAW: [request: string, status: RegExp][] = [
  [`GET /v1/symbols HTTP/1.1\r\n${HOST}`, / 200 /],
  [`GET /v1/artifacts/../../../../../../etc/passwd HTTP/1.1\r\n${HOST}`, / 404 /],
  [`GET /../deno.json HTTP/1.1\r\n${HOST}`, / 404 /],
  [`GET /v1/timeline/\\..\\..\\etc HTTP/1.1\r\n${HOST}`, / 40[04] /],
  [`GET http://127.0.0.1/v1/symbols HTTP/1.1\r\n${HOST}`, / 200 /],
  [`GET http://other.example/v1/nothing HTTP/1.1\r\n${HOST}`, / 404 /],
  [`GET * HTTP/1.1\r\n${HOST}`, / 40[04] /],
  [`OPTIONS * HTTP/1.1\r\n${HOST}`, / (204|40[04]) /],
  [`GET v1/symbols HTTP/1.1\r\n${HOST}`, / 40[04] /],
  [`GET /v1/timeline/币安人生USDT HTTP/1.1\r\n${HOST}`, / (200|400) /],
  [`GET /v1/range?from=%zz HTTP/1.1\r\n${HOST}`, / 400 /],
  [`GET /v1/symbols HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n`, / (200|400) /],
  [`GET /v1/symbols HTTP/1.1\r\nHost: [::\r\nConnection: close\r\n\r\n`, / (200|400) /],
  [`GET /v1/symbols HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n`, / (200|400) /],
  ...["/v1/symbols", "/llms.txt", "/", "/v1/feeds/listings.atom", "/healthz", "/v1/manifest"]
    .flatMap((path) =>
      ['a"><b', "a]", "[::", "a%", "a:99999", "a:b", "^", "a|b", "%00"].map((host) =>
        [
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
          / (200|400) /,
        ] as [string, RegExp]
      )
    ),
  [`GET /v1/symbols HTTP/1.0\r\n\r\n`, / 200 /],
  [`GET /v1/snapshot/2024-01-11?${"state=traded&".repeat(400)}x HTTP/1.1\r\n${HOST}`, / 400 /],
  [`GET /v1/symbols HTTP/1.1\r\nIf-None-Match: ${'"x",'.repeat(2_000)}\r\n${HOST}`, / 200 /],
];

Deno.test("whatever comes over the wire, the service answers it and never with 500", async () => {
  await withService(async ({ listen, problems }) => {
    const base = listen();
    for (const [request, status] of RAW) {
      const shown = JSON.stringify(request.slice(0, 70));
      assertMatch(statusLine(await rawHttp(base, request)), status, shown);
    }
    assertEquals(problems, []);
  });
});

Deno.test("a body on GET is no reason to fail", async () => {
  await withService(async ({ listen }) => {
    const head = "GET /v1/symbols HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    const line = statusLine(await rawHttp(listen(), `${head}Content-Length: 5\r\n\r\nhello`));
    assert(line.includes(" 200 "), line);
  });
});

/** Host headers with which a URL's path or query would not be those of the request. */
const HOSTS = ["a#", "a?", "a?b#", "a/v1/symbols#", "a/b", "u:p@a", "u@a#", "a\\", "a b", "[::"];

Deno.test("no Host header makes one question's answer another's", async () => {
  await withService(async ({ listen }) => {
    const base = listen();
    const paths = ["/v1/snapshot/2024-02-10?state=archived", "/v1/snapshot/2024-02-10.csv"];
    const ask = async (path: string) => await (await fetch(`${base}${path}`)).text();
    for (const memory of ["nothing in memory", "the answers in memory"]) {
      for (const host of HOSTS) {
        for (const path of paths) {
          const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
          assertMatch(statusLine(await rawHttp(base, request)), / 400 /, `${host}: ${memory}`);
        }
      }
      assertEquals(JSON.parse(await ask(paths[0]!)).symbols, ["CCCUSDT"]);
      assertMatch(await ask(paths[1]!), /^symbol,contract_type,/);
    }
    const fragment = `GET /v1/symbols#.csv HTTP/1.1\r\n${HOST}`;
    assertMatch(await rawHttp(base, fragment), / 400 |content-type: application\/json/);
    assertEquals(JSON.parse(await ask("/v1/symbols")).count, 6);
  });
});
