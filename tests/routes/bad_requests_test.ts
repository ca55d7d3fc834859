import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { withService } from "../helpers/service.ts";

const LONG = "A".repeat(201);
const SHA = "a".repeat(64);
/** Deep enough to reach the file system's root from anywhere. */
const UP = "../".repeat(12);
const UP_ENCODED = "..%2f".repeat(12);

/** A request that cannot be answered, and what the problem document says. */
const BAD: [request: string, status: number, code: string][] = [
  // days
  ["/v1/snapshot/2024-02-30", 400, "usage"],
  ["/v1/snapshot/2023-02-29", 400, "usage"],
  ["/v1/snapshot/2024-13-01", 400, "usage"],
  ["/v1/snapshot/20240115", 400, "usage"],
  ["/v1/snapshot/today", 400, "usage"],
  ["/v1/snapshot/LATEST", 400, "usage"],
  ["/v1/snapshot/2024-01-15T00:00:00Z", 400, "usage"],
  ["/v1/snapshot/-001-01-01", 400, "usage"],
  ["/v1/snapshot/%00", 400, "usage"],
  ["/v1/snapshot/٢٠٢٤-٠١-١٥", 400, "usage"],
  ["/v1/snapshot/２０２４-０１-１５", 400, "usage"],
  ["/v1/snapshot/latest?at=2024-03-31.1", 400, "usage"],
  ["/v/2024-03-31.1/snapshot/latest?asof=2024-03-31", 400, "usage"],
  ["/v/2024-03-31.0001/snapshot/latest", 400, "usage"],
  ["/v1/pairlist/latest?limit=1", 400, "usage"],
  ["/v1/pairlist/latest?next=WyIyMDI0LTAzLTMxLjEiLDFd", 400, "usage"],
  ["/v1/snapshot/2023-12-31", 404, "not_found"],
  ["/v1/snapshot/2024-04-01", 404, "not_found"],
  ["/v1/snapshot/9999-12-31", 404, "not_found"],
  [`/v1/snapshot/${LONG}`, 400, "usage"],
  // ranges
  ["/v1/range", 400, "usage"],
  ["/v1/summary", 400, "usage"],
  ["/v1/new-listings", 400, "usage"],
  ["/v1/range?from=2024-02-01&to=2024-01-01", 400, "usage"],
  ["/v1/range?from=2024-1-1", 400, "usage"],
  ["/v1/range?from=2024-01-01&to=2024-04-01", 404, "not_found"],
  ["/v1/delistings?from=2019-01-01&to=latest", 404, "not_found"],
  // parameters
  ["/v1/range?from=2024-01-01&from=2024-01-02", 400, "usage"],
  ["/v1/range?from=", 400, "usage"],
  ["/v1/range?from", 400, "usage"],
  ["/v1/range?from=2024-01-01&day=2024-01-02", 400, "usage"],
  [`/v1/range?from=${LONG}`, 400, "usage"],
  [`/v1/range?${LONG}=1`, 400, "usage"],
  ["/v1/range?__proto__=1", 400, "usage"],
  ["/v1/range?constructor=1&from=latest", 400, "usage"],
  ["/v1/range?FROM=latest", 400, "usage"],
  ["/v1/range?from=latest&state=dead", 400, "usage"],
  ["/v1/range?from=latest&state=pending", 400, "usage"],
  ["/v1/snapshot/latest?state=", 400, "usage"],
  ["/v1/snapshot/latest?state=traded,archived", 400, "usage"],
  ["/v1/snapshot/latest?detail=yes", 400, "usage"],
  ["/v1/snapshot/latest?detail=1&detail=1", 400, "usage"],
  ["/v1/snapshot/latest?from=2024-01-01", 400, "usage"],
  ["/v1/symbols?state=traded", 400, "usage"],
  ["/v1/range?from=%E0%A4%A", 400, "usage"],
  ["/v1/range?=1", 400, "usage"],
  // symbols
  ["/v1/timeline/NOSUCHUSDT", 404, "not_found"],
  ["/v1/timeline/%F0%9F%92%A9", 404, "not_found"],
  ["/v1/timeline/AAAUSDT%00", 404, "not_found"],
  ["/v1/timeline/%2e%2e%2fetc%2fpasswd", 404, "not_found"],
  [`/v1/timeline/${"B".repeat(200)}`, 404, "not_found"],
  [`/v1/timeline/${LONG}`, 400, "usage"],
  // broken percent-encoding
  ["/v1/timeline/%", 404, "not_found"],
  ["/v1/timeline/%E0%A4%A", 404, "not_found"],
  ["/v1/timeline/AAA%ZZUSDT", 404, "not_found"],
  ["/v1/snapshot/%FF", 400, "usage"],
  // manifests
  ["/v1/manifest?channel=nightly", 404, "not_found"],
  ["/v1/manifest?channel=..", 400, "usage"],
  ["/v1/manifest?channel=Latest", 400, "usage"],
  ["/v1/manifest?version=1", 400, "usage"],
  ["/v1/manifests/2", 404, "not_found"],
  ["/v1/manifests/0", 404, "not_found"],
  ["/v1/manifests/-1", 404, "not_found"],
  ["/v1/manifests/1.0", 404, "not_found"],
  ["/v1/manifests/latest", 404, "not_found"],
  [`/v1/manifests/${"9".repeat(200)}`, 404, "not_found"],
  ["/v1/versions?limit=1", 400, "usage"],
  // artifacts
  [`/v1/artifacts/${SHA}/listings.json`, 404, "not_found"],
  [`/v1/artifacts/${SHA}/parts/2024.parquet`, 404, "not_found"],
  [`/v1/artifacts/${SHA.toUpperCase()}/listings.json`, 404, "not_found"],
  ["/v1/artifacts/manifests/1.json", 404, "not_found"],
  ["/v1/artifacts/abc/listings.json", 404, "not_found"],
  [`/v1/artifacts/${SHA}/${UP}etc/passwd`, 404, "not_found"],
  [`/v1/artifacts/${SHA}/${UP_ENCODED}etc%2fpasswd`, 404, "not_found"],
  [`/v1/artifacts/${SHA}/..%5c..%5cetc`, 404, "not_found"],
  [`/v1/artifacts/%2e%2e/%2e%2e/etc/passwd`, 404, "not_found"],
  [`/v1/artifacts/${UP_ENCODED}etc/passwd`, 404, "not_found"],
  [`/v1/artifacts/${SHA}/.hidden`, 404, "not_found"],
  [`/v1/artifacts/${SHA}/a/b/c`, 404, "not_found"],
  [`/v1/artifacts/${SHA}/a%00.json`, 404, "not_found"],
  [`/v1/artifacts/${SHA}/listings.json?x=1`, 400, "usage"],
  [`/v1/artifacts/${SHA}/${LONG}`, 400, "usage"],
  // paths
  ["/v1", 404, "not_found"],
  ["/v1/", 404, "not_found"],
  ["/v1/nothing", 404, "not_found"],
  ["/v1/snapshot", 404, "not_found"],
  ["/v1/snapshot/2024-01-11/", 404, "not_found"],
  ["/v1/snapshot/2024-01-11/more", 404, "not_found"],
  ["/V1/symbols", 404, "not_found"],
  ["//v1/symbols", 404, "not_found"],
  ["/v1/artifacts/", 404, "not_found"],
  ["/.env", 404, "not_found"],
  ["/%2e%2e/deno.json", 404, "not_found"],
];

