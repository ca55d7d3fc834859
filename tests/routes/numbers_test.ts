import { assertEquals, assertMatch } from "@std/assert";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { LISTINGS, type TestService, VERSION, withService } from "../helpers/service.ts";

/** A service that has published numbers as {@linkcode VERSION}. */
async function withNumbers(
  test: (service: TestService) => Promise<void>,
): Promise<void> {
  await withService(async (service) => {
    const switched = new Promise<void>((resolve) => service.followed.onChange(() => resolve()));
    await publishNumbers(service.world, VERSION, MANY_LISTINGS);
    await switched;
    await test(service);
  }, { listings: [] });
}

const ASKED = [
  "/v1/top/latest",
  "/v1/top/2024-02-10?n=5",
  "/v1/rows?day=2024-02-10",
  "/v1/rows?symbol=s07usdt&from=2024-01-01&to=2024-01-31",
  "/v1/rows?symbol=ZENDEDUSDT&columns=all",
  "/v1/rows?from=2024-03-01&to=2024-03-31&columns=close_price&columns=open_price",
];

Deno.test("numbers over HTTP, by bfa get and in the library are the same", async () => {
  await withNumbers(async ({ listen, world }) => {
    const endpoint = listen();
    const cacheDir = `${world.dir}/cache`;
    const now = () => world.clock;
    const env = { BFA_CACHE_DIR: cacheDir, BFA_ENDPOINT: endpoint };
    for (const path of ASKED) {
      for (const format of ["", ".csv", ".ndjson", ".parquet", ".arrow", ".md"]) {
        const [before, query] = path.split("?");
        const full = `${before}${format}${query ? `?${query}` : ""}`;
        const response = await fetch(endpoint + full);
        const body = await response.bytes();
        assertEquals(response.status, 200, full);
        assertEquals(response.headers.get("x-dataset-version"), VERSION);
        const got = await bfa(["get", full, "-q"], { env, now: world.clock });
        assertEquals([got.code, got.err], [0, ""], full);
        assertEquals(got.bytes, body, full);
      }
    }
    const library = await open({ endpoint, cacheDir, now });
    const json = async (path: string) => await (await fetch(endpoint + path)).json();
    assertEquals(await json(ASKED[1]!), await library.top("2024-02-10", 5));
    assertEquals(await json(ASKED[2]!), await library.rows({ day: "2024-02-10" }));
    assertEquals(
      await json(ASKED[4]!),
      await library.rows({ symbol: "ZENDEDUSDT", columns: "all" }),
    );
    await library.settled();
  });
});

Deno.test("numbers come in pages, and of old versions", async () => {
  await withNumbers(async ({ json }) => {
    const whole = await json("/v1/rows?day=2024-02-10");
    const first = await json("/v1/rows?day=2024-02-10&limit=40");
    assertEquals([first.truncated, first.rows], [true, whole.rows.slice(0, 40)]);
    const rest = await json(`/v1/rows?day=2024-02-10&next=${first.next}`);
    assertEquals(rest.rows, whole.rows.slice(40));
    assertEquals(await json(`/v/${VERSION}/rows?day=2024-02-10`), whole);
  });
});

/** What cannot be answered. */
const REFUSED: [path: string, status: number, code: string, says: RegExp][] = [
  ["/v1/rows", 400, "usage", /give a day, a range or a symbol/],
  ["/v1/rows?day=2024-02-10&from=2024-02-01", 400, "usage", /./],
  ["/v1/rows?from=2024-02-10&to=2024-02-01", 400, "usage", /ends first/],
  ["/v1/rows?from=2024-01-01&to=2024-02-01", 422, "limit", /31 days.*availability\.parquet/],
  ["/v1/rows?symbol=S99USDT", 404, "not_found", /did you mean/],
  ["/v1/rows?day=2019-01-01", 404, "not_found", /starts on/],
  ["/v1/rows?day=2024-02-10&columns=password", 400, "usage", /choose among/],
  ["/v1/top/2024-04-01", 404, "not_found", /ends on 2024-03-31/],
  ["/v1/top/latest?n=0", 400, "usage", /1 to 2000/],
  ["/v1/top/latest?n=2001", 400, "usage", /1 to 2000/],
];

Deno.test("what cannot be answered is refused with what to do", async () => {
  await withNumbers(async ({ ask }) => {
    for (const [path, status, code, says] of REFUSED) {
      const response = await ask(path);
      const body = await response.json();
      assertEquals([response.status, body.code], [status, code], path);
      assertMatch(body.detail, says);
    }
  });
});

Deno.test("where there are no numbers, that is what is said", async () => {
  await withService(async ({ ask }) => {
    for (const path of ["/v1/top/latest", "/v1/rows?day=latest"]) {
      const response = await ask(path);
      assertEquals([response.status, (await response.json()).code], [404, "not_found"]);
    }
  }, { listings: LISTINGS });
});
