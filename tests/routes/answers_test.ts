import { assert, assertEquals } from "@std/assert";
import { QUESTIONS } from "../../routes/questions.ts";
import { VERSION, withService } from "../helpers/service.ts";

const AAA = { contractType: "perpetual", quoteAsset: "USDT" };
const DDD = { contractType: "perpetual", quoteAsset: "USDC" };
const EEE = { contractType: "delivery", quoteAsset: "USDT" };
const UNKNOWN = { contractType: null, quoteAsset: null };
const version = VERSION;

/** A question, and its whole body. */
const ANSWERS: [path: string, body: unknown][] = [
  // snapshot
  ["/v1/snapshot/2024-01-11", {
    version,
    date: "2024-01-11",
    states: ["traded"],
    count: 3,
    symbols: ["AAAUSDT", "CCCUSDT", "DDDUSDC"],
  }],
  ["/v1/snapshot/latest", {
    version,
    date: "2024-03-31",
    states: ["traded"],
    count: 4,
    symbols: ["AAAUSDT", "BBBUSDT", "DDDUSDC", "币安人生USDT"],
  }],
  ["/v1/snapshot/2024-01-11?state=archived", {
    version,
    date: "2024-01-11",
    states: ["archived"],
    count: 1,
    symbols: ["BBBUSDT"],
  }],
  ["/v1/snapshot/2024-01-20?state=missing&state=traded", {
    version,
    date: "2024-01-20",
    states: ["traded", "missing"],
    count: 3,
    symbols: ["AAAUSDT", "CCCUSDT", "DDDUSDC"],
  }],
  ["/v1/snapshot/2024-01-11?detail=1&state=archived&state=traded", {
    version,
    date: "2024-01-11",
    states: ["traded", "archived"],
    count: 4,
    symbols: ["AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDC"],
    rows: [
      {
        symbol: "AAAUSDT",
        state: "traded",
        listing: "AAAUSDT#1",
        ...AAA,
        first: "2024-01-01",
        lastTraded: null,
        last: null,
      },
      {
        symbol: "BBBUSDT",
        state: "archived",
        listing: "BBBUSDT#1",
        ...UNKNOWN,
        first: "2024-01-01",
        lastTraded: "2024-01-10",
        last: "2024-01-12",
      },
      {
        symbol: "CCCUSDT",
        state: "traded",
        listing: "CCCUSDT#1",
        ...UNKNOWN,
        first: "2024-01-05",
        lastTraded: "2024-02-01",
        last: "2024-02-20",
      },
      {
        symbol: "DDDUSDC",
        state: "traded",
        listing: "DDDUSDC#1",
        ...DDD,
        first: "2024-01-10",
        lastTraded: null,
        last: null,
      },
    ],
  }],
  // range
  ["/v1/range?from=2024-01-11&to=2024-01-12&state=archived", {
    version,
    from: "2024-01-11",
    to: "2024-01-12",
    states: ["archived"],
    count: 1,
    symbols: ["BBBUSDT"],
  }],
  ["/v1/range?from=2024-02-21", {
    version,
    from: "2024-02-21",
    to: "2024-02-21",
    states: ["traded"],
    count: 3,
    symbols: ["AAAUSDT", "DDDUSDC", "EEEUSDT_240329"],
  }],
  ["/v1/range?to=latest", {
    version,
    from: "2024-03-31",
    to: "2024-03-31",
    states: ["traded"],
    count: 4,
    symbols: ["AAAUSDT", "BBBUSDT", "DDDUSDC", "币安人生USDT"],
  }],
  // new listings, delistings
  ["/v1/new-listings?from=2024-01-05&to=2024-03-01", {
    version,
    from: "2024-01-05",
    to: "2024-03-01",
    count: 4,
    events: [
      {
        date: "2024-01-05",
        symbol: "CCCUSDT",
        listing: "CCCUSDT#1",
        ...UNKNOWN,
        relisting: false,
      },
      { date: "2024-01-10", symbol: "DDDUSDC", listing: "DDDUSDC#1", ...DDD, relisting: false },
      {
        date: "2024-02-01",
        symbol: "EEEUSDT_240329",
        listing: "EEEUSDT_240329#1",
        ...EEE,
        relisting: false,
      },
      { date: "2024-03-01", symbol: "BBBUSDT", listing: "BBBUSDT#2", ...UNKNOWN, relisting: true },
    ],
  }],
  ["/v1/delistings?from=2024-01-11&to=latest", {
    version,
    from: "2024-01-11",
    to: "2024-03-31",
    count: 3,
    events: [
      {
        date: "2024-01-11",
        symbol: "BBBUSDT",
        listing: "BBBUSDT#1",
        ...UNKNOWN,
        lastTraded: "2024-01-10",
      },
      {
        date: "2024-02-02",
        symbol: "CCCUSDT",
        listing: "CCCUSDT#1",
        ...UNKNOWN,
        lastTraded: "2024-02-01",
      },
      {
        date: "2024-03-30",
        symbol: "EEEUSDT_240329",
        listing: "EEEUSDT_240329#1",
        ...EEE,
        lastTraded: "2024-03-29",
      },
    ],
  }],
  ["/v1/delistings?to=2024-02-03", {
    version,
    from: "2024-02-03",
    to: "2024-02-03",
    count: 0,
    events: [],
  }],
  // summary
  ["/v1/summary?from=2024-01-20&to=2024-01-20", {
    version,
    from: "2024-01-20",
    to: "2024-01-20",
    count: 1,
    rows: [{ date: "2024-01-20", traded: 2, archived: 0, missing: 1 }],
  }],
  ["/v1/summary?from=2024-01-09&to=2024-01-13", {
    version,
    from: "2024-01-09",
    to: "2024-01-13",
    count: 5,
    rows: [
      { date: "2024-01-09", traded: 3, archived: 0, missing: 0 },
      { date: "2024-01-10", traded: 4, archived: 0, missing: 0 },
      { date: "2024-01-11", traded: 3, archived: 1, missing: 0 },
      { date: "2024-01-12", traded: 3, archived: 1, missing: 0 },
      { date: "2024-01-13", traded: 3, archived: 0, missing: 0 },
    ],
  }],
];

