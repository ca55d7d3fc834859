import { assertEquals } from "@std/assert";
import { bfa } from "../helpers/cli.ts";

const ANSWERS: readonly [
  name: string,
  status: number,
  body: unknown,
  code: number,
  text: RegExp,
][] = [
  [
    "ready",
    200,
    { status: "ready", version: "2024-03-31.1" },
    0,
    /^ready: version 2024-03-31\.1\n$/,
  ],
  ["not yet", 503, { status: "starting" }, 6, /^bfa: Cannot call \S+ ready: it has no published/],
  ["another program", 200, "hello", 6, /^bfa: Cannot call \S+ ready: another program answers/],
  ["one that says nothing", 200, null, 6, /^bfa: Cannot call \S+ ready: another program answers/],
  ["broken", 500, "", 6, /^bfa: .*500/],
];

for (const [name, status, body, code, text] of ANSWERS) {
  Deno.test(`bfa health: a service that is ${name}`, async () => {
    const paths: string[] = [];
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      paths.push(new URL(request.url).pathname);
      return Response.json(body, { status });
    });
    const { port } = server.addr;
    try {
      for (
        const args of [["health", `http://127.0.0.1:${port}`], ["health", "--port", `${port}`]]
      ) {
        const called = await bfa(args);
        assertEquals([called.code, text.test(called.out + called.err)], [code, true], called.err);
      }
      assertEquals((await bfa(["health"], { env: { PORT: String(port) } })).code, code);
      assertEquals(paths, ["/readyz", "/readyz", "/readyz"], "each asks once");
    } finally {
      await server.shutdown();
    }
  });
}

Deno.test("bfa health: nobody listens, and no address", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  assertEquals((await bfa(["health", "--port", String(port)])).code, 6);
  assertEquals((await bfa(["health", "ftp://example.org"])).code, 2);
});
