import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/csv/parse";
import { bfa } from "../helpers/cli.ts";
import { withNumbers } from "../helpers/numbers_service.ts";
import { VERSION, withService } from "../helpers/service.ts";

type Row = Record<string, string | number | boolean | null>;

/** A question, what it is sifted by, the same on JSON's rows, and the command that asks the same. */
const ASKED: readonly [
  path: string,
  sift: string,
  list: string,
  keep: (row: Row) => boolean,
  command: string[],
][] = [
  [
    "/v1/snapshot/2024-02-10?detail=1",
    "where=symbol>=S30USDT",
    "rows",
    (row) => row.symbol! >= "S30USDT",
    ["snapshot", "2024-02-10", "--detail"],
  ],
  [
    "/v1/timeline/S07USDT?detail=1",
    "where=date>=2024-03-01",
    "rows",
    (row) => row.date! >= "2024-03-01",
    ["timeline", "S07USDT", "--detail"],
  ],
  [
    "/v1/new-listings?from=2024-01-01&to=latest",
    "where=symbol=THREEUSDT,币安人生USDT",
    "events",
    (row) => row.symbol !== "ZENDEDUSDT",
    ["new-listings", "2024-01-01", "latest"],
  ],
  [
    "/v1/delistings?from=2024-01-01&to=latest",
    "where=symbol!=ZENDEDUSDT",
    "events",
    (row) => row.symbol !== "ZENDEDUSDT",
    ["delistings", "2024-01-01", "latest"],
  ],
  [
    "/v1/summary?from=2023-12-03&to=latest",
    "where=traded>=61",
    "rows",
    (row) => Number(row.traded) >= 61,
    ["summary", "2023-12-03", "latest"],
  ],
  [
    "/v1/symbols?detail=1",
    "where=last_traded=",
    "rows",
    (row) => row.lastTraded === null,
    ["symbols", "--detail"],
  ],
  [
    "/v1/rows?day=2024-02-10",
    "where=quote_volume_usdt>=1e8&where=state=traded",
    "rows",
    (row) => Number(row.quoteVolumeUsdt) >= 1e8 && row.state === "traded",
    ["rows", "2024-02-10"],
  ],
];

Deno.test("`where` leaves the rows where it holds: HTTP, CSV, bfa get and the command alike", async () => {
  await withNumbers(async ({ json, ask, listen, world }) => {
    const env = { BFA_CACHE_DIR: `${world.dir}/cache`, BFA_ENDPOINT: listen() };
    const run = async (args: string[]) => {
      const { code, err, out } = await bfa([...args, "-q"], { env, now: world.clock });
      assertEquals([code, err], [0, ""], args.join(" "));
      return out;
    };
    for (const [path, sift, list, keep, command] of ASKED) {
      const whole = await json(path);
      const left = (whole[list] as Row[]).filter(keep);
      const counts = [(whole[list] as Row[]).length, left.length];
      assert(
        counts[0]! > counts[1]! && (counts[1]! > 0 || list === "events"),
        `${path}: ${counts}`,
      );
      const asked = `${path}${path.includes("?") ? "&" : "?"}${sift}`;
      const text = await (await ask(asked)).text();
      const some = JSON.parse(text);
      assertEquals(some[list], left, asked);
      if ("count" in whole) assertEquals(some.count, left.length, asked);
      const csv = await (await ask(asked.replace("?", ".csv?"))).text();
      assertEquals(parse(csv, { skipFirstRow: true }).length, left.length, asked);
      assertEquals(await run(["get", asked]), text);
      const options = sift.split("&").map((one) => `--${one}`);
      assertEquals(await run([...command, ...options, "--json"]), text);
      assertEquals(await run([...command, ...options, "--format", "csv"]), csv);
    }
    assertEquals((await json("/v1/range?from=2024-02-10&where=symbol=S07USDT")).symbols, [
      "S07USDT",
    ]);
    assertEquals(await run(["range", "2024-02-10", "--where", "symbol=S07USDT"]), "S07USDT\n");
    assertEquals(await run(["snapshot", "2024-02-10", "--where", "symbol=S07USDT"]), "S07USDT\n");
  });
});

