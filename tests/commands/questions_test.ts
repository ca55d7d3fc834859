import { assertEquals, assertStringIncludes } from "@std/assert";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { serveMirror, type TestEndpoint } from "../helpers/endpoint.ts";
import { SMALL_LISTINGS, withPublisher } from "../helpers/publisher.ts";

const NOW = new Date("2026-11-21T22:00:00Z");

Deno.test("without endpoint and copy the built-in listings answer, and stderr says how old they are", async () => {
  await withCacheDir(async (env) => {
    const { code, out, err } = await bfa(["snapshot", "2019-12-31"], { env, now: NOW });
    assertEquals([code, out], [
      0,
      "BTCUSDT\nETHUSDT\nBCHUSDT\n".split("\n").sort().join("\n").trim() + "\n",
    ]);
    assertStringIncludes(err, "built-in listings, data through 2026-08-08 (105 days old)");
  });
});

Deno.test("each question prints the answer as JSON, the bytes of the service", async () => {
  await withEndpoint(async (env) => {
    const json = async (...args: string[]) =>
      JSON.parse((await bfa([...args, "--json"], { env })).out);
    assertEquals(await json("snapshot", "2024-01-08"), {
      version: "2024-03-31.1",
      date: "2024-01-08",
      states: ["traded"],
      count: 3,
      symbols: ["AAAUSDT", "BBBUSDT", "CCCUSDT"],
    });
    assertEquals((await json("snapshot", "2024-01-11", "--state", "archived")).symbols, [
      "BBBUSDT",
    ]);
    assertEquals((await json("timeline", "BBBUSDT")).days, { traded: 41, archived: 2, missing: 0 });
    assertEquals((await json("range", "2024-02-10", "2024-03-01")).symbols, ["AAAUSDT", "BBBUSDT"]);
    assertEquals(
      (await json("new-listings", "2024-03-01")).events.map((e: { listing: string }) => e.listing),
      [
        "BBBUSDT#2",
      ],
    );
    assertEquals(
      (await json("delistings", "2024-01-01", "latest")).events.map((e: { date: string }) =>
        e.date
      ),
      [
        "2024-01-11",
        "2024-02-02",
      ],
    );
    assertEquals((await json("summary", "2024-01-11")).rows, [
      { date: "2024-01-11", traded: 2, archived: 1, missing: 0 },
    ]);
    assertEquals((await json("symbols")).count, 3);
  });
});

Deno.test("a terminal gets a table and a line that sums it up; a pipe one symbol a line", async () => {
  await withEndpoint(async (env) => {
    const table = await bfa(["snapshot", "2024-01-11"], { env, terminal: true });
    assertEquals(
      table.out,
      "SYMBOL   TYPE       QUOTE  LISTED      LAST TRADED\n" +
        "AAAUSDT  perpetual  USDT   2024-01-01  -\n" +
        "CCCUSDT  -          -      2024-01-05  2024-02-01\n",
    );
    assertStringIncludes(
      table.err,
      "2 traded on 2024-01-11 (1 archived: --state archived)   version 2024-03-31.1 · fresh",
    );
    const lines = await bfa(["snapshot", "2024-01-11"], { env });
    assertEquals([lines.out, lines.err], ["AAAUSDT\nCCCUSDT\n", ""]);
  });
});

Deno.test("a terminal is told how many in plain words: one is one", async () => {
  await withEndpoint(async (env) => {
    const told = async (...args: string[]) =>
      (await bfa(args, { env, terminal: true })).err.split("   ")[0];
    assertEquals(await told("delistings", "2024-01-11"), "1 delisting on 2024-01-11");
    assertEquals(
      await told("new-listings", "2024-01-01", "2024-01-05"),
      "3 new listings from 2024-01-01 to 2024-01-05",
    );
    assertEquals(await told("new-listings", "2024-01-02"), "0 new listings on 2024-01-02");
    assertEquals(await told("range", "2024-02-10"), "1 traded on 2024-02-10");
  });
});

