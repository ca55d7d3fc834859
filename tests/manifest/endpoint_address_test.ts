import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { BfaError } from "../../lib/core/errors.ts";
import { parseEndpoint } from "../../lib/manifest/endpoint_address.ts";

Deno.test("an address comes out as `URL` writes it, with a slash at its end", async () => {
  const cases: Readonly<Record<string, string>> = {
    "http://127.0.0.1:8000": "http://127.0.0.1:8000/",
    "http://127.0.0.1:8000/": "http://127.0.0.1:8000/",
    "http://localhost:42171": "http://localhost:42171/",
    "https://bfa.example.org": "https://bfa.example.org/",
    "https://data-1.example.org/bfa": "https://data-1.example.org/bfa/",
    "HTTPS://Bfa.Example.ORG/a b/": "https://bfa.example.org/a%20b/",
    "http://127.1:8000": "http://127.0.0.1:8000/",
    "https://bfa.example.org:443": "https://bfa.example.org/",
    "https://b\u00fccher.example": "https://xn--bcher-kva.example/",
  };
  for (const [text, endpoint] of Object.entries(cases)) {
    assertEquals(await parseEndpoint(text), endpoint, text);
  }
});

Deno.test("what is no address is refused", async () => {
  const bad = [
    "",
    "bfa.example.org",
    "ftp://bfa.example.org/",
    "https://bfa.example.org/?a=1",
    "https://bfa.example.org/#top",
    "http://user@127.0.0.1:8000/",
    "http://127.0.0.1:99999/",
    "https://xn--0.example/",
  ];
  for (const text of bad) {
    const error = await assertRejects(() => parseEndpoint(text), BfaError);
    assertEquals(error.code, "usage");
  }
});

Deno.test("whatever `URL` makes of an address is what comes out", async () => {
  const host = fc.stringMatching(
    /^(?:[a-z][a-z0-9]{0,5}(?:[.-]{1,2}[a-z0-9]{1,5}){0,3}|127\.0\.0\.1|1\.2|0x7f|xn--[a-z]{1,4})\.?$/,
  );
  const port = fc.oneof(fc.constant(""), fc.integer({ min: 0, max: 70_000 }).map((n) => `:${n}`));
  const slash = fc.constantFrom("", "/", "//", "/a", "/a/");
  const scheme = fc.constantFrom("http", "https", "HTTP");
  await fc.assert(
    fc.asyncProperty(scheme, host, port, slash, async (scheme, host, port, slash) => {
      const text = `${scheme}://${host}${port}${slash}`;
      const url = URL.canParse(text) ? new URL(text).href : undefined;
      const found = await parseEndpoint(text).catch(() => undefined);
      assertEquals(found, url?.replace(/\/?$/, "/"));
    }),
    { numRuns: 2_000 },
  );
});
