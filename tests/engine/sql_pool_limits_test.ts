import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { SERVICE_LIMITS } from "../../lib/engine/sql_answer.ts";
import { SqlPool } from "../../lib/engine/sql_pool.ts";
import { withSqlData } from "../helpers/sql.ts";

/** Runs until it is stopped; DuckDB looks at interrupts while it does. */
const LONG = "SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 9";

/** Changes how long timers take, and notes how long they were to take; returns how to end that. */
function timers(change: (ms: number) => number): { told: number[]; end(): void } {
  const { setTimeout } = globalThis;
  const told: number[] = [];
  globalThis.setTimeout = Object.assign(
    (...[run, ms = 0, ...args]: Parameters<typeof setTimeout>) => {
      told.push(ms);
      return setTimeout(run, change(ms), ...args);
    },
    setTimeout,
  );
  return { told, end: () => globalThis.setTimeout = setTimeout };
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => run, BfaError)).code;
}

Deno.test("a pool without options: 2 at once, 8 wait for 1 s, 5 s to run and 1 s to stop", async () => {
  assertEquals(SERVICE_LIMITS, { rows: 10_000, bytes: 8 * 1024 * 1024, columns: 1_000 });
  await withSqlData(async (data) => {
    const pool = new SqlPool();
    pool.use(data);
    while (pool.pids.length === 0) await new Promise((done) => setTimeout(done, 5));
    const running = timers((ms) => ms === 5_000 ? 50 : ms);
    try {
      const late = await assertRejects(() => pool.query({ sql: LONG }), BfaError);
      assertEquals(late.message, "Cannot finish this SQL within 5 s");
      assertEquals(running.told, [5_000, 1_000]);
    } finally {
      running.end();
    }
    await pool.query({ sql: "SELECT 1" }); // one child is idle from here on
    const waiting = timers(() => 600_000);
    const leave = new AbortController();
    try {
      const ask = (client: string, sql = LONG) => pool.query({ sql, client, signal: leave.signal });
      const asked = Array.from({ length: 9 }, (_, i) => codeOf(ask(`${i >> 2}`)));
      assertEquals([pool.load.slots, pool.load.waiting, pool.load.queue], [2, 8, 8]);
      assertEquals(waiting.told.filter((ms) => ms === 1_000).length, 8);
      const refused: [client: string, why: string][] = [
        ["0", "Cannot run more than 4 of your statements at once"],
        ["x", "Cannot run this SQL now: too many statements wait already"],
      ];
      for (const [client, why] of refused) {
        await assertRejects(() => ask(client, "SELECT 1"), BfaError, why);
      }
      waiting.end();
      leave.abort();
      assertEquals(await Promise.all(asked), Array(9).fill("deadline"));
    } finally {
      waiting.end();
      await pool.close();
    }
  });
});

Deno.test({
  name: "a child's data is limited by the system: about 1 GB",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withSqlData(async (data) => {
      const pool = new SqlPool();
      pool.use(data);
      while (pool.pids.length === 0) await new Promise((done) => setTimeout(done, 5));
      const limits = await Deno.readTextFile(`/proc/${pool.pids[0]}/limits`);
      const [, bytes] = /^Max data size +(\d+)/m.exec(limits) ?? [];
      const expected = 1_000e6 + 4e6 * navigator.hardwareConcurrency;
      assertEquals(Number(bytes), Math.floor(expected / 1024) * 1024, limits);
      await pool.close();
    }),
});