Deno.test("a timeline on a terminal ends with a picture of its months", async () => {
  await withEndpoint(async (env) => {
    const { out } = await bfa(["timeline", "BBBUSDT"], { env, terminal: true });
    assertEquals(
      out,
      "LISTING    TYPE  QUOTE  LISTED      LAST TRADED  LAST FILE\n" +
        "BBBUSDT#1  -     -      2024-01-01  2024-01-10   2024-01-12\n" +
        "BBBUSDT#2  -     -      2024-03-01  -            -\n" +
        "2024 ▇ ▇\n▇ 41 days traded   ░ 2 days archived\n",
    );
  });
});

Deno.test("CSV, NDJSON and Markdown carry every row", async () => {
  await withEndpoint(async (env) => {
    const print = async (format: string) =>
      (await bfa(["delistings", "2024-01-01", "latest", "--format", format], { env })).out;
    assertEquals(
      await print("csv"),
      "date,symbol,listing,contract_type,quote_asset,last_traded\r\n" +
        "2024-01-11,BBBUSDT,BBBUSDT#1,,,2024-01-10\r\n2024-02-02,CCCUSDT,CCCUSDT#1,,,2024-02-01\r\n",
    );
    assertEquals(
      (await print("ndjson")).trim().split("\n").map((line) => JSON.parse(line).symbol),
      [
        "BBBUSDT",
        "CCCUSDT",
      ],
    );
    assertStringIncludes(await print("md"), "| 2024-01-11 | BBBUSDT | BBBUSDT#1 |");
  });
});

const FAILURES: [args: string[], code: number, err: string][] = [
  [
    ["snapshot", "2024-02-30"],
    2,
    'Cannot read the day "2024-02-30": there is no such day in the calendar',
  ],
  [["snapshot", "15/01/2024"], 2, "write it as YYYY-MM-DD"],
  [["snapshot", "today"], 2, "write it as YYYY-MM-DD, or `latest` for the newest"],
  [["snapshot"], 2, "DAY is missing: UTC day, YYYY-MM-DD, or `latest` (see `bfa snapshot --help`)"],
  [["snapshot", "latest", "extra"], 2, '"extra" is one argument too many'],
  [["snapshot", "latest", "--jsn"], 2, "there is no option --jsn; did you mean --json?"],
  [["snapshot", "latest", "--state", "dead"], 2, "choose among traded, archived, missing"],
  [["snapshot", "latest", "--format", "xml"], 2, "choose among table, json"],
  [["snapshot", "latest", "--max-age", "soon"], 2, "write 90s, 30m, 12h or 7d"],
  [["snapshot", "2023-12-31"], 3, "the archive starts on 2024-01-01"],
  [["snapshot", "2024-04-01"], 3, "this version ends on 2024-03-31"],
  [["timeline", "AAAUSD"], 3, "no symbol AAAUSD; did you mean AAAUSDT?"],
  [["range", "2024-02-01", "2024-01-01"], 2, "it ends before it begins"],
  [["snapshot", "latest", "--at", "2024-03-30.1"], 3, "no version 2024-03-30.1"],
  [["snapshot", "latest", "--at", "yesterday"], 2, "write it like 2026-11-20.1"],
  [["snapshot", "latest", "--endpoint", "ftp://x"], 2, "give an http(s):// address"],
  [
    ["snapshot", "latest", "--at", "2024-03-31.1", "--as-of", "2024-04-01"],
    2,
    "Cannot use --as-of with --at",
  ],
  [["snapshots"], 2, "did you mean snapshot?"],
  [["--json", "snapshot", "2024-01-15"], 2, "options stand behind the command"],
  [["cache", "burn"], 2, "choose among dir, status"],
  [["pull", "nothing.parquet"], 3, 'no artifact "nothing.parquet"'],
];

