import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/csv/parse";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { DAILY_AVAILABILITY } from "../../lib/core/schema.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { open } from "../../lib/mod.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { serveMirror, type TestEndpoint } from "../helpers/endpoint.ts";
import { MANY_LISTINGS, publishNumbers } from "../helpers/numbers.ts";
import { withPublisher } from "../helpers/publisher.ts";

const VERSION = "2024-03-31.1";

interface Stage {
  readonly dir: string;
  readonly env: Record<string, string>;
  readonly endpoint: TestEndpoint;
  /** Calls `bfa export`. */
  call(args: string[]): ReturnType<typeof bfa>;
}

async function onStage(test: (stage: Stage) => Promise<void>): Promise<void> {
  await withPublisher(async (world) => {
    await publishNumbers(world, VERSION, MANY_LISTINGS);
    const endpoint = serveMirror(world.mirrorDir);
    try {
      await withCacheDir(async (env) => {
        const own = { ...env, BFA_ENDPOINT: endpoint.url };
        const call = (args: string[]) => bfa(["export", ...args], { env: own, now: world.clock });
        await test({ dir: env["HOME"]!, env: own, endpoint, call });
      });
    } finally {
      await endpoint.close();
    }
  });
}

const rowsOf = async ({ env, endpoint }: Stage, question: Parameters<typeof ask>[1]) =>
  await ask({ endpoint: endpoint.url, cacheDir: env["BFA_CACHE_DIR"]! }, question);

async function ask(
  where: { endpoint: string; cacheDir: string },
  question: { symbol?: string; from?: string; to?: string; columns?: "all" | string[] },
) {
  const now = () => new Date("2024-04-01T13:00:00Z");
  return (await (await open({ ...where, now })).rows({ columns: "all", ...question })).rows;
}

Deno.test("bfa export x.csv: every row and column, as `bfa rows` gives them", async () => {
  await onStage(async (stage) => {
    const path = join(stage.dir, "all.csv");
    const { code, out, err } = await stage.call([path]);
    assertEquals([code, out], [0, `${path}\n`], err);
    assertStringIncludes(err, `rows of ${VERSION}, `);
    const lines = parse(await Deno.readTextFile(path), { skipFirstRow: true }) as unknown as Record<
      string,
      string
    >[];
    const rows = await rowsOf(stage, { from: "2023-12-03", to: "latest" });
    assertEquals(Object.keys(lines[0]!), DAILY_AVAILABILITY.map(({ name }) => name));
    assertEquals(lines.length, rows.length);
    assertEquals(
      lines.map((line) => Object.values(line)),
      rows.map((row) => Object.values(row).map((cell) => cell === null ? "" : String(cell))),
    );
  });
});

Deno.test("bfa export x.sqlite: typed rows with a key, the listings and the version", async () => {
  await onStage(async (stage) => {
    const path = join(stage.dir, "some.sqlite");
    const columns = ["state", "trade_count", "close_price"];
    const filters = ["--from", "2024-01-01", "--to", "2024-02-29", "--columns", columns.join(",")];
    const { code, out, err } = await stage.call([path, "--json", ...filters]);
    assertEquals(code, 0, err);
    const rows = await rowsOf(stage, { from: "2024-01-01", to: "2024-02-29", columns });
    const { size } = await Deno.stat(path);
    assertEquals(JSON.parse(out), { path, version: VERSION, rows: rows.length, bytes: size });
    const file = new DatabaseSync(path, { readOnly: true });
    try {
      const all = (sql: string) => file.prepare(sql).all().map((row) => Object.values(row));
      const ordered = "SELECT * FROM daily_availability ORDER BY date, symbol";
      assertEquals(all(ordered), rows.map((row) => Object.values(row)) as unknown);
      assertEquals(all("SELECT count(*) FROM listings"), [[MANY_LISTINGS.listings.length]]);
      assertEquals(all("SELECT version FROM dataset"), [[VERSION]]);
      assertEquals(all("PRAGMA integrity_check"), [["ok"]]);
      const [plan] = all(
        "EXPLAIN QUERY PLAN SELECT * FROM daily_availability WHERE symbol = 'S01USDT'",
      );
      assertStringIncludes(String(plan), "daily_availability_by_symbol");
    } finally {
      file.close();
    }
  });
});

