/** SQL in the browser, in a real one. Needs npm's registry and chromium. @module */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { open } from "../../lib/mod.ts";
import { openSqlPage } from "../../routes/sql_page.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { type TestPublisher, withPublisher } from "../helpers/publisher.ts";
import { withService } from "../helpers/service.ts";
import {
  browserFolder,
  type FileServer,
  mirrorWithSql,
  type SqlPageSeen,
  withSqlPage,
} from "../helpers/sql_in_browser.ts";

const BROWSER = { sanitizeOps: false, sanitizeResources: false }; // the browser's own pipes and timers

const VERSION = "2024-03-31.1";

/** A mirror with numbers, and a browser that has opened the page there. */
async function withMirror(
  test: (seen: SqlPageSeen & { files: FileServer; world: TestPublisher }) => Promise<void>,
  options: { numbers?: boolean; elsewhere?: string; ageDays?: number } = {},
): Promise<void> {
  await withPublisher(async (world) => {
    const { ageDays = 0 } = options;
    world.clock = new Date(Date.now() - ageDays * 86_400_000); // as the browser's own
    if (options.elsewhere) Object.assign(world.publisher, { mirrorUrls: [options.elsewhere] });
    await publishNumbers(world, VERSION, MANY_LISTINGS, { numbers: options.numbers ?? true });
    await using files = await mirrorWithSql(world.mirrorDir);
    await withSqlPage(async (seen) => {
      await test({ ...seen, files, world });
    });
  });
}

