import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { listing } from "../helpers/listing.ts";
import { LISTINGS, type TestService, VERSION, withService } from "../helpers/service.ts";

/** A body of some KB: worth compressing. */
const LARGE = "/v1/summary?from=2024-01-01&to=latest";
const SMALL = "/v1/snapshot/2024-01-11";
const GZIP = { "accept-encoding": "gzip" };

async function etagOf(service: TestService, path: string, headers: HeadersInit = {}) {
  const response = await service.ask(path, { headers });
  await response.body?.cancel();
  assertEquals(response.status, 200, path);
  return response.headers.get("etag") ?? "";
}

async function statusFor(service: TestService, path: string, headers: Record<string, string>) {
  const response = await service.ask(path, { headers });
  await response.body?.cancel();
  return response.status;
}

async function gunzip(response: Response): Promise<unknown> {
  return await new Response(response.body!.pipeThrough(new DecompressionStream("gzip"))).json();
}

Deno.test("every answer has the version and a strong ETag", async () => {
  await withService(async (service) => {
    for (const path of [SMALL, LARGE, "/v1/timeline/AAAUSDT", "/v1/symbols"]) {
      const { headers } = await service.ask(path);
      assertEquals(headers.get("x-dataset-version"), VERSION);
      assertMatch(headers.get("etag") ?? "", /^"2024-03-31\.1-[\w-]{16}"$/);
      assertEquals(headers.get("vary"), "Accept, Accept-Encoding");
    }
  });
});

Deno.test("the same question in another order of parameters has the same ETag and body", async () => {
  const same: [string, string][] = [
    ["/v1/range?from=2024-01-01&to=2024-01-31", "/v1/range?to=2024-01-31&from=2024-01-01"],
    [
      "/v1/snapshot/2024-01-11?state=traded&state=archived&detail=1",
      "/v1/snapshot/2024-01-11?state=archived&detail=1&state=traded",
    ],
    [
      "/v1/timeline/BBBUSDT?detail=1&from=2024-01-01&to=2024-01-05",
      "/v1/timeline/BBBUSDT?to=2024-01-05&detail=1&from=2024-01-01",
    ],
    ["/v1/snapshot/2024-01-11?state=traded", "/v1/snapshot/2024-01-11?state=%74raded"],
  ];
  await withService(async (service) => {
    for (const [one, other] of same) {
      assertEquals(await etagOf(service, one), await etagOf(service, other), one);
      assertEquals(await service.json(one), await service.json(other));
    }
  });
});

Deno.test("different questions have different ETags", async () => {
  const paths = [
    SMALL,
    "/v1/snapshot/2024-01-12",
    `${SMALL}?detail=1`,
    `${SMALL}?state=archived`,
    `${SMALL}?state=archived&state=traded`,
    "/v1/timeline/AAAUSDT",
    "/v1/timeline/BBBUSDT",
    "/v1/timeline/BBBUSDT?detail=1",
    "/v1/range?from=2024-01-01&to=2024-01-31",
    "/v1/new-listings?from=2024-01-01&to=2024-01-31",
    "/v1/delistings?from=2024-01-01&to=2024-01-31",
    "/v1/summary?from=2024-01-01&to=2024-01-31",
    "/v1/symbols",
    "/v1/symbols?detail=1",
  ];
  await withService(async (service) => {
    const tags = await Promise.all(paths.map((path) => etagOf(service, path)));
    assertEquals(new Set(tags).size, paths.length);
  });
});

Deno.test("If-None-Match answers 304 when it names the answer's tag", async () => {
  await withService(async (service) => {
    const tag = await etagOf(service, SMALL);
    const cases: [header: string, status: number][] = [
      [tag, 304],
      [`W/${tag}`, 304],
      [`"other", ${tag}`, 304],
      [`"other",W/${tag} , "more"`, 304],
      ["*", 304],
      ['"other"', 200],
      [tag.slice(1, -1), 200],
      [await etagOf(service, "/v1/symbols"), 200],
      ["", 200],
    ];
    for (const [header, status] of cases) {
      assertEquals(await statusFor(service, SMALL, { "if-none-match": header }), status, header);
    }
  });
});

Deno.test("a 304 has no body, and the headers of the 200", async () => {
  await withService(async (service) => {
    const tag = await etagOf(service, SMALL);
    const full = await service.ask(SMALL);
    const response = await service.ask(SMALL, { headers: { "if-none-match": tag } });
    assertEquals([response.status, response.body], [304, null]);
    for (const name of ["etag", "cache-control", "vary", "x-dataset-version"]) {
      assertEquals(response.headers.get(name), full.headers.get(name), name);
    }
  });
});

