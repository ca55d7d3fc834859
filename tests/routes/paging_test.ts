import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/csv/parse";
import { LISTINGS, type TestService, VERSION, withService } from "../helpers/service.ts";
import { listing } from "../helpers/listing.ts";

/** All pages of a question, by the `Link` header. */
async function pages({ ask }: TestService, path: string): Promise<Response[]> {
  const found: Response[] = [];
  for (let next: string | undefined = path; next;) {
    const response: Response = await ask(next);
    assertEquals(response.status, 200, next);
    found.push(response);
    assert(found.length < 100);
    next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
  }
  return found;
}

/** A question, and the list of its body that is cut. */
const PAGED: [path: string, list: string][] = [
  ["/v1/snapshot/latest", "symbols"],
  ["/v1/snapshot/2024-01-11?detail=1&state=traded&state=archived", "rows"],
  ["/v1/timeline/BBBUSDT", "listings"],
  ["/v1/timeline/BBBUSDT?detail=1", "rows"],
  ["/v1/range?from=2024-01-01&to=latest", "symbols"],
  ["/v1/new-listings?from=2024-01-01&to=latest", "events"],
  ["/v1/delistings?from=2024-01-01&to=latest", "events"],
  ["/v1/summary?from=2024-01-01&to=2024-01-09", "rows"],
  ["/v1/symbols?detail=1", "rows"],
];

for (const [path, list] of PAGED) {
  Deno.test(`the pages of ${path} together are the whole answer`, async () => {
    await withService(async (service) => {
      const whole = await service.json(path);
      assertEquals("truncated" in whole || "next" in whole, false);
      for (const limit of [1, 2, 1000]) {
        const found = await pages(
          service,
          `${path}${path.includes("?") ? "&" : "?"}limit=${limit}`,
        );
        const bodies = await Promise.all(found.map((page) => page.json()));
        assertEquals(bodies.flatMap((body) => body[list]), whole[list]);
        assertEquals(found.length, Math.ceil(whole[list].length / limit));
        assertEquals(
          bodies.map((body) => body.truncated ?? false),
          bodies.map((_, i) => i < bodies.length - 1),
        );
        if (limit === 1000) assertEquals(bodies[0], whole);
      }
    });
  });
}

Deno.test("CSV is cut too, with a header on every page", async () => {
  await withService(async (service) => {
    const whole = parse(await (await service.ask("/v1/symbols.csv")).text(), {
      skipFirstRow: true,
    });
    const found = await pages(service, "/v1/symbols.csv?limit=4");
    const rows = (await Promise.all(found.map((page) => page.text())))
      .flatMap((text) => parse(text, { skipFirstRow: true }));
    assertEquals([found.length, rows], [2, whole]);
  });
});

Deno.test("later pages come from the version of the first, whatever is published between", async () => {
  await withService(async (service) => {
    const whole = (await service.json("/v1/symbols")).symbols;
    const first = await service.json("/v1/symbols?limit=2");
    await service.publish("2024-03-31.2", [listing("ZZZUSDT#1", "2024-01-01")]);
    const rest = await service.ask(`/v1/symbols?next=${first.next}`);
    assertEquals(rest.headers.get("x-dataset-version"), VERSION);
    const { symbols, version } = await rest.json();
    assertEquals([version, [...first.symbols, ...symbols]], [VERSION, whole]);
    assertEquals((await service.json("/v1/symbols")).symbols, ["ZZZUSDT"]);
  });
});

Deno.test("a limit or a cursor that makes no sense is refused", async () => {
  const cursor = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");
  const bad = [
    ...["0", "-1", "1.5", "1e3", "0x10", " 1", "100001", "all", ""].map((n) =>
      `limit=${encodeURIComponent(n)}`
    ),
    "limit=1&limit=2",
    "next=abc",
    "next=%00",
    `next=${cursor([VERSION])}`,
    `next=${cursor([VERSION, 0])}`,
    `next=${cursor([VERSION, -1])}`,
    `next=${cursor([VERSION, 1.5])}`,
    `next=${cursor(["latest", 1])}`,
    `next=${cursor([VERSION, 999])}`,
    `next=${cursor({ version: VERSION })}`,
  ];
  await withService(async ({ ask }) => {
    for (const query of bad) {
      const response = await ask(`/v1/symbols?${query}`);
      const { code, detail } = await response.json();
      assertEquals([response.status, code], [400, "usage"], query);
      assertMatch(detail, /limit|next/, query);
    }
    const gone = await ask(`/v1/symbols?next=${cursor(["2024-03-31.7", 1])}`);
    assertEquals([gone.status, (await gone.json()).code], [404, "not_found"]);
    assert(LISTINGS.length > 2);
  });
});