/** A server that nobody may ask. */
function stranger() {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    asked.push(request.url);
    return new Response("a\n1\n", { headers: { "access-control-allow-origin": "*" } });
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Asked of the browser and of `bfa sql`; both must answer the same, whatever it is. */
const STATEMENTS: readonly string[] = [
  "SELECT count(*) AS n, min(date), max(date), count(DISTINCT symbol) FROM daily_availability",
  "FROM daily_availability ORDER BY date, symbol LIMIT 40 OFFSET 1000",
  "FROM daily_availability WHERE symbol = '币安人生USDT' ORDER BY date LIMIT 3",
  "SELECT state, count(*), sum(trade_count), max(file_size_bytes), max(last_modified) FROM daily_availability GROUP BY ALL ORDER BY ALL",
  "FROM listings ORDER BY listing",
  "FROM volume_rankings WHERE date = '2024-03-30' ORDER BY rank, symbol",
  "SELECT count(*), count(rank_change_30d), sum(rank) FROM volume_rankings",
  "FROM versions",
  "SELECT column_name, column_type FROM (DESCRIBE daily_availability)",
  "SELECT l.listing, count(*) AS days FROM daily_availability d JOIN listings l ON d.symbol = l.symbol AND d.date >= l.first_date GROUP BY ALL ORDER BY ALL LIMIT 5",
  "SELECT 9007199254740993 AS big, -1::TINYINT AS small, 170141183460469231731687303715884105727::HUGEINT AS huge, 18446744073709551615::UBIGINT AS unsigned, 1.25::DECIMAL(9, 2) AS d, 0.1::FLOAT AS f",
  "SELECT 'nan'::DOUBLE AS a, 'infinity'::DOUBLE AS b, true AS c, NULL AS nothing, 'ä币' AS text, 1 AS text",
  "SELECT DATE '1969-12-31' AS a, TIMESTAMP '1969-12-31 23:59:59.5' AS b, TIMESTAMP '2024-01-15 08:30:00.123456' AS c, TIMESTAMP '2024-01-15' AS d, TIMESTAMP_NS '2024-01-15 00:00:00.000000001' AS e, TIMESTAMP_S '2024-01-15 00:00:01' AS f, TIME '08:30:00.5' AS g, TIME '00:00:00' AS h",
  "SELECT [1, 2, NULL] AS list, {'a': 1, 'b': 'x', 'c': [DATE '2024-01-15']} AS struct, MAP {'k': 1} AS map, [9007199254740993] AS big, [1.5::DECIMAL(4, 1), 'nan'::DOUBLE] AS mixed, [1.5, NULL] AS decimals, [TIMESTAMP '2024-01-15 08:30:00.5'] AS times, {'at': TIMESTAMP '2024-01-15 08:30:00', 'n': 0.25} AS both, []::INTEGER[] AS empty",
  "SELECT [TIMESTAMP '2024-01-15 08:30:00', NULL] AS times, [1.10::DECIMAL(5, 2)] AS decimals, {'t': [TIMESTAMP '2024-01-15']} AS inside",
  "SELECT '\\x00ab\\xFF\"'::BLOB AS bytes, 'c0ffee00-0000-4000-8000-000000000000'::UUID AS id, INTERVAL '14 months 2 days 3 hours' AS i, INTERVAL '-90 minutes' AS j, INTERVAL 0 DAY AS none, INTERVAL '-1 day' AS k",
  "CREATE TEMP TABLE mine AS SELECT range AS n FROM range(3); SELECT sum(n) FROM mine",
  "SELECT * FROM listings WHERE false",
];

Deno.test(
  "every table answers as `bfa sql` does on the same version, and is fetched once",
  BROWSER,
  async () => {
    await withMirror(async ({ files, world, complaints, page, requests, open: openPage, run }) => {
      await openPage(files.origin);
      assertMatch((await page.textContent("#version"))!, /^Version 2024-03-31\.1: 63 symbols, /);
      const bfa = await open({ endpoint: files.origin, cacheDir: `${world.dir}/cache` });
      for (const sql of STATEMENTS) {
        const { columns, rows, note, problem } = await run(sql);
        const table = await bfa.sql(sql);
        assertEquals({ sql, problem, columns, rows }, {
          sql,
          problem: undefined,
          columns: table.columns.map(({ name }) => name),
          rows: table.rows.map((row) => row.map((cell) => cell === null ? "" : String(cell))),
        });
        assertMatch(note, new RegExp(`^${rows.length} rows? in \\d+ ms`));
      }
      // The last statement was one of many; of every file there was one request.
      const own = requests.filter((url) => /\/[0-9a-f]{64}\//.test(url));
      assertEquals(own.length, new Set(own).size);
      const { artifacts } = (await bfa.manifest()).signed;
      const read = artifacts.filter(({ role }) => /^(listings|part|volume-rankings)$/.test(role));
      assertEquals(own.length, read.length);
      assertEquals(new Set(requests.map((url) => new URL(url).origin)), new Set([files.origin]));
      assertEquals(complaints, []);
    });
  },
);

Deno.test("a version without numbers has the same tables", BROWSER, async () => {
  await withMirror(async ({ files, world, open: openPage, run }) => {
    await openPage(files.origin);
    const days = await run("SELECT count(*), count(quote_volume_usdt) FROM daily_availability");
    const bfa = await open({ endpoint: files.origin, cacheDir: `${world.dir}/cache` });
    const { rows } = await bfa.sql("SELECT count(*) FROM daily_availability");
    assertEquals(days.rows, [[String(rows[0]![0]), "0"]]);
    assertEquals((await run("SELECT count(*) FROM volume_rankings")).rows, [["0"]]);
  }, { numbers: false });
});

Deno.test(
  "a version that is late says so, one whose signature has ended is refused",
  BROWSER,
  async () => {
    await withMirror(async ({ files, page, open: openPage, shown }) => {
      await openPage(files.origin);
      assertMatch(
        (await page.textContent("#version"))!,
        /verified here\. A newer version was expected by \S+: the publisher is late\.$/,
      );
      assertEquals((await shown()).problem, undefined);
    }, { numbers: false, ageDays: 3 });
    await withMirror(async ({ files, open: openPage, shown }) => {
      await openPage(files.origin);
      assertMatch(
        (await shown()).problem!,
        /^Cannot answer from 2024-03-31\.1: its signature ended on /,
      );
    }, { numbers: false, ageDays: 40 });
  },
);

Deno.test("cells and names are text; all rows come as CSV", BROWSER, async () => {
  await withMirror(async ({ files, complaints, page, open: openPage, run }) => {
    await openPage(files.origin);
    const names = ["daily_availability", "listings", "versions", "volume_rankings"];
    assertEquals((await run("SHOW TABLES")).rows.flat(), names);
    const unseen = await run("FROM query_table('list' || 'ings')");
    assertMatch(unseen.problem!, /Cannot read listings: the statement must contain its name/);
    assertMatch((await run("SELECT")).problem!, /^Parser Error: SELECT clause without/);
    const hostile = `<img src=x onerror="alert(1)">`;
    const shown = await run(`SELECT '${hostile}' AS "<script>alert(2)</script>"`);
    assertEquals([shown.columns, shown.rows], [["<script>alert(2)</script>"], [[hostile]]]);
    const wrong = await run(`SELECT * FROM "${hostile.replaceAll('"', '""')}"`);
    assertStringIncludes(wrong.problem!, hostile);
    assertEquals(await page.locator("main img, main script").count(), 0);
    const named = await run("SELECT 'a'::ENUM('a', 'b') AS one");
    assertEquals(named.problem, "Cannot show one: it is an ENUM; cast it to VARCHAR");

    const many = await run("SELECT range AS n, 'a,\"b' AS text FROM range(25000)");
    assertMatch(many.note, /^25000 rows, the first 2000 are shown in /);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click("#answer .note button"),
    ]);
    assertEquals(download.suggestedFilename(), "bfa.csv");
    const lines = (await Deno.readTextFile(await download.path())).split("\r\n");
    assertEquals(lines.slice(0, 2), ["n,text", '0,"a,""b"']);
    assertEquals(lines.slice(-2), ['24999,"a,""b"', ""]);
    assertEquals(lines.length, 25_002);
    assertEquals(complaints, []);
  });
});

