import { assert, assertEquals, assertMatch } from "@std/assert";
import { withService } from "../helpers/service.ts";

/** Sends bytes as they are, which no HTTP client would, and returns the answer's status line. */
async function raw(base: string, request: string): Promise<string> {
  const { hostname, port } = new URL(base);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  await connection.closeWrite();
  const text = await new Response(connection.readable).text();
  return text.slice(0, text.indexOf("\r\n"));
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
  [`GET /v1/symbols HTTP/1.0\r\n\r\n`, / 200 /],
  [`GET /v1/snapshot/2024-01-11?${"state=traded&".repeat(400)}x HTTP/1.1\r\n${HOST}`, / 400 /],
  [`GET /v1/symbols HTTP/1.1\r\nIf-None-Match: ${'"x",'.repeat(2_000)}\r\n${HOST}`, / 200 /],
];

Deno.test("whatever comes over the wire, the service answers it and never with 500", async () => {
  await withService(async ({ listen, problems }) => {
    const base = listen();
    for (const [request, status] of RAW) {
      const shown = JSON.stringify(request.slice(0, 70));
      assertMatch(await raw(base, request), status, shown);
    }
    assertEquals(problems, []);
  });
});

Deno.test("a body on GET is no reason to fail", async () => {
  await withService(async ({ listen }) => {
    const head = "GET /v1/symbols HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    const line = await raw(listen(), `${head}Content-Length: 5\r\n\r\nhello`);
    assert(line.includes(" 200 "), line);
  });
});