/** What a client must never see of the machine. */
const SECRETS = /\/srv|\/tmp|\/root|file:|\.ts:|\bat \w+ \(|passwd: /;

Deno.test("every bad request is a problem document with its status and code, and no more", async () => {
  await withService(async ({ ask, problems, world }) => {
    for (const [path, status, code] of BAD) {
      const response = await ask(path);
      const text = await response.text();
      assertEquals(response.headers.get("content-type"), "application/problem+json", path);
      const body = JSON.parse(text);
      assertEquals([response.status, body.code, body.status], [status, code, status], path);
      assert(typeof body.title === "string" && typeof body.detail === "string", path);
      assert(!SECRETS.test(text.replaceAll(/etc.*passwd/g, "")), `${path}: ${text}`);
      assert(!text.includes(world.dir), path);
      assertEquals(response.headers.get("cache-control"), "no-store", path);
      assertEquals(response.headers.get("access-control-allow-origin"), "*", path);
    }
    assertEquals(problems, []);
  });
});

Deno.test("a bad request answers HEAD with the same status", async () => {
  await withService(async ({ ask }) => {
    for (const [path, status] of BAD) {
      const response = await ask(path, { method: "HEAD" });
      assertEquals([response.status, response.body], [status, null], path);
    }
  });
});

Deno.test("a problem says what to do, and names the nearest things that exist", async () => {
  await withService(async ({ ask }) => {
    const problem = async (path: string) => await (await ask(path)).json();
    assertEquals(await problem("/v1/timeline/AABUSDT"), {
      type: "about:blank",
      title: "There is no such thing",
      status: 404,
      code: "not_found",
      detail: "no symbol AABUSDT; did you mean AAAUSDT or BBBUSDT?",
      suggestions: ["AAAUSDT", "BBBUSDT"],
    });
    const late = await problem("/v1/snapshot/2024-04-01");
    assertEquals(late.suggestions, ["2024-03-31"]);
    assertMatch(late.detail, /this version ends on 2024-03-31/);
    assertEquals((await problem("/v1/snapshot/2020-01-01")).suggestions, ["2024-01-01"]);
    assertMatch((await problem("/v1/range?foo=1")).detail, /"foo".*from, to, state/);
  });
});

Deno.test("other methods answer 405 with Allow", async () => {
  const paths = [
    "/",
    "/v1/snapshot/2024-01-11",
    "/v1/timeline/AAAUSDT",
    "/v1/symbols",
    "/v1/manifest",
    "/v1/manifest/events",
    "/v1/manifests/1",
    "/v1/versions",
    `/v1/artifacts/${SHA}/listings.json`,
    "/healthz",
    "/readyz",
  ];
  await withService(async ({ ask }) => {
    for (const path of paths) {
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
        const response = await ask(path, { method });
        const body = await response.json();
        assertEquals([response.status, body.status, body.code], [405, 405, "usage"], path);
        assertEquals(response.headers.get("allow"), "GET, HEAD, OPTIONS");
        assertEquals(response.headers.get("content-type"), "application/problem+json");
      }
    }
    assertEquals((await ask("/nothing", { method: "POST" })).status, 404);
  });
});

