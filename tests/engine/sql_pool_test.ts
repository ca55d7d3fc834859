import { assert, assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import type { SqlParams } from "../../lib/core/sql_params.ts";
import type { SqlPool } from "../../lib/engine/sql_pool.ts";
import { denoSqlCommand, type SqlCommand } from "../../lib/engine/sql_process.ts";
import { rowsOf, withPool, withSqlData } from "../helpers/sql.ts";

/** Runs until it is stopped; DuckDB looks at interrupts while it does. */
const LONG = "SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 9";

/** Runs for minutes without looking at interrupts. */
const DEAF = "SELECT levenshtein(repeat('a', 900000), repeat('b', 900000))";

/** The usual command, with another entry point. */
function heavyChild(): SqlCommand {
  const [program, ...args] = denoSqlCommand();
  return [program, ...args.slice(0, -1), import.meta.resolve("../helpers/heavy_sql_child.ts")];
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => run, BfaError)).code;
}

Deno.test("a pool of SQL children", async (t) => {
  await withSqlData(async (data) => {
    const step = (
      name: string,
      options: ConstructorParameters<typeof SqlPool>[0],
      test: (pool: SqlPool) => Promise<void>,
    ) => t.step(name, () => withPool(data, { slots: 1, ...options }, test));

    await step("binds parameters by position and by name, with their types", {}, async (pool) => {
      const ask = async (sql: string, params: SqlParams) =>
        rowsOf(await pool.query({ sql, params }));
      assertEquals(
        await ask("SELECT count(*) FROM daily_availability WHERE date = ? AND state = ?", [
          "2024-01-15",
          "traded",
        ]),
        [[251]],
      );
      assertEquals(
        await ask("SELECT $a, typeof($a), $b, typeof($b), $c, typeof($c), $d", {
          a: 1,
          b: 1.5,
          c: "x'; DROP TABLE listings",
          d: null,
        }),
        [[1, "BIGINT", 1.5, "DOUBLE", "x'; DROP TABLE listings", "VARCHAR", null]],
      );
      assertEquals(await ask("SELECT ?::BOOLEAN, ?", [true, 9007199254740991]), [
        [true, 9007199254740991],
      ]);
      for (const params of [[], [1, 2], { a: 1 }] as SqlParams[]) {
        assertEquals(await codeOf(ask("SELECT ?", params)), "sql_rejected");
      }
    });

    await step("refuses what fails after its first rows: a part is no answer", {}, async (pool) => {
      // Some thousands of wide rows from all over a table: more than DuckDB makes of a stream before it gives its start.
      const columns = Array.from({ length: 120 }, (_, i) => `year(date) + ${i} AS c${i}`);
      const rows = (last: string) =>
        `SELECT ${columns}, CAST(if(symbol > 'Z' AND date > DATE '2026-07-01', '${last}', '1') AS INTEGER)
        FROM daily_availability WHERE day(date) = 7 AND month(date) IN (1, 4, 7)`;
      const { head } = await pool.query({ sql: rows("1") });
      assert(head.count > 4000 && !head.truncated, JSON.stringify(head.count));
      assertEquals(await codeOf(pool.query({ sql: rows("x") })), "sql_rejected");
    });

    await step("names what is beyond all days", {}, async (pool) => {
      const { head, rows } = await pool.query({
        sql:
          `SELECT DATE 'infinity', DATE '-infinity', TIMESTAMP 'infinity', DATE '0044-03-15 (BC)',
          DATE '12024-01-01'`,
      });
      assertEquals(head.columns.map(({ type }) => type), [
        "DATE",
        "DATE",
        "TIMESTAMP",
        "DATE",
        "DATE",
      ]);
      assertEquals(
        new TextDecoder().decode(rows),
        '["infinity","-infinity","infinity","0044-03-15 (BC)","12024-01-01"]',
      );
      for (const type of ["TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"]) {
        const sql =
          `SELECT 'infinity'::${type}, '-infinity'::${type}, ['infinity'::${type}], '2024-01-15'::${type}`;
        assertEquals(rowsOf(await pool.query({ sql })), [
          ["infinity", "-infinity", '["infinity"]', "2024-01-15T00:00:00Z"],
        ], type);
      }
    });

    await step("takes the same sample every time, in every child", { slots: 2 }, async (pool) => {
      const samples = ["USING SAMPLE 10 ROWS", "TABLESAMPLE 1% (bernoulli)"];
      for (const sample of samples) {
        const sql = `SELECT sum(hash(symbol)::HUGEINT)::VARCHAR FROM (FROM listings ${sample})`;
        const answers = await Promise.all(Array.from({ length: 6 }, () => pool.query({ sql })));
        assertEquals(new Set(answers.map((answer) => String(rowsOf(answer)))).size, 1, sample);
      }
    });

    await step("keeps a child that held much from its start on, as under an emulator", {
      command: heavyChild(),
    }, async (pool) => {
      const [pid] = pool.pids;
      for (const sql of ["SELECT 1", "SELECT count(*) FROM daily_availability"]) {
        await pool.query({ sql });
        assert(pool.load.bytes > 300e6, String(pool.load.bytes));
        assertEquals(pool.pids, [pid]);
      }
    });

    await step("gives every type as one of a table's", {}, async (pool) => {
      const { head, rows } = await pool.query({
        sql: `SELECT true AS a, 1::UTINYINT AS b, 9007199254740993 AS c, 1.5::DECIMAL(9, 2) AS d,
          sum(1) AS e, hash(1) AS f, 'nan'::DOUBLE AS g, DATE '2024-01-15' AS h,
          TIMESTAMP '2024-01-15 01:02:03.5' AS i, TIMESTAMPTZ '2024-01-15 01:00:00+01' AS j,
          INTERVAL 1 DAY AS k, [1, NULL] AS l, {'x': DATE '2024-01-15'} AS m, MAP {'k': 1} AS n,
          '\\xAB'::BLOB AS o, NULL AS p, TIME '10:00' AS q, 'inf'::FLOAT AS r`,
      });
      assertEquals(
        head.columns.map(({ type }) => type).join(" "),
        "BOOLEAN BIGINT BIGINT DOUBLE DOUBLE VARCHAR DOUBLE DATE TIMESTAMP TIMESTAMP VARCHAR VARCHAR VARCHAR VARCHAR VARCHAR BIGINT VARCHAR DOUBLE",
      );
      assertEquals(rowsOf({ rows }), [[
        true,
        1,
        "9007199254740993",
        1.5,
        1,
        "4717996019076358352",
        "NaN",
        "2024-01-15",
        "2024-01-15T01:02:03.500Z",
        "2024-01-15T00:00:00Z",
        "1 day",
        "[1,null]",
        '{"x":"2024-01-15"}',
        '[["k",1]]',
        "\\xAB",
        null,
        "10:00:00",
        "Infinity",
      ]]);
    });

    await step("cuts off rows, bytes and columns, and says so", {
      limits: { rows: 3, bytes: 100, columns: 2 },
    }, async (pool) => {
      const shape = async (sql: string) => {
        const { head, rows } = await pool.query({ sql });
        return [head.count, rows.length, head.columns.length, head.truncated];
      };
      assertEquals(await shape("FROM range(3)"), [3, 11, 1, false]);
      assertEquals(await shape("FROM range(4)"), [3, 11, 1, true]);
      assertEquals(await shape("SELECT repeat('x', 60) FROM range(2)"), [1, 64, 1, true]);
      assertEquals(await shape("SELECT repeat('x', 96)"), [1, 100, 1, false]);
      assertEquals(await shape("SELECT repeat('x', 97)"), [0, 0, 1, true]);
      assertEquals(await shape("SELECT 1, 2, 3"), [1, 5, 2, true]);
      assertEquals(await shape("SELECT 'é', 2"), [1, 8, 2, false]);
    });

    await step("interrupts at the deadline, and goes on with the same child", {
      deadlineMs: 1_000,
      graceMs: 60_000,
    }, async (pool) => {
      const pids = pool.pids;
      const error = await assertRejects(() => pool.query({ sql: LONG }), BfaError);
      assertEquals([error.code, error.message], [
        "deadline",
        "Cannot finish this SQL within 1 s",
      ]);
      assertEquals(rowsOf(await pool.query({ sql: "SELECT 1" })), [[1]]);
      assertEquals(pool.pids, pids);
    });

    await step("kills a child that does not stop, and never asks it again", {
      deadlineMs: 1_000,
      graceMs: 100,
    }, async (pool) => {
      const [pid] = pool.pids;
      assertEquals(await codeOf(pool.query({ sql: DEAF })), "deadline");
      assertEquals(rowsOf(await pool.query({ sql: "SELECT 2" })), [[2]]);
      assert(!pool.pids.includes(pid!));
    });

    await step("stops when the client leaves, before and while it runs", {}, async (pool) => {
      for (const sql of [LONG, DEAF]) {
        const client = new AbortController();
        const running = pool.query({ sql, signal: client.signal });
        // Another question waits behind it: it is answered once the first one is gone.
        const next = pool.query({ sql: "SELECT 3" });
        client.abort();
        assertEquals(await codeOf(running), "deadline");
        assertEquals(rowsOf(await next), [[3]]);
      }
    });

    await step("lets so many wait, so long, and no more", {
      queue: 2,
      waitMs: 50,
    }, async (pool) => {
      const client = new AbortController();
      const running = pool.query({ sql: LONG, signal: client.signal });
      const waiting = [1, 2].map(() => pool.query({ sql: "SELECT 1" }));
      assertEquals(await codeOf(pool.query({ sql: "SELECT 1" })), "busy");
      assertEquals(await Promise.all(waiting.map(codeOf)), ["busy", "busy"]);
      client.abort();
      await codeOf(running);
      assertEquals(rowsOf(await pool.query({ sql: "SELECT 4" })), [[4]]);
    });

    await step("gives one client so many places, and the others theirs", {
      perClient: 1,
      queue: 4,
    }, async (pool) => {
      const leave = new AbortController();
      const first = pool.query({ sql: LONG, client: "a", signal: leave.signal });
      assertEquals(await codeOf(pool.query({ sql: "SELECT 1", client: "a" })), "busy");
      const other = pool.query({ sql: "SELECT 5", client: "b" });
      leave.abort();
      await codeOf(first);
      assertEquals(rowsOf(await other), [[5]]);
      assertEquals(rowsOf(await pool.query({ sql: "SELECT 6", client: "a" })), [[6]]);
    });

    await step("leaves half of the children to others than the client that asks most", {
      slots: 2,
      waitMs: 60_000,
      deadlineMs: 600_000,
    }, async (pool) => {
      const leave = new AbortController();
      const { signal } = leave;
      const long = pool.query({ sql: LONG, client: "a", signal });
      let answered = false;
      const second = pool.query({ sql: "SELECT 1", client: "a" })
        .then((answer) => (answered = true, answer));
      for (const value of [5, 6, 7]) {
        const sql = `SELECT ${value}`;
        assertEquals(rowsOf(await pool.query({ sql, client: "b" })), [[value]]);
      }
      assertEquals(answered, false, "a has its half");
      leave.abort();
      await codeOf(long);
      assertEquals(rowsOf(await second), [[1]]);
    });

    await step("50 children killed one after the other: each next question is answered", {
      slots: 2,
    }, async (pool) => {
      const seen = new Set<number>();
      for (let i = 0; i < 50; i++) {
        for (const pid of i < 5 ? pool.pids : pool.pids.slice(-1)) {
          seen.add(pid);
          Deno.kill(pid, "SIGKILL");
        }
        assertEquals(rowsOf(await pool.query({ sql: "SELECT 7" })), [[7]]);
      }
      assert(seen.size >= 50, `${seen.size} children`);
    });

    await step(
      "a child that is killed while it runs ends its question, and no other",
      {},
      async (pool) => {
        const running = codeOf(pool.query({ sql: LONG }));
        // The first one is under way when the second one waits; early ends are tried again once.
        const waiting = pool.query({ sql: "SELECT 8" });
        const timer = setInterval(() => pool.pids.forEach((pid) => Deno.kill(pid, "SIGKILL")), 150);
        assertEquals(await running, "limit");
        clearInterval(timer);
        assertEquals(rowsOf(await waiting), [[8]]);
      },
    );

    await step("another version: new children, and the old one's answer is still given", {
      slots: 2,
      deadlineMs: 60_000,
    }, async (pool) => {
      const old = pool.query({ sql: "SELECT count(*) FROM range(300000000) t(i) WHERE i % 7 = 9" });
      const pids = pool.pids;
      const versions = [...data.versions, { ...data.versions[0]!, version: "2026-08-09.1" }];
      pool.use({ ...data, version: "2026-08-09.1", id: "new", versions });
      const answer = await pool.query({ sql: "SELECT count(*) FROM versions" });
      assertEquals([rowsOf(answer), answer.data.version], [[[2]], "2026-08-09.1"]);
      const { data: from, rows } = await old;
      assertEquals([rowsOf({ rows }), from.version], [[[0]], "2026-08-08.1"]);
      // The old children end by themselves.
      while (pool.pids.some((pid) => pids.includes(pid))) await pool.query({ sql: "SELECT 1" });
    });

    await t.step("has no environment but what Deno needs, and no way to the network", async () => {
      Deno.env.set("BFA_TEST_SECRET", "secret");
      try {
        await withPool(data, {}, async (pool) => {
          for (const pid of pool.pids) {
            const text = await Deno.readTextFile(`/proc/${pid}/environ`).catch(() => "");
            const names = text.split("\0").filter(Boolean).map((pair) => pair.split("=")[0]!);
            const known = [
              "DENO_DIR",
              "DENO_NO_UPDATE_CHECK",
              "HOME",
              "NO_COLOR",
              "XDG_CACHE_HOME",
            ];
            assertEquals(
              names.filter((n) => ![...known, "PWD", "OLDPWD", "SHLVL", "_"].includes(n)),
              [],
            );
            const args = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
            assert(!/--allow-(net|run|write|all)|-A\0/.test(args));
          }
          await pool.query({ sql: "SELECT 1" });
        });
      } finally {
        Deno.env.delete("BFA_TEST_SECRET");
      }
    });

    await t.step("says `not_implemented` where the database cannot be opened", async () => {
      for (
        const options of [
          { data: { ...data, path: "/nowhere.duckdb" } },
          { data, command: ["/nowhere/deno"] as const },
          { data, command: ["/bin/echo", "this is no message of a child at all"] as const },
        ]
      ) {
        const { SqlPool } = await import("../../lib/engine/sql_pool.ts");
        const pool = new SqlPool(options);
        pool.use(options.data);
        assertEquals(await codeOf(pool.query({ sql: "SELECT 1" })), "not_implemented");
        await pool.close();
      }
    });
  });
});