for (const [path, body] of ANSWERS) {
  Deno.test(`GET ${path}`, async () => {
    await withService(async ({ ask }) => {
      const response = await ask(path);
      assertEquals(response.status, 200);
      assertEquals(await response.json(), body);
      assertEquals(response.headers.get("content-type"), "application/json");
      assertEquals(response.headers.get("x-dataset-version"), VERSION);
      assertEquals(response.headers.get("access-control-allow-origin"), "*");
    });
  });
}

Deno.test("a day alone, as from= or as to=, means both", async () => {
  await withService(async ({ json }) => {
    for (const path of ["/v1/range", "/v1/new-listings", "/v1/delistings", "/v1/summary"]) {
      const both = await json(`${path}?from=2024-02-02&to=2024-02-02`);
      assertEquals(await json(`${path}?from=2024-02-02`), both);
      assertEquals(await json(`${path}?to=2024-02-02`), both);
    }
  });
});

Deno.test("`latest` is accepted where a day is", async () => {
  await withService(async ({ json }) => {
    for (const path of ["/v1/range", "/v1/new-listings", "/v1/delistings", "/v1/summary"]) {
      const day = await json(`${path}?from=2024-03-15&to=2024-03-31`);
      assertEquals(await json(`${path}?from=2024-03-15&to=latest`), day);
      const alone = await json(`${path}?from=2024-03-31`);
      assertEquals(await json(`${path}?from=latest`), alone);
      assertEquals(await json(`${path}?from=latest&to=latest`), alone);
    }
    assertEquals(await json("/v1/snapshot/latest"), await json("/v1/snapshot/2024-03-31"));
  });
});

Deno.test("every route's own example is a request that works", async () => {
  await withService(async ({ ask }) => {
    for (const { example } of QUESTIONS) {
      // This version knows neither symbol, and has no numbers.
      const status = /LITUSDT|BTCUSDT|\/top\//.test(example) ? 404 : 200;
      assertEquals((await ask(example)).status, status, example);
      assert((await ask(example)).headers.has("content-type"));
    }
  });
});
