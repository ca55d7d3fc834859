/** What `bfa export` writes, as the commands of the page write it, in other programs. */

import { assertEquals } from "@std/assert";
import { docBlock, docBlocks } from "../helpers/doc_blocks.ts";
import { python, run, withServed } from "../helpers/interop.ts";

Deno.test("python reads what bfa export writes: sqlite3, csv, pyarrow", async () => {
  await withServed(async (served) => {
    const { dataset, scratch, url } = served;
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    const script =
      `bfa() { "${Deno.execPath()}" run -A --config "${
        new URL("../../deno.json", import.meta.url).pathname
      }" "${cli}" "$@" -q; }\n` +
      (await docBlock("export", served)).replace("--to 2024-12-31", "--to latest");
    await run("bash", ["-euc", script], {
      cwd: scratch,
      env: { BFA_ENDPOINT: url, BFA_CACHE_DIR: `${scratch}/cache` },
    });
    const answer = await python(`import csv, sqlite3
import pyarrow.parquet as pq
db = sqlite3.connect("${scratch}/2024.sqlite")
table = pq.read_table("${scratch}/closes.parquet")
answer = {
    "btc": [[r["date"], float(r["close_price"]) if r["close_price"] else None]
        for r in csv.DictReader(open("${scratch}/btc.csv", newline=""))],
    "2024": db.execute("SELECT date, symbol, state, trade_count, close_price FROM daily_availability ORDER BY 1, 2").fetchall(),
    "lives": db.execute("SELECT count(*) FROM listings").fetchone()[0],
    "columns": table.column_names,
    "closes": [table.num_rows, sum(x for x in table["close_price"].to_pylist() if x is not None)],
}`);
    const sql = async (text: string) => (await dataset.sql(text)).rows as unknown;
    assertEquals(
      answer.btc,
      await sql(
        "SELECT date, close_price FROM daily_availability WHERE symbol = 'BTCUSDT' ORDER BY 1",
      ),
    );
    assertEquals(
      answer["2024"],
      await sql(`SELECT date, symbol, state, trade_count, close_price FROM daily_availability
        WHERE date >= '2024-01-01' ORDER BY 1, 2`),
    );
    assertEquals([[answer.lives]], await sql("SELECT count(*) FROM listings"));
    assertEquals(answer.columns, ["date", "symbol", "close_price"]);
    const [[rows, sum] = []] =
      (await dataset.sql("SELECT count(*), sum(close_price) FROM daily_availability")).rows;
    assertEquals([answer.closes[0], Math.round(answer.closes[1])], [rows, Math.round(Number(sum))]);
  });
});

Deno.test("every block of docs/readers.md is run by a check, or says why not", async () => {
  const checks: string[] = [];
  const folder = new URL("./", import.meta.url);
  for await (const { name } of Deno.readDir(folder)) {
    checks.push(await Deno.readTextFile(new URL(name, folder)));
  }
  const page = await Deno.readTextFile(new URL("../../docs/readers.md", import.meta.url));
  const blocks = await docBlocks();
  const unmarked = page.match(/(?<!-->\n)^```\w+$/gm) ?? [];
  assertEquals(unmarked, []);
  const names = blocks.flatMap(({ name }) => name === undefined ? [] : [name]);
  assertEquals(names.length >= 18, true);
  assertEquals(names.filter((name) => !checks.some((text) => text.includes(`"${name}"`))), []);
});
