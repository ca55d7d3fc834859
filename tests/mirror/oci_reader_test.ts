/** Reading from registries as they are found: where they redirect to, what they ask for, what they hold. */

import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { ociApi } from "../../lib/mirror/oci_api.ts";
import type { Login } from "../../lib/mirror/oci_login.ts";
import { parseOciPlace } from "../../lib/mirror/oci_place.ts";
import { ociReader, registryClient } from "../../lib/mirror/oci_reader.ts";
import { sender } from "../../lib/net/sender.ts";

const BLOB = new TextEncoder().encode("the bytes");
const SHA256 = new Uint8Array(await crypto.subtle.digest("SHA-256", BLOB)).toHex();
const LOGIN: Login = { username: "me", password: "secret" };

interface Seen {
  readonly path: string;
  readonly authorization: string | null;
}

type Answer = (request: Request, path: string) => Response;

/** Runs a test with a registry and a second server, which blobs may be kept on. */
async function withRegistry(
  answer: (elsewhere: string) => Answer,
  test: (world: { host: string; seen: Seen[]; elsewhere: Seen[] }) => Promise<void>,
  answerElsewhere: Answer = () => new Response(BLOB, { headers: { etag: '"its own"' } }),
): Promise<void> {
  const serve = (seen: Seen[], answer: Answer) =>
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      const path = new URL(request.url).pathname;
      seen.push({ path, authorization: request.headers.get("authorization") });
      return answer(request, path);
    });
  const [seen, elsewhere]: [Seen[], Seen[]] = [[], []];
  const second = serve(elsewhere, answerElsewhere);
  const first = serve(seen, answer(`http://127.0.0.1:${second.addr.port}`));
  try {
    await test({ host: `127.0.0.1:${first.addr.port}`, seen, elsewhere });
  } finally {
    await first.shutdown();
    await second.shutdown();
  }
}

function readerOf(host: string, login?: Login) {
  const place = parseOciPlace(`oci://${host}/team/bfa`);
  const retry = { tries: 1, baseMs: 0, mostMs: 0 };
  return ociReader(ociApi({ place, login, sender: sender({ place: "test", retry }) }));
}

const textOf = async (host: string, path: string, login?: Login) => {
  const file = await readerOf(host, login).open(path);
  return file && await new Response(file.body).text();
};

Deno.test("a blob that is kept elsewhere is fetched there, and the login does not go along", async () => {
  const answer = (elsewhere: string): Answer => (request, path) =>
    request.headers.has("authorization")
      ? Response.redirect(`${elsewhere}${path}?signed`, 307)
      : new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } });
  await withRegistry(answer, async ({ host, seen, elsewhere }) => {
    assertEquals(await textOf(host, `${SHA256}/a.txt`, LOGIN), "the bytes");
    const basic = `Basic ${btoa("me:secret")}`;
    assertEquals(seen.map(({ authorization }) => authorization), [null, basic]);
    assertEquals(elsewhere, [{ path: `/v2/team/bfa/blobs/sha256:${SHA256}`, authorization: null }]);
  });
});

Deno.test("whoever keeps the blobs is given no login, even when it asks for one", async () => {
  const answer = (elsewhere: string): Answer => (_, path) =>
    Response.redirect(elsewhere + path, 307);
  const challenge: Answer = (request) => {
    const realm = new URL("/token", request.url).href;
    return new Response(null, {
      status: 401,
      headers: { "www-authenticate": `Bearer realm="${realm}",service="x"` },
    });
  };
  await withRegistry(answer, async ({ host, elsewhere }) => {
    const error = await assertRejects(() => textOf(host, `${SHA256}/a.txt`, LOGIN), BfaError);
    assertEquals(error.code, "usage");
    assertEquals(elsewhere, [{ path: `/v2/team/bfa/blobs/sha256:${SHA256}`, authorization: null }]);
  }, challenge);
});

Deno.test("a registry that gives no token: network, whatever it says instead", async () => {
  for (const text of ["null", "<html>", "{}", JSON.stringify({ token: "a b" })]) {
    const answer = (): Answer => (request, path) =>
      path === "/token" ? new Response(text) : new Response(null, {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${new URL("/token", request.url).href}"` },
      });
    await withRegistry(answer, async ({ host }) => {
      const error = await assertRejects(() => textOf(host, `${SHA256}/a.txt`, LOGIN), BfaError);
      assertEquals([error.code, error.message.split(" ").slice(-3).join(" ")], [
        "network",
        "gave no token",
      ]);
    });
  }
});

