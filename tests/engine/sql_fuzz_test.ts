import { assert, assertEquals } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { normalSql } from "../../lib/core/sql_text.ts";
import { openGate } from "../../lib/engine/sql_gate.ts";
import { withPool, withSqlData } from "../helpers/sql.ts";

/** Statements to make. */
const RUNS = 3_000;

/** A generator of numbers that gives the same ones every time (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Makes statements from a grammar; `evil` is put where an expression or a source may stand. */
function grammar(random: () => number, evil: { expressions: string[]; sources: string[] }) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const letters = (name: string) =>
    random() < 0.2 ? name.toUpperCase() : random() < 0.1 ? `"${name}"` : name;
  let bad = 0;

  function expression(depth: number): string {
    if (random() < 0.02) {
      bad++;
      return pick(evil.expressions);
    }
    if (depth <= 0) {
      return pick(["1", "'a'", "NULL", "x", "symbol", "DATE '2024-01-15'", "[1, 2]", "true"]);
    }
    const e = () => expression(depth - 1);
    return pick([
      () => `(${e()} = ${e()})`,
      () =>
        `${
          letters(pick(["nullif", "concat", "hash", "typeof", "list_value", "greatest"]))
        }(${e()}, ${e()})`,
      () => `CASE WHEN ${e()} IS NULL THEN ${e()} ELSE ${e()} END`,
      () =>
        `TRY_CAST(${e()} AS ${pick(["VARCHAR", "INT", "JSON", "STRUCT(a INT)", "DECIMAL(9, 2)"])})`,
      () => `(SELECT ${e()} LIMIT 1)`,
      () => `(${e()} IN (${e()}, ${e()}))`,
      () => `{'a': ${e()}, 'b': ${e()}}`,
      () => `list_transform([${e()}], lambda y: ${e()})`,
      () => `[${e()} FOR y IN [1, 2] IF ${e()} IS NOT NULL]`,
      () => `count(${e()}) FILTER (WHERE ${e()} IS NULL)`,
      () => `first_value(${e()}) OVER (PARTITION BY ${e()} ORDER BY ${e()})`,
      () => `EXISTS (${select(depth - 2)})`,
      () => `TRY(${e()} || ${e()})`,
      () => `(${e()} IS DISTINCT FROM ${e()})`,
    ])();
  }

  function source(depth: number): string {
    if (random() < 0.03) {
      bad++;
      return pick(evil.sources);
    }
    const alias = pick(["a", "b", "c"]);
    if (depth <= 0) return `${letters(pick(["listings", "versions"]))} ${alias}`;
    return pick([
      () => `(${select(depth - 1)}) ${alias}`,
      () => `range(3) ${alias}(x)`,
      () => `unnest([${expression(depth - 1)}]) ${alias}(x)`,
      () => `${source(depth - 1)}, ${source(depth - 1)}`,
      () => `(VALUES (${expression(depth - 1)})) ${alias}(x)`,
      () => `${source(depth - 1)} LEFT JOIN (${select(depth - 1)}) d ON ${expression(1)} IS NULL`,
      () => `range(2) a(x), LATERAL (${select(depth - 1)}) e`,
      () => `(DESCRIBE ${select(depth - 1)}) ${alias}`,
      () => `${letters("daily_availability")} ${alias}`,
    ])();
  }

  function select(depth: number): string {
    const e = () => expression(depth - 1);
    const with_ = random() < 0.2 ? `WITH q AS (${select(depth - 1)}) ` : "";
    const from = with_ && random() < 0.5 ? "q" : source(depth - 1);
    const tail = pick([
      () => "",
      () => ` WHERE ${e()} IS NOT NULL`,
      () => ` ORDER BY ${e()}`,
      () => ` GROUP BY ${e()}`,
      () => ` QUALIFY row_number() OVER (ORDER BY ${e()}) = 1`,
      () => ` UNION ALL BY NAME ${select(depth - 2)}`,
      () => " USING SAMPLE 5 ROWS",
    ])();
    const head = `${with_}SELECT ${pick(["", "DISTINCT "])}`;
    return `${head}${e()} AS x, ${e()} AS symbol FROM ${from}${tail} LIMIT 5`.replace(
      / LIMIT 5 LIMIT 5$/,
      " LIMIT 5",
    );
  }

  return () => {
    bad = 0;
    const sql = select(3);
    return { sql, bad };
  };
}

Deno.test("3,000 statements from a grammar: what passes the gate opens no file and tells no secret", async () => {
  await withSqlData(async (data, folder) => {
    const canary = "CANARY-7f3a";
    for (const name of ["canary.csv", "canary.parquet", "canary"]) {
      await Deno.writeTextFile(`${folder}/${name}`, `a\n${canary}\n`);
    }
    Deno.env.set("BFA_CANARY", canary);
    const expressions = [
      `(SELECT content FROM read_text('${folder}/canary'))`,
      "getenv('BFA_CANARY')",
      "sleep_ms(1000)",
      "nextval('s')",
      "now()",
      "current_setting('memory_limit')",
      "(SELECT count(*) FROM query('FROM listings'))",
      `(FROM '${folder}/canary.csv')`,
      "current_user",
      "main.abs(1)",
      "'x'::main.foo",
    ];
    const sources = [
      `read_csv('${folder}/canary.csv')`,
      `'${folder}/canary.csv'`,
      `"${folder}/canary.parquet"`,
      `glob('${folder}/*')`,
      "duckdb_settings()",
      "query_table('listings')",
      "main.listings",
      "pg_catalog.pg_class",
      "repeat('x', 10)",
      `(SUMMARIZE '${folder}/canary.csv')`,
    ];
    const make = grammar(numbers(20_261_122), { expressions, sources });
    const gate = await openGate();
    const before = await names(folder);
    const counts = { good: 0, passed: 0, answered: 0, evil: 0 };
    const wrong: string[] = [];
    try {
      await withPool(data, { slots: 2, deadlineMs: 1_000, graceMs: 200 }, async (pool) => {
        for (let i = 0; i < RUNS; i++) {
          const { sql, bad } = make();
          const why = await gate.check(normalSql(sql)).then(() => "", (error) => {
            if (!(error instanceof BfaError)) throw error;
            return error.message;
          });
          const passed = why === "";
          if (bad) counts.evil++;
          else counts.good++;
          if (passed && bad) wrong.push(`passed: ${sql}`);
          // The grammar is no parser: what DuckDB cannot read is no wrong refusal.
          if (!bad && /allowed here|not known|there is no table|without a schema/.test(why)) {
            wrong.push(`${why}: ${sql}`);
          }
          if (!passed) continue;
          counts.passed++;
          if (i % 10) continue; // a tenth of them is run
          const text = await pool.query({ sql: normalSql(sql) }).then(
            ({ rows }) => new TextDecoder().decode(rows),
            (error) => `${error.message}`,
          );
          counts.answered++;
          if (text.includes(canary)) wrong.push(`told the secret: ${sql}`);
          for (const file of pool.pids.flatMap(openFiles)) {
            if (file.includes("canary")) wrong.push(`opened ${file}: ${sql}`);
          }
        }
      });
    } finally {
      gate.close();
      Deno.env.delete("BFA_CANARY");
    }
    assertEquals(wrong.slice(0, 5), []);
    assertEquals(await names(folder), before);
    assert(counts.evil > 500 && counts.answered > 50, JSON.stringify(counts));
  });
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

/** The files a process has open, where the system says. */
function openFiles(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
      try {
        return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      } catch {
        return "";
      }
    });
  } catch {
    return [];
  }
}