Deno.test("a link fills a statement in, and never runs it", BROWSER, async () => {
  await withMirror(async ({ files, page, open: openPage, shown }) => {
    await openPage(files.origin, `#sql=${encodeURIComponent("SELECT 1 + 1 AS two")}`);
    assertEquals(await page.inputValue("textarea"), "SELECT 1 + 1 AS two");
    assertEquals(await shown(), { columns: [], rows: [], note: "", problem: undefined });
    assertEquals(files.asked.filter((path) => path.endsWith(".wasm.gz")), []);
    await page.press("textarea", "Control+Enter");
    await page.waitForSelector("#answer table");
    assertEquals((await shown()).rows, [["2"]]);
  });
});

Deno.test(
  "nothing is asked of another origin: by SQL, by a manifest, by the worker",
  BROWSER,
  async () => {
    await using other = stranger();
    await withMirror(async ({ files, page, requests, open: openPage, run }) => {
      await openPage(files.origin);
      const days = await run("SELECT count(*) > 0 FROM daily_availability");
      assertEquals(days.rows, [["true"]]); // although the manifest names a mirror elsewhere
      for (
        const sql of [
          `FROM '${other.origin}/a.csv'`,
          `FROM read_csv('${other.origin}/a.csv')`,
          `FROM '${files.origin}/manifest.json'`,
          `COPY listings TO 'a.csv'`,
          `ATTACH '${other.origin}/a.duckdb'`,
          "INSTALL httpfs; LOAD httpfs",
          "LOAD parquet",
          "FROM read_parquet('a.parquet')",
          `SET custom_extension_repository = '${other.origin}'; INSTALL json; LOAD json`,
          "SET enable_external_access = true",
        ]
      ) {
        assert((await run(sql)).problem, sql);
      }
      // The server sends no policy: the worker has the page's own.
      const [worker] = page.workers();
      const asked = `fetch("${other.origin}/").then(() => "answered", () => "refused")`;
      assertEquals(await worker!.evaluate(asked), "refused");
      assertEquals(
        await worker!.evaluate(`fetch("${files.origin}/").then(() => "answered")`),
        "answered",
      );
      assertEquals(other.asked, []);
      assertEquals(new Set(requests.map((url) => new URL(url).origin)), new Set([files.origin]));
    }, { elsewhere: `${other.origin}/` });
  },
);

/** A manifest that says something else than what was signed. */
function oneSymbolMore(bytes: Uint8Array): Uint8Array {
  const manifest = JSON.parse(new TextDecoder().decode(bytes));
  manifest.signed.symbols++;
  return new TextEncoder().encode(JSON.stringify(manifest));
}

/** Turns one bit of a file's middle. */
function bitTurned(bytes: Uint8Array): Uint8Array {
  const damaged = bytes.slice();
  damaged[damaged.length >> 1]! ^= 1;
  return damaged;
}

