import { assert, assertEquals, assertMatch } from "@std/assert";
import { open } from "../../lib/mod.ts";
import { bfa } from "../helpers/cli.ts";
import { listing } from "../helpers/listing.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { withNumbers } from "../helpers/numbers_service.ts";
import { LISTINGS, VERSION, withService } from "../helpers/service.ts";

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

Deno.test("a symbol that is known before its first day has no rows yet", async () => {
  await withService(async ({ listen, world, followed }) => {
    const switched = new Promise<void>((resolve) => followed.onChange(() => resolve()));
    const later = listing("LATERUSDT#1", "2024-04-05");
    const { dataThrough, listings } = MANY_LISTINGS;
    await publishNumbers(world, VERSION, { dataThrough, listings: [later, ...listings] });
    await switched;
    const endpoint = listen();
    const response = await fetch(`${endpoint}/v1/rows?symbol=LATERUSDT&columns=state`);
    const body = await response.json();
    assertEquals([response.status, body], [200, {
      version: VERSION,
      symbol: "LATERUSDT",
      from: "2024-03-31",
      to: "2024-03-31",
      columns: ["date", "symbol", "state"],
      count: 0,
      rows: [],
    }]);
    for (const copy of [undefined, "none"] as const) {
      const cacheDir = `${world.dir}/cache-${copy}`;
      const library = await open({ endpoint, cacheDir, copy, now: () => world.clock });
      assertEquals(await library.rows({ symbol: "laterusdt", columns: ["state"] }), body);
      await library.settled();
    }
    const before = await fetch(`${endpoint}/v1/rows?symbol=THREEUSDT&to=2024-03-01&columns=state`);
    assertEquals([before.status, (await before.json()).count], [200, 0]);
  }, { listings: [] });
});

