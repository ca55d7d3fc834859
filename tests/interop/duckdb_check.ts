/** DuckDB: Python and the command line, over HTTP and on the file. */

import { assert, assertEquals } from "@std/assert";
import { docBlock } from "../helpers/doc_blocks.ts";
import { duckdb } from "../helpers/duckdb_cli.ts";
import { program, python, run, withServed } from "../helpers/interop.ts";

Deno.test("DuckDB reads a day over HTTP, in a part of the file", async () => {
  await withServed(async (served) => {
    const { dataset, take, url, version, dir } = served;
    const { rows } = await dataset.rows({
      day: "2024-01-15",
      columns: ["quote_volume_usdt", "state"],
    });
    const traded = rows.filter(({ state }) => state === "traded")
      .map(({ symbol, quoteVolumeUsdt }) => [symbol, quoteVolumeUsdt]);
    assertEquals(traded.length, 63);
    take();
    const found = await duckdb(await docBlock("duckdb-day", { url, version }), served);
    assertEquals(found, traded);
    const { bytes, lines } = take();
    const { size } = await Deno.stat(`${dir}/availability.parquet`);
    assert(bytes < size / 10, `${bytes} of ${size} bytes:\n${lines.join("\n")}`);
  });
});

Deno.test("DuckDB reads a symbol over HTTP, in a part of the file", async () => {
  await withServed(async (served) => {
    const { dataset, take, url, version, dir } = served;
    const { rows } = await dataset.rows({ symbol: "BTCUSDT", columns: ["close_price"] });
    assertEquals(rows.length, 500);
    take();
    const found = await duckdb(await docBlock("duckdb-symbol", { url, version }), served);
    assertEquals(found, rows.map(({ date, closePrice }) => [date, closePrice]));
    const { bytes, lines } = take();
    const { size } = await Deno.stat(`${dir}/availability-by-symbol.parquet`);
    assert(bytes < size / 10, `${bytes} of ${size} bytes:\n${lines.join("\n")}`);
  });
});

Deno.test("DuckDB attaches the database over HTTP, read-only", async () => {
  await withServed(async (served) => {
    const { dataset, url, version } = served;
    const found = await duckdb(await docBlock("duckdb-attach", { url, version }), served);
    const states = await dataset.sql(
      "SELECT state, count(*) FROM daily_availability GROUP BY ALL ORDER BY ALL",
    );
    assertEquals(found, states.rows as unknown[][]);
    const write = `ATTACH '${url}/v/${version}/files/availability.duckdb' AS bfa (READ_ONLY);
      DELETE FROM bfa.listings`;
    const refused = await duckdb(write, served).catch((error) => error.message);
    assert(/read-only/.test(refused), refused);
  });
});

Deno.test("DuckDB reads the downloaded database", async () => {
  await withServed(async (served) => {
    const { url, version, scratch } = served;
    const script = (await docBlock("duckdb-file", { url, version }))
      .replace("duckdb -readonly", `${await program("./readers/bin/duckdb")} -csv -readonly`);
    const out = await run("bash", ["-euo", "pipefail", "-c", script], { cwd: scratch });
    assertEquals(out.replaceAll("\r", ""), "listing,first_date\nBTCUSDT#1,2022-11-18\n");
  });
});

Deno.test("DuckDB in Python ranks as bfa does", async () => {
  await withServed(async ({ dataset, url, version, scratch }) => {
    const code = await docBlock("duckdb-python", { url, version });
    const ranks = await python(`${code}\nanswer = ranks`, { env: { HOME: scratch } });
    const top = await dataset.top("2024-01-15", 10);
    assertEquals(ranks, top.rows.map((row) => [row.rank, row.symbol, row.quoteVolumeUsdt]));
  });
});
