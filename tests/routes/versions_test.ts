import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { listing } from "../helpers/listing.ts";
import type { Mirror } from "../../lib/mirror/mirror.ts";
import { QUESTIONS } from "../../routes/questions.ts";
import { LISTINGS, SEED, VERSION, withService } from "../helpers/service.ts";

const NEXT = "2024-04-01.1";
/** Sorted by symbol, as listings are. */
const MORE = [...LISTINGS.slice(0, -1), listing("FFFUSDT#1", "2024-04-01"), ...LISTINGS.slice(-1)];

Deno.test("/v/{version}/… answers from that version for ever, and may be kept for ever", async () => {
  await withService(async ({ ask, publish }) => {
    const before = new Map<string, string>();
    const paths = ["/snapshot/2024-03-31", "/timeline/AAAUSDT", "/symbols.csv", "/range?to=latest"];
    for (const path of paths) before.set(path, await (await ask(`/v1${path}`)).text());
    await publish(NEXT, MORE);
    for (const path of paths) {
      const old = await ask(`/v/${VERSION}${path}`);
      assertEquals(old.status, 200, path);
      assertEquals(old.headers.get("x-dataset-version"), VERSION);
      assertEquals(old.headers.get("cache-control"), "public, max-age=31536000, immutable");
      assertEquals(await old.text(), before.get(path), path);
      const again = await ask(`/v/${VERSION}${path}`, {
        headers: { "if-none-match": old.headers.get("etag")! },
      });
      assertEquals(again.status, 304);
    }
    const newest = await ask(`/v/${NEXT}/symbols`);
    assertEquals((await newest.json()).count, 7);
  });
});

Deno.test("the short forms are the answers of the newest version", async () => {
  await withService(async ({ ask }) => {
    for (const path of ["/snapshot/2024-01-11", "/timeline/BBBUSDT.csv?detail=1"]) {
      const [short, long] = [await ask(path), await ask(`/v1${path}`)];
      assertEquals([short.status, await short.text()], [200, await long.text()]);
      assertEquals(short.headers.get("etag"), long.headers.get("etag"));
    }
  });
});

Deno.test("?asof= answers as it was known at the end of a day", async () => {
  await withService(async ({ ask, publish, world }) => {
    const first = world.clock.toISOString().slice(0, 10);
    world.clock = new Date(world.clock.getTime() + 3 * 86_400_000);
    await publish(NEXT, MORE);
    const symbols = async (query: string) => {
      const response = await ask(`/v1/symbols${query}`);
      return [response.headers.get("x-dataset-version"), (await response.json()).count];
    };
    assertEquals(await symbols(`?asof=${first}`), [VERSION, 6]);
    assertEquals(await symbols(`?asof=${world.clock.toISOString().slice(0, 10)}`), [NEXT, 7]);
    assertEquals(await symbols(""), [NEXT, 7]);
    assertEquals(await symbols("?asof=9999-12-31"), [NEXT, 7], "the last of all days");
    const early = await ask("/v1/symbols?asof=2020-01-01");
    assertEquals([early.status, (await early.json()).code], [404, "not_found"]);
    for (const asof of ["2024-02-30", "latest", "yesterday"]) {
      const bad = await ask(`/v1/symbols?asof=${asof}`);
      assertEquals([bad.status, (await bad.json()).code], [400, "usage"], asof);
    }
    const both = await ask(`/v/${VERSION}/symbols?asof=${first}`);
    assertEquals(both.status, 400);
    assertMatch((await both.json()).detail, /version is given already/);
  });
});

Deno.test("a version that does not exist is 404, and what is none 400", async () => {
  await withService(async ({ ask }) => {
    const cases: [string, number, string][] = [
      ["/v/2024-03-31.9/symbols", 404, "not_found"],
      ["/v/2024-03-31/symbols", 400, "usage"],
      ["/v/latest/symbols", 400, "usage"],
      ["/v/..%2f/symbols", 400, "usage"],
      [`/v/${VERSION}/nothing`, 404, "not_found"],
      [`/v/${VERSION}`, 404, "not_found"],
      [`/v/${SEED.version}/symbols`, 404, "not_found"],
    ];
    for (const [path, status, code] of cases) {
      const response = await ask(path);
      assertEquals([response.status, (await response.json()).code], [status, code], path);
    }
  });
});

Deno.test("before any version, the seed's own name answers", async () => {
  await withService(async ({ ask }) => {
    const response = await ask(`/v/${SEED.version}/symbols`);
    assertEquals([response.status, (await response.json()).version], [200, SEED.version]);
  }, { listings: [] });
});

