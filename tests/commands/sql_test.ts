import { assertEquals, assertStringIncludes } from "@std/assert";
import { readParams } from "../../commands/sql.ts";
import { joinStatement, PromptLines } from "../../commands/prompt_lines.ts";
import { main } from "../../cli.ts";
import { open } from "../../lib/mod.ts";
import { bfa, withCacheDir } from "../helpers/cli.ts";
import { serveMirror, type TestEndpoint } from "../helpers/endpoint.ts";
import { withQueryService } from "../helpers/query.ts";

const NOW = new Date("2024-04-01T13:00:00Z");

/** Runs a test with a published version behind a static endpoint, and with its service. */
async function withCopy(
  test: (
    env: Record<string, string>,
    endpoint: TestEndpoint,
    query: (sql: string, more?: string) => Promise<Response>,
  ) => Promise<void>,
): Promise<void> {
  await withQueryService(async ({ world, query }) => {
    const endpoint = serveMirror(world.mirrorDir);
    try {
      await withCacheDir((env) => test({ ...env, BFA_ENDPOINT: endpoint.url }, endpoint, query));
    } finally {
      await endpoint.close();
    }
  });
}

Deno.test("bfa sql answers from the copy's parts: the bytes of the service, downloaded once", async () => {
  await withCopy(async (env, endpoint, query) => {
    const questions = [
      "SELECT * FROM listings ORDER BY listing",
      "SELECT state, count(*) AS days, min(date) AS since FROM daily_availability GROUP BY ALL ORDER BY ALL",
      "SELECT * FROM daily_availability WHERE symbol = 'BBBUSDT' ORDER BY date LIMIT 20",
      "FROM volume_rankings",
      "SELECT version, data_through, sequence, symbol_count FROM versions",
      "SELECT 9007199254740993 AS big, 'nan'::DOUBLE AS nan, [1, 2] AS list, 1 AS a, 2 AS a",
      "SELECT table_name, column_name FROM information_schema.columns ORDER BY ALL",
    ];
    for (const sql of questions.slice(0, -1)) {
      const { code, out, err } = await bfa(["sql", sql, "--json"], { env });
      assertEquals([code, out], [0, await (await query(sql)).text()], err);
    }
    const asked = endpoint.take().map((line) => line.split(" ")[0]);
    assertEquals(asked.filter((path) => path!.startsWith("parts/")).sort(), [
      "parts/2024-01.parquet",
      "parts/2024-02.parquet",
      "parts/2024-03.parquet",
    ]);
    await bfa(["sql", questions[1]!, "--json"], { env });
    assertEquals(endpoint.take(), []);
  });
});

Deno.test("bfa sql: formats, parameters, files, standard input and failures", async () => {
  await withCopy(async (env) => {
    const sql = async (...args: string[]) => {
      const { code, out, err } = await bfa(["sql", ...args, "-q"], {
        env,
        files: { "q.sql": "SELECT 1 AS a;\nSELECT 2 AS a;\n" },
      });
      return code === 0 ? out : `${code} ${err}`;
    };
    const query = "SELECT symbol, first_date FROM listings WHERE symbol = ?";
    assertEquals(await sql(query, "--param", "AAAUSDT"), "AAAUSDT\t2024-01-01\n");
    assertEquals(
      await sql(query, "--param", "AAAUSDT", "--format", "csv"),
      "symbol,first_date\r\nAAAUSDT,2024-01-01\r\n",
    );
    assertEquals(
      await sql(
        "SELECT $a + 1 AS n, $b AS t",
        "--param",
        "a=41",
        "--param",
        "b=x y",
        "--format",
        "ndjson",
      ),
      '{"n":42,"t":"x y"}\n',
    );
    assertEquals(await sql("SELECT count(*) FROM listings"), "7\n");
    assertEquals(await sql("-f", "q.sql"), "2\n");
    assertStringIncludes(await sql("-f", "none.sql"), "2 bfa: Cannot read none.sql");
    assertStringIncludes(await sql("SELECT 1", "-f", "q.sql"), "2 bfa: Cannot run both");
    assertEquals(
      await sql("SELECT nope"),
      '2 bfa: Cannot run this SQL: Referenced column "nope" was not found because the FROM clause is missing\n',
    );
    const tables = "daily_availability, listings, volume_rankings, versions";
    for (const name of ["enum", "runs", "nosuch"]) {
      const reason = `Cannot run this SQL: there is no table "${name}"; there are ${tables}\n`;
      assertEquals(await sql(`FROM ${name}`), `2 bfa: ${reason}`);
    }
    assertEquals(await sql("SHOW TABLES"), tables.split(", ").sort().join("\n") + "\n");
    assertStringIncludes(
      await sql("FROM './data/of mine/none.csv'"),
      'No files found that match the pattern "./data/of mine/none.csv"',
    );
    assertStringIncludes(await sql("SELEC 1"), "2 bfa: Cannot run this SQL: syntax error");
    assertStringIncludes(await sql("SELECT ?"), "2 bfa: Cannot run this SQL: there is no value");
    assertStringIncludes(await sql(""), "2 bfa: Cannot run this SQL: there is no statement");
    // Nothing is cut off here.
    assertEquals((await sql("FROM range(20000)")).split("\n").length, 20_001);
  });
});