Deno.test(
  "a wrong byte is refused with a clear line, and the right one is taken after",
  BROWSER,
  async () => {
    await withMirror(async ({ files, open: openPage, run }) => {
      await openPage(files.origin);
      for (
        const [file, line] of [
          [
            "parts/2024-02.parquet",
            /^Cannot use "http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}\/parts\/2024-02\.parquet": its SHA-256 is [0-9a-f]{64}, the manifest says [0-9a-f]{64}/,
          ],
          ["duckdb.wasm.gz", /^Cannot use DuckDB’s file: it is damaged/],
        ] as const
      ) {
        files.damage = (path, bytes) => path.endsWith(file) ? bitTurned(bytes) : bytes;
        await openPage(files.origin);
        assertMatch((await run("SELECT count(*) FROM daily_availability")).problem!, line);
        files.damage = undefined;
        const { rows } = await run("SELECT count(*) > 5000 FROM daily_availability");
        assertEquals([file, rows], [file, [["true"]]]);
      }
      files.damage = (path, bytes) => path === "/manifest.json" ? oneSymbolMore(bytes) : bytes;
      await openPage(files.origin);
      assertMatch((await run("FROM versions")).problem!, /signature/i);
    });
  },
);

Deno.test("a browser that lacks something is told what", BROWSER, async () => {
  for (
    const [script, line] of [
      [
        "delete globalThis.Worker",
        /^Cannot run SQL here: this browser has no workers\. Run `bfa sql`/,
      ],
      ["delete globalThis.WebAssembly", /^Cannot run SQL here: this browser has no WebAssembly\./],
      [
        "delete globalThis.DecompressionStream",
        /^Cannot run SQL here: this browser has no DecompressionStream\./,
      ],
    ] as const
  ) {
    await withMirror(async ({ files, page, open: openPage, shown }) => {
      await page.addInitScript(script);
      await openPage(files.origin);
      assertMatch((await shown()).problem!, line);
      assert(await page.isDisabled("#run"));
    });
  }
  await withMirror(async ({ files, open: openPage, shown }) => {
    files.damage = (path, bytes) =>
      path.endsWith("/worker.js") ? new TextEncoder().encode("throw new Error('no')") : bytes;
    await openPage(files.origin);
    assertMatch((await shown()).problem!, /^Cannot start the worker: /);
  });
});

Deno.test("a statement that does not end is stopped, and the next one runs", BROWSER, async () => {
  await withMirror(async ({ files, page, open: openPage, run, shown }) => {
    await openPage(files.origin);
    await run("SELECT 1");
    await page.focus("#run"); // which is disabled meanwhile: the keyboard comes back to it
    await page.keyboard.press("Enter");
    await page.waitForSelector("#run:focus:enabled");
    const stopped = async (sql: string) => {
      await page.fill("textarea", sql);
      await page.click("#run");
      await page.click("#stop");
      await page.waitForSelector("#run:not([disabled])");
      const { problem } = await shown();
      assertEquals((await run("SELECT 2 AS two")).rows, [["2"]]);
      return problem!;
    };
    const endless = "SELECT count(*) FROM range(1e9::BIGINT) a, range(1e9::BIGINT) b";
    assertMatch(await stopped(`${endless} WHERE (a.range * b.range) % 7 = 3`), /^Stopped\./);
    // It is folded while it is planned: nothing is heard meanwhile.
    const deaf = "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))";
    assertMatch(await stopped(deaf), /^Stopped\. The next statement fetches DuckDB/);
  });
});

Deno.test(
  "a service that has the folder points to it; its own SQL is not asked",
  BROWSER,
  async () => {
    const sqlPage = await openSqlPage(await browserFolder());
    await withService(async ({ listen, world }) => {
      const origin = listen();
      world.clock = new Date(); // as the browser’s own
      await publishNumbers(world, VERSION, MANY_LISTINGS);
      await withSqlPage(async ({ page, complaints, requests, shown }) => {
        await page.goto(`${origin}/`);
        await page.waitForSelector("#history svg");
        await page.fill("textarea", "SELECT max(symbol) AS last FROM listings");
        await page.click("#sql-here a");
        await page.waitForSelector("#tables details");
        assertEquals(new URL(page.url()).pathname, "/sql/");
        assertEquals(await page.inputValue("textarea"), "SELECT max(symbol) AS last FROM listings");
        await page.click("#run");
        await page.waitForSelector("#answer table");
        assertEquals((await shown()).rows, [["币安人生USDT"]]);
        assertEquals(requests.filter((url) => url.includes("/query")), []);
        assertEquals(complaints, []);
      });
    }, { sqlPage, listings: [] });
  },
);