for (const [args, code, err] of FAILURES) {
  Deno.test(`bfa ${args.join(" ")} exits ${code} with one clear line`, async () => {
    await withEndpoint(async (env) => {
      const called = await bfa(args, { env });
      assertEquals([called.code, called.out], [code, ""]);
      assertStringIncludes(called.err, err);
      assertEquals(called.err.trim().split("\n").length, 1);
    });
  });
}

Deno.test("a flag beats the environment, which beats ./bfa.json, which beats the user's file", async () => {
  const files = { "bfa.json": '{"format":"csv"}', "/u/bfa/config.json": '{"format":"md"}' };
  await withCacheDir(async (base) => {
    const env = { ...base, XDG_CONFIG_HOME: "/u" };
    const first = async (
      args: string[],
      env: Record<string, string>,
      files: Record<string, string>,
    ) =>
      (await bfa(["snapshot", "2019-12-31", ...args], { env, files, now: NOW })).out.split(
        "\n",
      )[0]!;
    assertStringIncludes(
      await first(["--format", "lines"], { ...env, BFA_FORMAT: "ndjson" }, files),
      "BCHUSDT",
    );
    assertStringIncludes(await first([], { ...env, BFA_FORMAT: "ndjson" }, files), '{"symbol":');
    assertStringIncludes(await first([], env, files), "symbol,contract_type");
    assertStringIncludes(
      await first([], env, { "/u/bfa/config.json": files["/u/bfa/config.json"] }),
      "| symbol |",
    );
  });
});

/** Runs a test against a served version; the first call has already made the copy. */
async function withEndpoint(
  test: (env: Record<string, string>, endpoint: TestEndpoint) => Promise<void>,
): Promise<void> {
  await withPublisher(async (world) => {
    await world.publishListings("2024-03-31.1", SMALL_LISTINGS);
    const endpoint = serveMirror(world.mirrorDir);
    const env = {
      BFA_ENDPOINT: endpoint.url,
      BFA_CACHE_DIR: `${world.dir}/cache`,
      HOME: world.dir,
    };
    try {
      await bfa(["refresh", "-q"], { env });
      await test(env, endpoint);
    } finally {
      await endpoint.close();
    }
  });
}

Deno.test("what no version could answer is refused in one line, and nobody is asked", async () => {
  await withCacheDir(async (env) => {
    const dead = { ...env, BFA_ENDPOINT: "http://127.0.0.1:9" }; // where nobody answers
    for (
      const [args, line] of [
        [["snapshot", "2024-02-30"], 'day "2024-02-30": there is no such day in the calendar'],
        [["snapshot", "15/01/2024"], 'day "15/01/2024": write it as YYYY-MM-DD'],
        [["snapshot", "today"], 'day "today": write it as YYYY-MM-DD, or `latest`'],
        [["snapshot", "2024-01-15", "--state", "foo"], 'state "foo": choose among'],
        [
          ["range", "2024-02-01", "2024-01-01"],
          "2024-02-01 … 2024-01-01: it ends before it begins",
        ],
        [["new-listings", "2024-13-01"], 'day "2024-13-01"'],
        [["delistings", "2024-01-01", "x1"], 'day "x1"'],
        [["summary", "2024-00-01"], 'day "2024-00-01"'],
        [["timeline", "BTCUSDT", "--from", "2024-1-1"], 'day "2024-1-1"'],
        [["rows", "BTCUSDT", "--to", "2023-02-29"], 'day "2023-02-29"'],
        [["top", "2023-02-29"], 'day "2023-02-29"'],
        [["export", `${env.HOME}/x.csv`, "--from", "2023-02-29"], 'day "2023-02-29"'],
      ] as const
    ) {
      for (const asked of [env, dead]) {
        const { code, out, err } = await bfa([...args], { env: asked, now: NOW });
        assertEquals([code, out, err.split("\n").length], [2, "", 2], `${args.join(" ")}: ${err}`);
        assertStringIncludes(err, line);
      }
    }
  });
});