Deno.test("a 304 for gzip names the gzip's tag, as the 200 would", async () => {
  await withService(async (service) => {
    const tag = await etagOf(service, LARGE, GZIP);
    const response = await service.ask(LARGE, { headers: { ...GZIP, "if-none-match": tag } });
    assertEquals([response.status, response.headers.get("etag")], [304, tag]);
  });
});

Deno.test("gzip has its own tag and, unpacked, the same JSON", async () => {
  await withService(async (service) => {
    const plain = await service.ask(LARGE);
    const zipped = await service.ask(LARGE, { headers: GZIP });
    assertEquals(zipped.headers.get("content-encoding"), "gzip");
    assertEquals(plain.headers.get("content-encoding"), null);
    assertNotEquals(zipped.headers.get("etag"), plain.headers.get("etag"));
    assertEquals(zipped.headers.get("x-dataset-version"), VERSION);
    assertEquals(await gunzip(zipped), await plain.json());
  });
});

Deno.test("either tag answers 304: both say that the client has this answer", async () => {
  await withService(async (service) => {
    const [plain, zipped] = [await etagOf(service, LARGE), await etagOf(service, LARGE, GZIP)];
    assertEquals(await statusFor(service, LARGE, { "if-none-match": zipped }), 304);
    assertEquals(await statusFor(service, LARGE, { ...GZIP, "if-none-match": plain }), 304);
  });
});

Deno.test("Accept-Encoding decides on gzip", async () => {
  const cases: [header: string, gzip: boolean][] = [
    ["gzip", true],
    ["GZIP", true],
    ["deflate, gzip;q=0.5, br", true],
    ["br;q=1.0, gzip; q=0.8, *;q=0.1", true],
    ["*", true],
    ["gzip;q=0", false],
    ["gzip;q=0.000", false],
    ["gzip;q=0, *", false],
    ["identity", false],
    ["br", false],
    ["xgzip", false],
    ["", false],
  ];
  await withService(async (service) => {
    for (const [header, gzip] of cases) {
      const response = await service.ask(LARGE, { headers: { "accept-encoding": header } });
      await response.body?.cancel();
      assertEquals(response.headers.get("content-encoding"), gzip ? "gzip" : null, header);
    }
  });
});

Deno.test("a small answer is not compressed", async () => {
  await withService(async (service) => {
    const response = await service.ask(SMALL, { headers: GZIP });
    assertEquals(response.headers.get("content-encoding"), null);
    assert((await response.text()).length < 860);
  });
});

Deno.test("HEAD has the headers of GET, over a real connection, and no body", async () => {
  await withService(async (service) => {
    const base = service.listen();
    const paths = [
      SMALL,
      LARGE,
      "/v1/manifest",
      "/v1/manifests/1",
      "/v1/versions",
      "/healthz",
      "/",
    ];
    for (const path of paths) {
      const get = await fetch(base + path, { headers: { "accept-encoding": "identity" } });
      await get.body?.cancel();
      const init = { method: "HEAD", headers: { "accept-encoding": "identity" } };
      const head = await fetch(base + path, init);
      assertEquals([head.status, await head.text()], [200, ""]);
      const facts = ({ headers }: Response) =>
        [...headers].filter(([name]) => name !== "date" && name !== "content-length");
      assertEquals(facts(head), facts(get), path);
    }
  });
});

Deno.test("HEAD never tells another Content-Length than GET", async () => {
  await withService(async (service) => {
    const base = service.listen();
    for (const path of [SMALL, LARGE, "/v1/manifest", "/v1/versions", "/healthz", "/"]) {
      const get = await fetch(base + path, { headers: { "accept-encoding": "identity" } });
      const bytes = (await get.bytes()).length;
      const init = { method: "HEAD", headers: { "accept-encoding": "identity" } };
      const head = await fetch(base + path, init);
      await head.body?.cancel();
      assertEquals(head.headers.get("content-length") ?? String(bytes), String(bytes), path);
    }
  });
});

Deno.test("after a switch every answer is of the new version, with another ETag", async () => {
  await withService(async (service) => {
    const before = await etagOf(service, SMALL);
    await service.publish(
      "2024-03-31.2",
      [...LISTINGS, listing("中文USDT#1", "2024-01-01")]
        .sort((a, b) => a.symbol < b.symbol ? -1 : 1),
    );
    const response = await service.ask(SMALL, { headers: { "if-none-match": before } });
    assertEquals(response.status, 200);
    assertNotEquals(response.headers.get("etag"), before);
    assertEquals(response.headers.get("x-dataset-version"), "2024-03-31.2");
    const { version, count } = await response.json();
    assertEquals([version, count], ["2024-03-31.2", 4]);
  });
});