Deno.test("a tag whose document never ends is given up", async () => {
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
    });
  await withRegistry(() => () => new Response(endless()), async ({ host }) => {
    const error = await assertRejects(() => textOf(host, "manifest.json"), BfaError);
    assertEquals([error.code, error.message], [
      "integrity",
      `Cannot read latest on oci://${host}/team/bfa: it is longer than 4194304 bytes`,
    ]);
  });
});

Deno.test("a registry that redirects in a circle, or to no web address, is given up", async () => {
  for (const location of ["", "file:///etc/passwd"]) {
    const answer = (): Answer => (request) =>
      new Response(null, { status: 307, headers: { location: location || request.url } });
    await withRegistry(answer, async ({ host, seen }) => {
      const error = await assertRejects(() => textOf(host, `${SHA256}/a.txt`), BfaError);
      assertEquals(error.code, "network");
      assertEquals(seen.length, location ? 1 : 6);
    });
  }
});

const TOKENS: [what: string, challenge: string, code: string][] = [
  ["no address", 'Bearer realm="token",service="x"', "network"],
  ["a file", 'Bearer realm="file:///x",service="x"', "network"],
  ["a scheme that nobody knows", "Negotiate", "usage"],
  ["nothing", "", "usage"],
];

for (const [what, challenge, code] of TOKENS) {
  Deno.test(`a registry that gives tokens at ${what}: ${code}`, async () => {
    const headers: Record<string, string> = challenge ? { "www-authenticate": challenge } : {};
    await withRegistry(
      () => () => new Response(null, { status: 401, headers }),
      async ({ host }) => {
        const error = await assertRejects(() => textOf(host, `${SHA256}/a.txt`, LOGIN), BfaError);
        assertEquals(error.code, code);
      },
    );
  });
}

Deno.test("a tag that holds something else is no manifest of ours", async () => {
  const documents: Record<string, [text: string, found: string]> = {
    "an image": [JSON.stringify({ schemaVersion: 2, layers: [{ digest: "sha256:0" }] }), "nothing"],
    "an index": [JSON.stringify({ schemaVersion: 2, manifests: [] }), "integrity"],
    "a page": ["<html>", "integrity"],
    "a bad digest": [
      JSON.stringify({
        layers: [{
          digest: "../../x",
          annotations: { "org.opencontainers.image.title": "manifest.json" },
        }],
      }),
      "integrity",
    ],
  };
  for (const [what, [text, found]] of Object.entries(documents)) {
    await withRegistry(() => () => new Response(text), async ({ host }) => {
      const result = await textOf(host, "manifest.json")
        .then((text) => text ?? "nothing", (error) => error.code);
      assertEquals([what, result], [what, found]);
    });
  }
});

Deno.test("`registryClient()` answers as a plain mirror does: 200, 206, 304, 404", async () => {
  const digest = `sha256:${SHA256}`;
  const document = JSON.stringify({
    layers: [{ digest, annotations: { "org.opencontainers.image.title": "manifest.json" } }],
  });
  const answer = (elsewhere: string): Answer => (request, path) =>
    path.endsWith("/manifests/latest")
      ? new Response(document)
      : !path.endsWith(digest)
      ? new Response("{}", { status: 404 })
      : request.headers.get("range") === "bytes=4-8"
      ? new Response(BLOB.subarray(4), {
        status: 206,
        headers: { "content-range": "bytes 4-8/9" },
      })
      : Response.redirect(elsewhere + path, 307);
  await withRegistry(answer, async ({ host, seen }) => {
    const client = registryClient((place) =>
      Promise.resolve(ociApi({ place, sender: sender({ place: "test" }) }))
    );
    const root = `oci://${host}/team/bfa`;
    const get = async (path: string, headers: Record<string, string> = {}) => {
      const response = await client.get(`${root}/${path}`, { headers, accept: [304, 404] });
      return [response.status, await response.text(), response.headers.get("etag")];
    };
    const etag = `"${digest}"`; // not that of whoever keeps the blob
    assertEquals(await get("manifest.json"), [200, "the bytes", etag]);
    assertEquals(await get("manifest.json", { "if-none-match": etag }), [304, "", etag]);
    assertEquals(seen.length, 3); // twice the tag, once the blob
    assertEquals((await get(`${SHA256}/a.txt`, { range: "bytes=4-8" })).slice(0, 2), [
      206,
      "bytes",
    ]);
    for (const missing of ["manifests/7.json", "v1/manifest", `${"0".repeat(64)}/a.txt`]) {
      assertEquals((await get(missing))[0], 404, missing);
    }
    const refused = () => client.get(`${root}/manifests/7.json`);
    assertEquals((await assertRejects(refused, BfaError)).code, "network");
    await assertRejects(() => client.get(`${root}/other`), BfaError, "write oci://HOST/REPOSITORY");
  });
});
