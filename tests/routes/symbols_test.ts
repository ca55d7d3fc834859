import { assertEquals } from "@std/assert";
import { LISTINGS, VERSION, withService } from "../helpers/service.ts";

const { symbol: _, ...SECOND_LIFE } = LISTINGS[2]!;

Deno.test("GET /v1/timeline/{symbol} has every life and the days in each state", async () => {
  await withService(async ({ json }) => {
    assertEquals(await json("/v1/timeline/BBBUSDT"), {
      version: VERSION,
      symbol: "BBBUSDT",
      listings: [
        {
          id: "BBBUSDT#1",
          first: "2024-01-01",
          lastTraded: "2024-01-10",
          last: "2024-01-12",
          contractType: null,
          quoteAsset: null,
          gaps: [],
          halts: [],
        },
        { ...SECOND_LIFE, id: "BBBUSDT#2", first: "2024-03-01", lastTraded: null, last: null },
      ],
      days: { traded: 41, archived: 2, missing: 0 },
    });
  });
});

Deno.test("GET /v1/timeline/{symbol} shows gaps and halts, and counts their days", async () => {
  await withService(async ({ json }) => {
    assertEquals(await json("/v1/timeline/DDDUSDC"), {
      version: VERSION,
      symbol: "DDDUSDC",
      listings: [{
        id: "DDDUSDC#1",
        first: "2024-01-10",
        lastTraded: null,
        last: null,
        contractType: "perpetual",
        quoteAsset: "USDC",
        gaps: [["2024-01-20", "2024-01-21"]],
        halts: [["2024-01-25", "2024-01-25"]],
      }],
      days: { traded: 79, archived: 1, missing: 2 },
    });
  });
});

Deno.test("GET /v1/timeline/{symbol}?detail=1 has one row a day of the symbol's own days", async () => {
  await withService(async ({ json }) => {
    const answer = await json("/v1/timeline/CCCUSDT?detail=1");
    assertEquals([answer.from, answer.to, answer.rows.length], ["2024-01-05", "2024-02-20", 47]);
    const at = (date: string) => answer.rows.find((row: { date: string }) => row.date === date);
    assertEquals(answer.rows[0], { date: "2024-01-05", state: "traded", listing: "CCCUSDT#1" });
    assertEquals(at("2024-02-01"), { date: "2024-02-01", state: "traded", listing: "CCCUSDT#1" });
    assertEquals(at("2024-02-02"), { date: "2024-02-02", state: "archived", listing: "CCCUSDT#1" });
  });
});

Deno.test("GET /v1/timeline/{symbol}?detail=1&from=&to= cuts the rows", async () => {
  await withService(async ({ json }) => {
    const answer = await json("/v1/timeline/BBBUSDT?detail=1&from=2024-01-09&to=2024-01-14");
    assertEquals([answer.from, answer.to], ["2024-01-09", "2024-01-14"]);
    assertEquals(answer.rows, [
      { date: "2024-01-09", state: "traded", listing: "BBBUSDT#1" },
      { date: "2024-01-10", state: "traded", listing: "BBBUSDT#1" },
      { date: "2024-01-11", state: "archived", listing: "BBBUSDT#1" },
      { date: "2024-01-12", state: "archived", listing: "BBBUSDT#1" },
      { date: "2024-01-13", state: "unlisted", listing: null },
      { date: "2024-01-14", state: "unlisted", listing: null },
    ]);
    assertEquals(answer.days, { traded: 41, archived: 2, missing: 0 });
  });
});

Deno.test("GET /v1/timeline/{symbol}?detail=1 takes one bound alone as an open range", async () => {
  await withService(async ({ json }) => {
    const from = await json("/v1/timeline/BBBUSDT?detail=1&from=2024-03-30");
    assertEquals([from.from, from.to, from.rows.length], ["2024-03-30", "2024-03-31", 2]);
    const to = await json("/v1/timeline/BBBUSDT?detail=1&to=2024-01-02");
    assertEquals([to.from, to.to, to.rows.length], ["2024-01-01", "2024-01-02", 2]);
  });
});

Deno.test("GET /v1/timeline/{symbol} reads percent-encoded and lower-case names", async () => {
  await withService(async ({ json }) => {
    const name = "币安人生USDT";
    assertEquals((await json(`/v1/timeline/${encodeURIComponent(name)}`)).symbol, name);
    assertEquals((await json("/v1/timeline/aaausdt")).symbol, "AAAUSDT");
    assertEquals((await json("/v1/timeline/EEEUSDT_240329")).days.traded, 58);
  });
});

Deno.test("GET /v1/symbols lists every symbol that ever existed", async () => {
  await withService(async ({ json }) => {
    const symbols = ["AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDC", "EEEUSDT_240329", "币安人生USDT"];
    const plain = { version: VERSION, count: 6, symbols };
    assertEquals(await json("/v1/symbols"), plain);
    assertEquals(await json("/v1/symbols?detail=0"), plain);
    const { rows, ...rest } = await json("/v1/symbols?detail=true");
    assertEquals(rest, plain);
    assertEquals(rows[1], {
      symbol: "BBBUSDT",
      contractType: null,
      quoteAsset: null,
      listings: 2,
      first: "2024-01-01",
      lastTraded: null,
      last: null,
    });
    assertEquals(rows[4], {
      symbol: "EEEUSDT_240329",
      contractType: "delivery",
      quoteAsset: "USDT",
      listings: 1,
      first: "2024-02-01",
      lastTraded: "2024-03-29",
      last: "2024-03-29",
    });
  });
});
