import { assert, assertEquals, assertMatch } from "@std/assert";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { listing } from "../helpers/listing.ts";
import { operated } from "../../routes/operation.ts";
import { openSqlPage } from "../../routes/sql_page.ts";
import { type Fuzzed, type Operation, operationsOf, requests } from "../helpers/fuzz.ts";
import { withSqlPageFolder } from "../helpers/sql_page.ts";
import { LISTINGS, type TestService, VERSION, withService } from "../helpers/service.ts";

/** So many requests; the order of 20,000 takes half a minute. */
const REQUESTS = Number(Deno.env.get("BFA_FUZZ_REQUESTS") ?? 20_000);

const SEED = 4;
const NEXT = "2024-04-01.1";

/** What a client must never see of the machine. */
const SECRETS = /\/work|\/tmp|\/root|\/home|file:|\.ts:|\bat \w+ \(/;

type Json = Record<string, unknown>;

Deno.test("/openapi.json is valid OpenAPI 3.1, and every operation has its own id", async () => {
  await withService(async ({ json }) => {
    const description = await json("/openapi.json");
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(description));
    assertEquals([valid, errors, validator.version], [true, undefined, "3.1"]);
    const ids = operationsOf(description).map(({ operationId }) => operationId);
    assertEquals(new Set(ids).size, ids.length);
    for (const { path, parameters } of operationsOf(description)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const inPath = parameters.filter((one) => one.in === "path").map(({ name }) => name);
      assertEquals(inPath, named, path);
    }
  });
});

Deno.test("/openapi.json says what a range means whose other end is left out", async () => {
  await withService(async ({ json }) => {
    const told = operationsOf(await json("/openapi.json"))
      .flatMap(({ path, parameters }) =>
        parameters.filter(({ name }) => name === "from").map(({ description }) => [
          path,
          /alone, it is the only one|when left out/.exec(description ?? "")?.[0],
        ])
      ).filter(([path]) => String(path).startsWith("/v1"));
    const one = "alone, it is the only one";
    assertEquals(Object.fromEntries(told), {
      "/v1/timeline/{symbol}": "when left out",
      "/v1/range": one,
      "/v1/new-listings": one,
      "/v1/delistings": one,
      "/v1/summary": one,
      "/v1/rows": "when left out",
    });
  });
});

Deno.test(`${REQUESTS} requests from /openapi.json: no 500, every answer as it is described`, async () => {
  await withWholeService(async (service) => {
    await service.publish(NEXT, [...LISTINGS.slice(0, 5), listing("FFFUSDT#1", "2024-04-01")]);
    const description = await service.json("/openapi.json");
    const operations = operationsOf(description);
    const check = checker(description);
    const { fetch } = operated(service.service, {
      followed: service.followed,
      now: () => service.world.clock,
    });
    const seen = new Map<string, Set<number>>();
    const property = fc.asyncProperty(
      requests(operations, await knownValues(service)),
      async (fuzzed) => {
        const response = await fetch(await requestOf(fuzzed, fetch));
        await check(fuzzed, response);
        const { operationId } = fuzzed.operation;
        seen.set(operationId, (seen.get(operationId) ?? new Set()).add(response.status));
      },
    );
    await fc.assert(property, { numRuns: REQUESTS, seed: SEED });
    assertEquals(service.problems, []);
    if (REQUESTS < 5_000) return;
    // This version has neither numbers nor a database.
    const never = /^(top|rows|query|dataPackage)/;
    for (const { operationId } of operations.filter((one) => !never.test(one.operationId))) {
      assert(seen.get(operationId)?.has(200), operationId);
    }
    const statuses = new Set([...seen.values()].flatMap((some) => [...some]));
    assertEquals([...statuses].sort(), [
      200,
      204,
      206,
      304,
      400,
      404,
      405,
      406,
      412,
      415,
      416,
      422,
      501,
    ]);
  });
});

/** A service that has SQL in the browser, too. */
async function withWholeService(test: (service: TestService) => Promise<void>): Promise<void> {
  await withSqlPageFolder(async (dir) =>
    await withService(test, { sqlPage: await openSqlPage(dir) })
  );
}