Deno.test("without HOME there is no place for a copy: what keeps none answers all the same", async () => {
  await withEndpoint(async ({ BFA_ENDPOINT }) => {
    const seed = await bfa(["snapshot", "2019-12-31"], { env: {}, now: NOW });
    assertEquals([seed.code, seed.out], [0, "BCHUSDT\nBTCUSDT\nETHUSDT\n"]);
    const env = { BFA_ENDPOINT: BFA_ENDPOINT! };
    const none = await bfa(["snapshot", "2024-01-11", "--no-copy"], { env });
    assertEquals([none.code, none.out], [0, "AAAUSDT\nCCCUSDT\n"]);
    const copy = await bfa(["snapshot", "2024-01-11"], { env });
    assertEquals([copy.code, copy.err], [
      2,
      "bfa: Cannot tell where the cache is: set BFA_CACHE_DIR or HOME\n",
    ]);
  });
});

for (const args of [["snapshot", "2024-01-11"], ["get", "/v1/snapshot/2024-01-11"]]) {
  Deno.test(`bfa ${args.join(" ")} --refresh-cache asks the publisher, however fresh the copy is`, async () => {
    await withEndpoint(async (env, endpoint) => {
      endpoint.take();
      const { code, err } = await bfa([...args, "--refresh-cache"], { env });
      assertEquals([code, endpoint.take()], [0, ["manifest.json 304 0"]], err);
    });
  });
}

Deno.test("bfa status: what the publisher said, and since when", async () => {
  await withEndpoint(async (env) => {
    const publisher = async (now: string) => {
      const { out } = await bfa(["status"], { env, now: new Date(now) });
      return /publisher +(.*)/.exec(out)![1];
    };
    const ask = (now: string) => bfa(["symbols"], { env, now: new Date(now) });
    assertEquals(
      await publisher("2024-04-01T14:00:00Z"),
      "on time (last asked 2024-04-01 13:00 UTC)",
    );
    assertEquals(
      await publisher("2024-04-02T12:30:00Z"),
      "not asked since a newer version was expected (last asked 2024-04-01 13:00 UTC)",
    );
    await ask("2024-04-02T12:30:00Z");
    assertEquals(
      await publisher("2024-04-02T12:40:00Z"),
      "had nothing newer yet (last asked 2024-04-02 12:30 UTC)",
    );
    await ask("2024-04-02T18:00:00Z");
    assertEquals(
      await publisher("2024-04-02T18:10:00Z"),
      "late (last asked 2024-04-02 18:00 UTC)",
    );
  });
});

Deno.test("the age of the built-in listings, by clocks that are right and wrong", async () => {
  await withCacheDir(async (env) => {
    const ages = [
      ["2026-08-09T12:00:00Z", "1 day old"],
      ["2026-08-10T12:00:00Z", "2 days old"],
      ["2020-01-01T00:00:00Z", "this clock says that it is earlier: set the clock"],
    ] as const;
    for (const [now, age] of ages) {
      const { err } = await bfa(["symbols"], { env, now: new Date(now) });
      assertStringIncludes(err, `data through 2026-08-08 (${age}); set BFA_ENDPOINT`);
    }
  });
});

Deno.test("a clock that is behind: a question says so, and so does bfa status", async () => {
  await withEndpoint(async (env) => {
    await bfa(["symbols"], { env });
    const now = new Date("2023-01-01T00:00:00Z");
    assertEquals(
      (await bfa(["symbols"], { env, now })).err,
      "bfa: this clock says 2023-01-01 00:00 UTC, but 2024-03-31.1 was signed on 2024-04-01 12:05 UTC: set the clock, or nothing tells when this copy is old\n",
    );
    const { out } = await bfa(["status"], { env, now });
    assertStringIncludes(out, "publisher  unknown (last asked 2023-01-01 00:00 UTC)\n");
    assertStringIncludes(
      out,
      "this copy  signed on 2024-04-01 12:05 UTC, but this clock says 2023-01-01 00:00 UTC: set it, or nothing tells how old the copy is\n",
    );
  });
});
