import { assert, assertEquals } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { normalSql } from "../../lib/core/sql_text.ts";
import type { SqlPool } from "../../lib/engine/sql_pool.ts";
import { type Case, cases, type Outcome, withPool, withSqlData } from "../helpers/sql.ts";

/** The most memory a child may ever hold, bytes. */
const MOST_RESIDENT = 600e6;

/** Words that would tell a stranger about the machine or the engine's insides. */
const TELLTALE = /\/tmp|\/etc|\/proc|\.duckdb|\.ts\b|\bat \w+ \(|duckdb|store\./i;

Deno.test("every statement of the catalogue comes to what it must, in children of bounded memory", async () => {
  await withSqlData(async (data, folder) => {
    const all = await cases(folder);
    const before = await listing(folder);
    // Where running out of time is a right outcome, it may as well run out soon.
    const slow = all.filter((one) => one.expect === "timeout" || one.also === "timeout");
    const rest = all.filter((one) => !slow.includes(one));
    const told: string[] = [];
    const wrong: string[] = [];
    let most = 0;
    const run = (list: Case[], deadlineMs: number) =>
      withPool(data, { slots: 2, deadlineMs, graceMs: 500 }, async (pool) => {
        const watch = setInterval(() => most = Math.max(most, ...pool.pids.map(highWater)), 10);
        const queue = list.values();
        const worker = async () => {
          for (const one of queue) {
            const { outcome, message } = await outcomeOf(pool, one.sql);
            if (![one.expect, one.also].includes(outcome)) {
              wrong.push(`${one.id} (${one.why}): ${outcome}: ${message}`);
            }
            // What a statement itself says may be said back to whoever sent it.
            if (TELLTALE.test(message) && !TELLTALE.test(one.sql)) {
              told.push(`${one.id}: ${message}`);
            }
          }
        };
        await Promise.all([worker(), worker()]);
        clearInterval(watch);
      });
    await run(slow, 800);
    await run(rest, 120_000);
    assertEquals(wrong, []);
    assertEquals(told, []);
    assert(most < MOST_RESIDENT, `a child held ${most} bytes`);
    assertEquals(await listing(folder), before); // nothing was written beside the database
  });
});

async function outcomeOf(
  pool: SqlPool,
  sql: string,
): Promise<{ outcome: Outcome; message: string }> {
  try {
    const { head } = await pool.query({ sql: normalSql(sql) });
    return { outcome: head.truncated ? "limit" : "ok", message: "" };
  } catch (error) {
    if (!(error instanceof BfaError)) throw error;
    const outcomes: Record<string, Outcome> = {
      sql_rejected: "deny",
      limit: "limit",
      deadline: "timeout",
    };
    return { outcome: outcomes[error.code]!, message: `${error.code}: ${error.message}` };
  }
}

/** The most memory a process ever held, bytes; 0 where the system does not say. */
function highWater(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has ended
  }
}

async function listing(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const sizes = await Promise.all(
    entries.map(async ({ name }) => `${name} ${(await Deno.stat(`${folder}/${name}`)).size}`),
  );
  return sizes.sort();
}