async function knownValues({ json }: TestService) {
  const { versions } = await json("/v1/versions");
  const { signed } = await json("/v1/manifest");
  const { next } = await json("/v1/symbols?limit=2");
  return {
    day: ["latest", "2024-01-15", "2024-03-31", "2024-04-01"],
    from: ["2024-01-01", "2024-01-15", "2024-03-01"],
    to: ["2024-01-20", "2024-03-31", "latest"],
    asof: [signed.publishedAt.slice(0, 10), "2026-01-01"],
    symbol: [...LISTINGS.map(({ symbol }) => symbol), "bbbusdt"],
    version: versions.map(({ version }: { version: string }) => version),
    a: [VERSION, NEXT, "latest"],
    b: [VERSION, NEXT, "latest"],
    quote: ["USDT", "USDC"],
    limit: ["1", "2", "100000"],
    next: [next],
    channel: ["latest", "candidate"],
    sequence: ["1", "2", "3"],
    sha256: [signed.artifacts[0].sha256],
    name: [signed.artifacts[0].name, "index.html", "duckdb.wasm.gz"],
  };
}

/** `ETAG` in a header becomes the tag of what is asked for. */
async function requestOf(
  { method, path, headers }: Fuzzed,
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<Request> {
  const url = `http://127.0.0.1${path}`;
  const given = { ...headers };
  if (Object.values(given).some((value) => value.includes("ETAG"))) {
    const accept = given["accept"];
    const head = await fetch(
      new Request(url, { method: "HEAD", headers: accept === undefined ? {} : { accept } }),
    );
    const etag = head.headers.get("etag") ?? '"none"';
    for (const [name, value] of Object.entries(given)) given[name] = value.replace("ETAG", etag);
  }
  return new Request(url, { method, headers: given });
}

/** Holds answers against the description. */
function checker(description: Json): (fuzzed: Fuzzed, response: Response) => Promise<void> {
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema({ $id: "api", ...description });
  const compiled = new Map<string, ValidateFunction>();
  const validate = (ref: string, body: unknown) => {
    const schema = compiled.get(ref) ?? ajv.compile({ $ref: `api${ref}` });
    compiled.set(ref, schema);
    assert(schema(body), `${ref}: ${JSON.stringify(schema.errors?.slice(0, 3))}`);
  };

  return async ({ operation, method }, response) => {
    const { status, headers } = response;
    const type = headers.get("content-type");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("access-control-allow-origin"), "*");
    if (operation.operationId === "events" && status === 200) return await response.body?.cancel();
    const body = await response.bytes();
    const text = () => new TextDecoder().decode(body);
    const isQuery = operation.operationId.startsWith("query");
    if (status === 405 || (method === "OPTIONS" && status === 204)) {
      return assertEquals(headers.get("allow"), isQuery ? "GET, HEAD, POST, OPTIONS" : ALLOW);
    }
    assert(String(status) in operation.responses, `${status} is not described`);
    if (status >= 400) {
      const posts = isQuery && method === "POST";
      assert(
        method === "GET" || method === "HEAD" || posts || status === 404,
        `${method}: ${status}`,
      );
      assert(type === "application/problem+json", `${status}: ${type}`);
      if (method === "HEAD") return assertEquals(body.length, 0);
      assert(!SECRETS.test(text()), text());
      const found = JSON.parse(text());
      validate("#/components/schemas/Problem", found);
      return assertEquals(found.status, status);
    }
    assert(method === "GET" || method === "HEAD");
    if (status === 304) {
      assertEquals(body.length, 0);
      return assertMatch(headers.get("etag") ?? "", /^"[^"]+"$/);
    }
    if (method === "HEAD") return assertEquals(body.length, 0);
    const length = headers.get("content-length");
    if (length !== null) assertEquals(Number(length), body.length);
    if (status === 206) {
      return assertMatch(headers.get("content-range") ?? "", /^bytes \d+-\d+\/\d+$/);
    }
    const described = contentOf(operation, type);
    if (type !== "application/json" || headers.has("content-encoding")) return;
    const found = JSON.parse(text());
    if (described) validate(described, found);
    const version = headers.get("x-dataset-version");
    if (found.version && version) assertEquals(found.version, version);
  };
}

const ALLOW = "GET, HEAD, OPTIONS";

/** The schema of a 200 of some media type; fails when that type is not described. */
function contentOf({ responses }: Operation, type: string | null): string | undefined {
  const content = responses["200"]!["content"] as Record<string, { schema?: { $ref: string } }>;
  const plain = (text: string) => text.split(";")[0]!;
  const names = Object.keys(content).map(plain);
  assert(type !== null && names.includes(plain(type)), `${type} is not described`);
  return content[type]?.schema?.$ref;
}
