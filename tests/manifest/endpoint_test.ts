import { assertEquals, assertRejects } from "@std/assert";
import { HttpError, NotFoundError } from "../../lib/core/errors.ts";
import {
  fetchManifest,
  fetchVersions,
  SERVICE_LAYOUT,
  STATIC_LAYOUT,
} from "../../lib/manifest/endpoint.ts";
import { httpClient } from "../../lib/net/client.ts";

/** A server with these files; everything else is `missing`. */
async function withServer(
  files: Record<string, string>,
  missing: number,
  test: (url: string, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const path = new URL(request.url).pathname.slice(1);
    asked.push(path);
    const text = files[path];
    return text === undefined ? new Response("<Error/>", { status: missing }) : new Response(text);
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/`, asked);
  } finally {
    await server.shutdown();
  }
}

const http = httpClient({ retry: { tries: 1, baseMs: 0, mostMs: 0 } });
const channel = "latest";

for (const missing of [403, 404]) {
  const files = { "manifest.json": "{}", "versions.json": '{"versions":[]}' };
  Deno.test(`a bucket that answers ${missing} for what is not there is read like any mirror`, async () => {
    await withServer(files, missing, async (url, asked) => {
      const cold = await fetchManifest(http, url, { channel });
      assertEquals([cold.changed && cold.layout, asked.splice(0)], [STATIC_LAYOUT, [
        "manifest.json",
      ]]);
      // It was a service before.
      const moved = await fetchManifest(http, url, { channel, layout: SERVICE_LAYOUT });
      assertEquals(moved.changed && moved.layout, STATIC_LAYOUT);
      assertEquals(asked.splice(0), ["v1/manifest", "manifest.json"]);
      assertEquals((await fetchVersions(http, url, SERVICE_LAYOUT)).layout, STATIC_LAYOUT);
      assertEquals(asked.splice(0), ["v1/versions", "versions.json"]);
    });
  });
}

Deno.test("a bucket that nobody may read says so; an empty one has no manifest", async () => {
  await withServer({}, 403, async (url) => {
    const error = await assertRejects(() => fetchManifest(http, url, { channel }), HttpError);
    assertEquals(error.message, `Cannot fetch ${url}manifest.json: the server answered 403`);
    const versions = await assertRejects(() => fetchVersions(http, url), HttpError);
    assertEquals(versions.status, 403);
  });
  await withServer({}, 404, async (url) => {
    await assertRejects(() => fetchManifest(http, url, { channel }), NotFoundError);
  });
});