Deno.test("GET /v1/diff/{a}..{b} tells new days, revisions and listings apart", async () => {
  await withService(async ({ json, ask, publish }) => {
    const revised = MORE.map((one) =>
      one.id === "CCCUSDT#1" ? listing("CCCUSDT#1", "2024-01-05", "2024-02-03", "2024-02-20") : one
    );
    await publish(NEXT, revised);
    const body = await json(`/v1/diff/${VERSION}..${NEXT}`);
    assertEquals(body.listings, [
      {
        listing: "CCCUSDT#1",
        change: "changed",
        fields: { lastTraded: ["2024-02-01", "2024-02-03"] },
      },
      {
        listing: "FFFUSDT#1",
        change: "added",
        fields: {
          first: [null, "2024-04-01"],
          gaps: [null, []],
          halts: [null, []],
        },
      },
    ]);
    assertEquals([body.schema, body.numbers], [null, false]);
    assertEquals(body.classes, { "new day": 5, listing: 0, revision: 2 });
    const revision = { symbol: "CCCUSDT", change: "changed", class: "revision" };
    assertEquals(body.rows.slice(0, 2), [
      { date: "2024-02-02", ...revision, before: "archived", after: "traded" },
      { date: "2024-02-03", ...revision, before: "archived", after: "traded" },
    ]);
    assertEquals(
      body.rows.slice(2).map((row: { symbol: string; before: unknown; after: unknown }) => [
        row.symbol,
        row.before,
        row.after,
      ]),
      ["AAAUSDT", "BBBUSDT", "DDDUSDC", "FFFUSDT", "币安人生USDT"]
        .map((symbol) => [symbol, null, "traded"]),
    );
    const back = await json(`/v1/diff/${NEXT}..${VERSION}?class=revision`);
    assertEquals([back.count, back.classes["new day"], back.rows[0].before], [2, 5, "traded"]);
    assertEquals((await json(`/v1/diff/${VERSION}..${NEXT}?symbol=cccusdt`)).count, 2);

    const fixed = await ask(`/v1/diff/${VERSION}..${NEXT}`);
    assertMatch(fixed.headers.get("cache-control")!, /immutable/);
    const moving = await ask(`/v1/diff/${VERSION}..latest`);
    assertEquals(await moving.json(), body);
    assertMatch(moving.headers.get("cache-control")!, /max-age=60/);
    assertNotEquals(moving.headers.get("etag"), fixed.headers.get("etag"));
    for (const [path, status] of [["/v1/diff/x..y", 400], ["/v1/diff/latest", 400]] as const) {
      assertEquals((await ask(path)).status, status, path);
    }
  });
});

Deno.test("every question has a twin under /v/{version}", async () => {
  await withService(async ({ ask }) => {
    for (const { example } of QUESTIONS.filter(({ id }) => id !== "top" && id !== "rows")) {
      const twin = example.replace(/^\/v1/, `/v/${VERSION}`).replaceAll("LITUSDT", "AAAUSDT");
      assertEquals((await ask(twin)).status, 200, twin);
    }
  });
});

Deno.test("the pages of an answer as of a day lead on, in the version that they began with", async () => {
  await withService(async ({ ask, publish, world }) => {
    const first = world.clock.toISOString().slice(0, 10);
    world.clock = new Date(world.clock.getTime() + 3 * 86_400_000);
    await publish(NEXT, MORE);
    const symbols: string[] = [];
    let path: string | undefined = `/v1/symbols?asof=${first}&limit=4`;
    while (path) {
      const response = await ask(path);
      const body = await response.json();
      assertEquals([response.status, body.version], [200, VERSION], path);
      symbols.push(...body.symbols);
      path = /<(.*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    assertEquals(symbols.length, 6);
  });
});

Deno.test("the cursor of one version is refused under the path of another", async () => {
  await withService(async ({ ask, json, publish }) => {
    const { next } = await json("/v1/symbols?limit=1");
    await publish(NEXT, MORE);
    assertEquals((await json(`/v/${VERSION}/symbols?next=${next}`)).version, VERSION);
    const other = await ask(`/v/${NEXT}/symbols?next=${next}`);
    assertEquals(other.status, 400);
    assertMatch((await other.json()).detail, /leads on in another version/);
  });
});

Deno.test("in a diff, `latest` is the version that answers, on every page and under /v/{version}", async () => {
  const THIRD = "2024-04-02.1";
  await withService(async ({ ask, json, publish }) => {
    await publish(NEXT, MORE);
    const first = await json(`/v1/diff/${VERSION}..latest?limit=2`);
    const whole = await json(`/v1/diff/${VERSION}..${NEXT}`);
    await publish(THIRD, MORE);
    const rest = await json(`/v1/diff/${VERSION}..latest?next=${first.next}`);
    assertEquals([rest.b, [...first.rows, ...rest.rows]], [NEXT, whole.rows]);
    const twin = await ask(`/v/${NEXT}/diff/${VERSION}..latest`);
    assertMatch(twin.headers.get("cache-control")!, /immutable/);
    assertEquals(await twin.json(), whole);
    assertEquals((await json(`/v1/diff/${VERSION}..latest`)).b, THIRD);
  });
});

Deno.test("an answer that was under way while the version switched is not kept as the new one's", async () => {
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  let hold = false;
  const wrapMirror = (mirror: Mirror): Mirror => ({
    ...mirror,
    async open(path, range) {
      if (hold) {
        hold = false;
        asked.resolve();
        await go.promise;
      }
      return await mirror.open(path, range);
    },
  });
  await withService(async ({ ask, publish, json }) => {
    await publish(NEXT, MORE);
    const path = `/v1/diff/${VERSION}..latest`;
    hold = true; // the older version's listings are loaded for this question
    const slow = ask(path);
    await asked.promise;
    await publish("2024-04-02.1", MORE);
    assertEquals((await json("/v1/symbols")).version, "2024-04-02.1");
    go.resolve();
    assertEquals((await (await slow).json()).b, NEXT);
    const now = await ask(path);
    assertEquals(now.headers.get("x-dataset-version"), "2024-04-02.1");
    assertEquals((await now.json()).b, "2024-04-02.1");
  }, { wrapMirror });
});
