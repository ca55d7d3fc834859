import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { readPublicUrl } from "../../routes/address.ts";
import { type TestService, withService } from "../helpers/service.ts";

/** Everything that names the address of the service. */
const NAMING = [
  "/",
  "/reference",
  "/croissant.json",
  "/llms.txt",
  "/v1/feeds/listings.atom",
  "/v1/feeds/listings.json",
];

/** Everything else that could. */
const OTHERS = [
  "/openapi.json",
  "/v1/symbols?limit=2",
  "/v1/manifest",
  "/v1/versions",
  "/v1/snapshot/2024-02-30",
  "/nosuch",
];

async function ask({ service }: TestService, host: string, path: string) {
  const response = await service.fetch(new Request(`http://${host}${path}`));
  const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return { headers: response.headers, head, body: await response.text() };
}

Deno.test("without a public address, what repeats the Host header is for that client alone", async () => {
  await withService(async (service) => {
    for (const path of NAMING) {
      const { headers, head, body } = await ask(service, "evil.test:81", path);
      assert(body.includes("http://evil.test:81/"), path);
      assert(!head.includes("evil"), path);
      assertMatch(headers.get("cache-control")!, /^private, max-age=\d+$/, path);
      assertMatch(headers.get("vary")!, /^(Accept, )?Host(, Accept-Encoding)?$/, path);
      assertEquals(headers.get("deno-cdn-cache-control"), null, path);
      const other = await ask(service, "bfa.test", path);
      assert(!other.body.includes("evil"), path);
    }
    for (const path of OTHERS) {
      const { head, body } = await ask(service, "evil.test:81", path);
      assert(!head.includes("evil") && !body.includes("evil"), path);
    }
    const { body } = await ask(service, "evil.test", "/openapi.json");
    assertEquals(JSON.parse(body).servers, [{ url: "/" }]);
  }, { cdn: true });
});

Deno.test("with a public address, every answer is the same whatever Host header came", async () => {
  await withService(async (service) => {
    for (const path of [...NAMING, ...OTHERS]) {
      const [one, other] = [
        await ask(service, "evil.test:81", path),
        await ask(service, "bfa.test", path),
      ];
      assertEquals([one.head, one.body], [other.head, other.body], path);
      assert(!one.body.includes("evil"), path);
      if (!NAMING.includes(path)) continue;
      assert(one.body.includes("https://data.test/bfa/"), path);
      assertMatch(one.headers.get("cache-control")!, /^public, max-age=\d+$/, path);
    }
    const { body } = await ask(service, "evil.test", "/openapi.json");
    assertEquals(JSON.parse(body).servers, [{ url: "https://data.test/bfa" }]);
    const { headers } = await ask(service, "evil.test", "/v1/symbols?limit=2");
    assertMatch(
      headers.get("link")!,
      /^<https:\/\/data\.test\/bfa\/v1\/symbols\?limit=2&next=[\w-]+>; rel="next"$/,
    );
  }, { publicUrl: "https://data.test/bfa" });
});

Deno.test("`readPublicUrl()` takes http and https addresses, with a path or without", () => {
  const taken: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ["", undefined],
    ["https://bfa.example.org", "https://bfa.example.org"],
    ["https://bfa.example.org/", "https://bfa.example.org"],
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
    ["https://Example.org:443/data//", "https://example.org/data"],
  ];
  for (const [text, url] of taken) assertEquals(readPublicUrl(text), url);
  for (
    const text of [
      "bfa.example.org",
      "ftp://x.test",
      "https://u:p@x.test",
      "https://x.test?a",
      "//x",
    ]
  ) assertThrows(() => readPublicUrl(text), BfaError, "Cannot read the public URL");
});