Deno.test("`sort` orders what pages are cut from", async () => {
  await withNumbers(async ({ json, ask }) => {
    const { rows } = await json("/v1/rows?day=2024-02-10");
    const sorted = (rows as Row[]).toSorted((a, b) =>
      Number(b.quoteVolumeUsdt) - Number(a.quoteVolumeUsdt)
    );
    const asked = "/v1/rows?day=2024-02-10&sort=-quote_volume_usdt";
    assertEquals((await json(asked)).rows, sorted);
    const first = await ask(`${asked}&limit=20`);
    const link = /^<([^>]+)>/.exec(first.headers.get("link")!)![1]!;
    assertEquals([...(await first.json()).rows, ...(await json(link)).rows], sorted.slice(0, 40));
    const [tagA, tagB] = [(await ask(asked)).headers.get("etag"), first.headers.get("etag")];
    assertEquals(tagA === tagB, false);
  });
});

Deno.test("of a day's ranks, those are counted that are left", async () => {
  await withNumbers(async ({ json, listen, world }) => {
    const all = (await json("/v1/top/2024-02-10?n=2000")).rows as Row[];
    const climbers = all.filter((row) => Number(row.rankChange7d) < 0)
      .toSorted((a, b) =>
        Number(a.rankChange7d) - Number(b.rankChange7d) || Number(a.rank) - Number(b.rank)
      );
    const asked = "/v1/top/2024-02-10?where=rank_change_7d<0&sort=rank_change_7d&n=3";
    const found = await json(asked);
    assertEquals(found.rows, climbers.slice(0, 3));
    assertEquals([found.count, found.ranked], [3, all.length]);
    assertEquals(climbers.length > 3, true);
    const last = all.at(-1)!;
    assertEquals((await json(`/v1/top/2024-02-10?where=symbol=${last.symbol}`)).rows, [last]);
    const env = { BFA_CACHE_DIR: `${world.dir}/cache`, BFA_ENDPOINT: listen() };
    const args = [
      "--where",
      "rank_change_7d<0",
      "--sort=rank_change_7d",
      "-n",
      "3",
      "--json",
      "-q",
    ];
    const { out } = await bfa(["top", "2024-02-10", ...args], { env, now: world.clock });
    assertEquals(JSON.parse(out), found);
  });
});

Deno.test("what cannot be sifted is refused", async () => {
  await withService(async ({ ask, listen, world }) => {
    const refused: readonly [path: string, detail: string][] = [
      ["/v1/snapshot/latest?where=volume>5", 'Cannot sift by "volume"'],
      ["/v1/snapshot/latest?sort=state", 'Cannot sift by "state"'],
      ["/v1/snapshot/latest?where=", 'Cannot read the parameter "where": it is empty'],
      [`/v1/diff/${VERSION}..${VERSION}?where=symbol=A`, 'Cannot use the parameter "where" here'],
      ["/v1/pairlist/latest?sort=symbol", 'Cannot use the parameter "sort" here'],
    ];
    for (const [path, detail] of refused) {
      const response = await ask(path);
      assertEquals(response.status, 400, path);
      assertStringIncludes((await response.json()).detail, detail);
    }
    const env = { BFA_CACHE_DIR: `${world.dir}/cache`, BFA_ENDPOINT: listen() };
    const { code, err } = await bfa(["symbols", "--sort", "volume"], { env, now: world.clock });
    assertEquals(code, 2);
    assertStringIncludes(err, 'Cannot sift by "volume": the columns of this answer are symbol');
  });
});

Deno.test("a line under a table says how many of all are left", async () => {
  await withNumbers(async ({ listen, world }) => {
    const env = { BFA_CACHE_DIR: `${world.dir}/cache`, BFA_ENDPOINT: listen() };
    const { err } = await bfa(["snapshot", "2024-02-10", "--where", "symbol=S07USDT"], {
      env,
      now: world.clock,
      terminal: true,
    });
    assertStringIncludes(err, "1 of 61 traded on 2024-02-10");
  });
});