Deno.test("OPTIONS answers a preflight", async () => {
  await withService(async ({ ask }) => {
    for (const path of ["/v1/snapshot/latest", "/v1/manifest", `/v1/artifacts/${SHA}/a.parquet`]) {
      const response = await ask(path, {
        method: "OPTIONS",
        headers: { origin: "https://a.test" },
      });
      assertEquals([response.status, response.body], [204, null]);
      const { headers } = response;
      assertEquals(headers.get("access-control-allow-origin"), "*");
      assertEquals(headers.get("access-control-allow-methods"), "GET, HEAD, OPTIONS");
      assertMatch(headers.get("access-control-allow-headers") ?? "", /If-None-Match.*Range/);
      assertEquals(headers.get("access-control-max-age"), "86400");
    }
  });
});

Deno.test("a bug answers 500 without a word about it, and is logged", async () => {
  const wrapMirror = (mirror: Mirror) => ({
    ...mirror,
    size: () => Promise.reject(new TypeError("secret at /srv/bfa/lib/x.ts:1")),
  });
  await withService(async ({ ask, problems }) => {
    const response = await ask(`/v1/artifacts/${SHA}/listings.json`);
    assertEquals(response.status, 500);
    assertEquals(await response.json(), {
      type: "about:blank",
      title: "Something went wrong here",
      status: 500,
      code: "internal",
    });
    assertEquals(problems.length, 1);
  }, { wrapMirror });
});

Deno.test("broken requests over a real connection never answer 500", async () => {
  await withService(async ({ listen, problems }) => {
    const base = listen();
    for (const [path, status] of BAD) {
      if (path.includes("/../")) continue; // the client itself would shorten it
      const response = await fetch(base + path);
      await response.body?.cancel();
      assertEquals(response.status, status, path);
    }
    assertEquals(problems, []);
  });
});