Deno.test("bfa sql reads standard input when it is no terminal", async () => {
  await withCacheDir(async (env) => {
    let out = "";
    const code = await main(["sql", "--json", "-q"], {
      out: (text) => out += text,
      err: () => {},
      outIsTerminal: false,
      errIsTerminal: false,
      columns: 80,
      env: (name) => env[name],
      readTextFile: () => undefined,
      stdin: { isTerminal: false, text: () => Promise.resolve("SELECT 1 AS a\n") },
      now: () => NOW,
      onInterrupt: () => new AbortController().signal,
    });
    assertEquals([code, JSON.parse(out).rows], [0, [[1]]]);
  });
});

Deno.test("dataset.sql() gives a table, and one question after the other", async () => {
  const dataset = await open({ cacheDir: null, offline: true });
  const tables = await Promise.all([
    dataset.sql("SELECT symbol, first_date FROM listings WHERE symbol = $s", { s: "LITUSDT" }),
    dataset.sql("SELECT 9007199254740993 AS big, 1.5::DECIMAL(3, 1) AS d"),
  ]);
  assertEquals(tables, [
    {
      columns: [{ name: "symbol", type: "VARCHAR" }, { name: "first_date", type: "DATE" }],
      rows: [["LITUSDT", "2021-02-18"], ["LITUSDT", "2025-12-23"]],
    },
    {
      columns: [{ name: "big", type: "BIGINT" }, { name: "d", type: "DOUBLE" }],
      rows: [[9007199254740993n, 1.5]],
    },
  ]);
});

Deno.test("readParams() reads positions and names, and keeps what is no JSON as text", () => {
  assertEquals(readParams([]), undefined);
  assertEquals(readParams(["5", "-1.5", "true", "null", "007", "x", "2024-01-15", '"5"']), [
    5,
    -1.5,
    true,
    null,
    "007",
    "x",
    "2024-01-15",
    "5",
  ]);
  assertEquals(readParams(["12345678901234567890"]), [12345678901234567890n]);
  assertEquals(readParams(["day=2024-01-15", "n=3"]), { day: "2024-01-15", n: 3 });
});

Deno.test("the prompt collects lines until a statement ends", () => {
  const cases: [lines: string[], kinds: string[]][] = [
    [["SELECT 1;"], ["run"]],
    [["SELECT", "1", ";"], ["more", "more", "run"]],
    [["SELECT ';", "';"], ["more", "run"]],
    [["SELECT 1 -- ;", ";"], ["more", "run"]],
    [["SELECT /* ;", "*/ 1;"], ["more", "run"]],
    [["SELECT $$;", "$$;"], ["more", "run"]],
    [["SELECT 1; -- done"], ["run"]],
    [["", "  ", "SELECT 1;"], ["more", "more", "run"]],
    [[".tables", ".schema listings", ".schema nope", ".help;", ".nope", ".rows", ".rows x"], [
      "print",
      "print",
      "print",
      "print",
      "print",
      "print",
      "print",
    ]],
    [[".quit", "exit", "quit;", "\\q", "EXIT"], ["quit", "quit", "quit", "quit", "quit"]],
    [["help", "?", "\\d"], ["print", "print", "print"]],
    [["SELECT", "exit", ";"], ["more", "more", "run"]],
    [[".rows 5", ".rows all"], ["rows", "rows"]],
  ];
  for (const [lines, kinds] of cases) {
    const prompt = new PromptLines();
    assertEquals(lines.map((line) => prompt.take(line).kind), kinds);
    assertEquals(prompt.open, false);
  }
  const prompt = new PromptLines();
  assertEquals(prompt.take(".rows 5"), { kind: "rows", most: 5 });
  assertEquals(prompt.take(".rows all"), { kind: "rows", most: Infinity });
  prompt.take("SELECT 1,");
  assertEquals(prompt.open, true);
  assertEquals(prompt.take("2;"), { kind: "run", sql: "SELECT 1,\n2;" });
  const schema = prompt.take(".schema listings");
  assertStringIncludes(
    (schema as { text: string }).text,
    "  first_date        DATE       Day of the first file\n",
  );
});

Deno.test("the history has a statement in one line, but for comments", () => {
  const after = (...lines: string[]) => {
    const typed = new PromptLines();
    const history: string[] = [];
    for (const line of lines) {
      history.unshift(line);
      joinStatement(history, typed);
    }
    return history;
  };
  assertEquals(after("SELECT 1;", "SELECT a,", "  b", "FROM t;", ".tables"), [
    ".tables",
    "SELECT a, b FROM t;",
    "SELECT 1;",
  ]);
  assertEquals(after("SELECT 1 -- one", "+ 1;"), ["+ 1;", "SELECT 1 -- one"]);
});

Deno.test("at a terminal a failure of SQL shows the place; in a log it is one line", async () => {
  const ask = async (atTerminal: boolean) => {
    let err = "";
    await main(["sql", "SELECT symbol,\n  nosuch\nFROM listings", "-q", "--offline"], {
      out: () => {},
      err: (text) => err += text,
      outIsTerminal: atTerminal,
      errIsTerminal: atTerminal,
      columns: 80,
      env: (name) => name === "HOME" ? "/nonexistent" : undefined,
      readTextFile: () => undefined,
      now: () => NOW,
      onInterrupt: () => new AbortController().signal,
    });
    return err;
  };
  const line =
    'bfa: Cannot run this SQL: Referenced column "nosuch" not found in FROM clause! Candidate bindings: "contract_type"\n';
  assertEquals(await ask(false), line);
  assertEquals(await ask(true), `${line}  LINE 2:   nosuch\n            ^\n`);
});
