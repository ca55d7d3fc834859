import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkMirror } from "../../lib/jobs/mirror_health.ts";
import { httpMirror } from "../../lib/mirror/http.ts";
import { httpClient } from "../../lib/net/client.ts";
import { serveMirror, type TestEndpoint } from "../helpers/endpoint.ts";
import type { Artifact } from "../../lib/core/manifest.ts";

const NOW = new Date("2024-04-01T13:00:00Z");
const VERSION = "2024-03-31.1";
const FILES = ["a.json", "b.json", "parts/c.json"];

async function withMirror(
  test: (world: {
    artifacts: Artifact[];
    endpoint: TestEndpoint;
    path: (name: string) => string;
    check: (chance: number, hashedBytes?: number) => ReturnType<typeof checkMirror>;
  }) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-test-" });
  const endpoint = serveMirror(dir);
  try {
    const artifacts: Artifact[] = [];
    for (const [i, name] of FILES.entries()) {
      const body = new TextEncoder().encode(`${name} `.repeat(i + 1));
      const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex();
      const path = `${dir}/${sha256}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeFile(path, body);
      artifacts.push({
        name,
        role: "x",
        mediaType: "application/json",
        bytes: body.length,
        sha256,
      });
    }
    const retry = { tries: 1, baseMs: 0, mostMs: 0 };
    const mirror = httpMirror(endpoint.url, httpClient({ retry }));
    await test({
      artifacts,
      endpoint,
      path: (name) => `${dir}/${artifacts.find((a) => a.name === name)!.sha256}/${name}`,
      check: (chance, hashedBytes) =>
        checkMirror(mirror, { version: VERSION, artifacts }, {
          now: NOW,
          chance,
          ...(hashedBytes === undefined ? {} : { hashedBytes }),
        }),
    });
  } finally {
    await endpoint.close();
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a mirror that serves all of a version: one byte of each, and one whole by chance", async () => {
  await withMirror(async ({ check, endpoint }) => {
    const health = await check(0.4);
    assertEquals(health, {
      version: VERSION,
      checkedAt: "2024-04-01T13:00:00.000Z",
      artifacts: 3,
      hashed: "b.json",
      faults: [],
    });
    assertEquals(endpoint.take().sort(), [
      "a.json 206 1",
      "b.json 200 14",
      "b.json 206 1",
      "parts/c.json 206 1",
    ]);
    assertEquals((await check(0)).hashed, "a.json");
    assertEquals((await check(0.999)).hashed, "parts/c.json");
    assertEquals((await check(0.999, 14)).hashed, "b.json", "what is larger is not read");
    assertEquals((await check(0, 1)).hashed, undefined);
  });
});

Deno.test("what is missing, of another length, of another content or not answered is each a fault", async () => {
  await withMirror(async ({ check, endpoint, path }) => {
    await Deno.remove(path("a.json"));
    await Deno.writeTextFile(path("b.json"), "other");
    await Deno.writeTextFile(path("parts/c.json"), "parts/c.json ".repeat(3).toUpperCase());
    const { faults } = await check(0.9);
    assertEquals(faults.map(({ name, code }) => [name, code]), [
      ["a.json", "not_found"],
      ["b.json", "integrity"],
      ["parts/c.json", "integrity"],
    ]);
    assertStringIncludes(faults[1]!.message, "the mirror has 5 bytes, the manifest says 14");
    assertStringIncludes(faults[2]!.message, "its SHA-256 is");
    assertEquals((await check(0)).faults.length, 2, "the same length, and not read this time");

    endpoint.fault = () => new Response("busy", { status: 503 });
    const codes = (await check(0)).faults.map(({ code }) => code);
    assertEquals(codes, ["network", "network", "network"]);
  });
});