/** What cannot be answered. */
const REFUSED: [path: string, status: number, code: string, says: RegExp][] = [
  ["/v1/rows", 400, "usage", /give a day, a range or a symbol/],
  ["/v1/rows?day=2024-02-10&from=2024-02-01", 400, "usage", /./],
  ["/v1/rows?from=2024-02-10&to=2024-02-01", 400, "usage", /ends before it begins/],
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

Deno.test("GET /v1/diff tells what was revised: JSON, CSV, pages, `bfa get` and `bfa diff`", async () => {
  await withNumbers(async ({ listen, world, followed, problems }) => {
    const NEXT = "2024-03-31.2";
    const switched = new Promise<void>((resolve) => followed.onChange(() => resolve()));
    await publishNumbers(world, NEXT, MANY_LISTINGS, {
      revise: [
        "UPDATE files SET file_size_bytes = 50001 WHERE symbol IN ('S05USDT', '币安人生USDT') AND date = '2024-02-10'",
        "UPDATE klines SET quote_volume_usdt = 0.5 WHERE symbol = 'S06USDT' AND date = '2023-12-20'",
      ],
    });
    await switched;
    const endpoint = listen();
    const path = `/v1/diff/${VERSION}..${NEXT}`;
    const response = await fetch(endpoint + path);
    const text = await response.text();
    const body = JSON.parse(text);
    assertEquals([response.status, body.numbers, body.listings], [200, true, []]);
    assertEquals([body.count, body.classes], [3, { "new day": 0, listing: 0, revision: 3 }]);
    assertEquals(
      body.rows.map((row: { symbol: string; fields: object }) => [
        row.symbol,
        Object.keys(row.fields),
      ]),
      [
        ["S06USDT", ["quoteVolumeUsdt"]],
        ["S05USDT", ["fileSizeBytes"]],
        ["币安人生USDT", ["fileSizeBytes"]],
      ],
    );
    assertEquals(body.rows[1].fields.fileSizeBytes[1], 50001);

    const csv = await (await fetch(`${endpoint}${path}.csv?symbol=s06usdt&class=revision`)).text();
    const { fields } = body.rows[0];
    assertEquals(
      csv,
      "date,symbol,change,class,before,after,fields\r\n" +
        `2023-12-20,S06USDT,changed,revision,traded,traded,"${
          JSON.stringify(fields).replaceAll('"', '""')
        }"\r\n`,
    );
    const pages = [];
    for (let next: string | undefined = `${path}?limit=2`; next;) {
      const page: Response = await fetch(endpoint + next);
      const { rows, count, truncated } = await page.json();
      assertEquals(count, 3);
      pages.push(...rows);
      next = /<(.*)>/.exec(page.headers.get("link") ?? "")?.[1];
      assertEquals(truncated, next ? true : undefined);
    }
    assertEquals(pages, body.rows);

    const env = { BFA_CACHE_DIR: `${world.dir}/cache`, BFA_ENDPOINT: endpoint };
    const got = await bfa(["get", path, "-q"], { env, now: world.clock });
    assertEquals([got.code, got.out, got.err], [0, text, ""]);
    const args = ["diff", VERSION, NEXT, "-q"];
    const said = await bfa([...args, "--json"], { env, now: world.clock });
    assertEquals([said.code, said.out], [0, text]);
    const one = [...args, "--class", "revision", "--symbol", "S06USDT", "--format", "csv"];
    assertEquals((await bfa(one, { env, now: world.clock })).out, csv);
    const other = { ...env, BFA_CACHE_DIR: `${world.dir}/other` }; // has asked for no newest version yet
    const table = await bfa(["diff", VERSION, NEXT, "--format", "table"], {
      env: other,
      now: world.clock,
    });
    assertMatch(table.err, /0 rows of new days, 0 of listings, 3 revised\n$/);
    const wrong = await bfa([...args, "--class", "x"], { env, now: world.clock });
    assertEquals([wrong.code, wrong.err.includes("new day, listing or revision")], [2, true]);
    assertEquals(problems, []);
  });
});

Deno.test("comparisons that a client has left, or that are too many, end; others are answered", async () => {
  await withNumbers(async ({ service, ask, problems, world, followed }) => {
    const NEXT = "2024-03-31.2";
    const switched = new Promise<void>((resolve) => followed.onChange(() => resolve()));
    const revise = ["UPDATE klines SET trade_count = trade_count + 1"];
    await publishNumbers(world, NEXT, MANY_LISTINGS, { revise });
    await switched;
    // Each of another symbol: nothing is there from a question before.
    const asked = Array.from({ length: 40 }, (_, i) => {
      const leave = new AbortController();
      if (i % 2) leave.abort();
      const path = `/v1/diff/${VERSION}..${NEXT}?symbol=S${String(i).padStart(2, "0")}USDT`;
      const url = `http://127.0.0.1${path}`;
      return service.fetch(new Request(url, { signal: leave.signal }));
    });
    const statuses: number[] = [];
    for (const response of await Promise.all(asked)) {
      statuses.push(response.status);
      if (response.status === 503) assertEquals(response.headers.get("retry-after"), "5");
      const body = await response.json();
      if (response.status === 200) assertEquals(body.count, 120);
    }
    const count = (status: number) => statuses.filter((one) => one === status).length;
    // Half have nobody who waits for the answer, and take nobody's place. Of the others two run and 16 wait; one
    // or the other may be done before the last has come.
    assertEquals([count(504), count(200) + count(503)], [20, 20]);
    assert(count(200) >= 18, statuses.join());
    const whole = await ask(`/v1/diff/${VERSION}..${NEXT}?limit=1`);
    assertEquals((await whole.json()).classes.revision, 7314);
    assertEquals(problems, []);
  });
});

Deno.test("questions for many days wait for one another; those for one day do not wait for them", async () => {
  const { promise: open, resolve: letGo } = Promise.withResolvers<void>();
  let held = false;
  await withNumbers(async ({ service, json }) => {
    await json("/v1/rows?day=2024-02-10"); // the index is there
    held = true;
    const ask = async (client: string, query: string) => {
      const request = new Request(`http://127.0.0.1/v1/rows?${query}`);
      const response = await service.fetch(request, { client });
      return [response.status, await response.text()] as const;
    };
    const month = (limit: number) => `from=2024-01-01&to=2024-01-31&columns=all&limit=${limit}`;
    const mine = Array.from({ length: 8 }, (_, i) => ask("a", month(i + 1)));
    const yours = [ask("b", month(20)), ask("b", month(21))];
    while (service.limits().find(({ limit }) => limit === "long row questions")!.used < 10) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    const limit = (name: string) => service.limits().find((use) => use.limit === name);
    assertEquals(limit("long row questions"), { limit: "long row questions", used: 10, max: 34 });
    assertEquals(limit("row questions")!.used, 2, "one of each client's is read");
    const [status, text] = await ask("a", month(9));
    assertEquals(status, 429);
    assertMatch(text, /Cannot read so many rows now: 8 of yours are under way/);
    assertEquals((await ask("a", "day=2024-02-10&columns=symbol"))[0], 200);
    letGo();
    const statuses = (await Promise.all([...mine, ...yours])).map(([status]) => status);
    assertEquals(statuses, Array(10).fill(200));
    assertEquals(limit("long row questions")!.used, 0);
  }, {
    wrapMirror: (mirror) => ({
      ...mirror,
      async open(path, range) {
        if (held && path.includes("parquet")) await open;
        return await mirror.open(path, range);
      },
    }),
  });
});