Deno.test("bfa export x.parquet: one symbol, in any case", async () => {
  await onStage(async (stage) => {
    const path = join(stage.dir, "one.parquet");
    const { code, err } = await stage.call([path, "--symbol", "zendedusdt", "--columns", "state"]);
    assertEquals(code, 0, err);
    const rows = await rowsOf(stage, { symbol: "ZENDEDUSDT", columns: ["state"] });
    assertEquals(rows.length, 51);
    const found = await withDuckdb({}, async (connection) => {
      const read = await connection.runAndReadAll(`SELECT * FROM ${sqlText(path)}`);
      return [read.columnNames(), ...read.getRowsJson()];
    });
    assertEquals(found, [
      ["date", "symbol", "state"],
      ...rows.map(({ date, symbol, state }) => [date as string, symbol, state!]),
    ]);
  });
});

Deno.test("bfa export leaves a file alone that is there, unless it is told; what goes wrong leaves nothing", async () => {
  await onStage(async ({ dir, call }) => {
    const path = join(dir, "mine.csv");
    await Deno.writeTextFile(path, "mine");
    const cases: [args: string[], code: number, says: string][] = [
      [[path], 2, "it is there already; add --force"],
      [[join(dir, "x.xlsx")], 2, "must end with .csv, .parquet, .sqlite"],
      [[join(dir, "x")], 2, "must end with"],
      [[join(dir, "x.csv"), "--symbol", "BTCUSD"], 3, "no symbol BTCUSD"],
      [[join(dir, "x.csv"), "--from", "2030-01-01"], 3, "no data for 2030-01-01"],
      [
        [join(dir, "x.csv"), "--from", "2024-02-01", "--to", "2024-01-01"],
        2,
        "it ends before it begins",
      ],
      [[join(dir, "x.csv"), "--columns", "nothing"], 2, 'Cannot give the column "nothing"'],
      [[join(dir, "x.csv"), "--no-copy"], 2, "leave out --no-copy"],
      [[join(path, "below.csv")], 8, "a file is where a folder should be"],
    ];
    for (const [args, code, says] of cases) {
      const refused = await call(args);
      assertStringIncludes(refused.err, says);
      assertEquals([args, refused.code], [args, code]);
    }
    assertEquals(await Deno.readTextFile(path), "mine");
    assertEquals((await call([path, "--force", "--symbol", "S01USDT", "-q"])).code, 0);
    assert((await Deno.readTextFile(path)).startsWith("date,symbol,available"));
    const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
    assertEquals(names.filter((name) => name.endsWith(".tmp") || name.startsWith("x")), []);
  });
});

Deno.test("bfa export that is stopped: one line, exit code 130, and nothing of the file", async () => {
  await withCacheDir(async (env) => {
    const dir = env["HOME"]!;
    const args = ["export", join(dir, "all.csv"), "-q"];
    const call = await bfa(args, { env, stop: AbortSignal.abort() });
    assertEquals([call.code, call.out, call.err], [130, "", "bfa: interrupted\n"]);
    assertEquals([...Deno.readDirSync(dir)].filter(({ name }) => name.startsWith("all")), []);
  });
});

Deno.test("bfa export without an endpoint writes the built-in listings' rows, without numbers", async () => {
  await withCacheDir(async (env) => {
    const path = join(env["HOME"]!, "day.csv");
    const days = ["--from", "2019-12-31", "--to", "2019-12-31", "--columns", "state"];
    const { code, err } = await bfa(["export", path, ...days, "-q"], { env });
    assertEquals(code, 0, err);
    const lines = (await Deno.readTextFile(path)).trim().split("\r\n");
    assertEquals([lines[0], lines.length], ["date,symbol,state", 4]);
  });
});
