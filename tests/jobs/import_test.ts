import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { importUpstream, localDatabase } from "../../lib/jobs/import.ts";
import { httpClient } from "../../lib/net/client.ts";

const NOW = () => new Date("2024-03-01T12:00:00Z");

const OLD_FORM = `date, symbol, available, file_size_bytes, last_modified, 'u' AS url,
  200 AS status_code, TIMESTAMP '2024-02-01' AS probe_timestamp`;
const NEW_FORM = `${OLD_FORM}, 1000.5 AS quote_volume_usdt, 7 AS trade_count, 2.0 AS volume_base,
  1.0 AS taker_buy_volume_base, 500.0 AS taker_buy_quote_volume_usdt, 1.0 AS open_price,
  3.0 AS high_price, 0.5 AS low_price, 2.0 AS close_price`;

/** 30 days of 10 symbols, written 07:00 to 08:30 UTC on the next day, and moved by `offset`. */
const rows = (offset: string) =>
  `SELECT (DATE '2024-01-01' + i::INT)::DATE AS date,
  'S' || j || 'USDT' AS symbol, j < 9 AS available, 40000 + j AS file_size_bytes,
  (DATE '2024-01-02' + i::INT)::TIMESTAMP + INTERVAL 7 HOUR
  + to_minutes(j * 10) + ${offset} AS last_modified
  FROM range(30) d(i), range(10) s(j)`;

Deno.test("the 8-column form comes in, with times brought to UTC where the offset is proved", async () => {
  await withUpstream(OLD_FORM, rows("INTERVAL '-5 hours'"), async (path, observations) => {
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals(report, {
      rows: 270,
      symbols: 9,
      added: 270,
      numbers: 0,
      odd: 0,
      monthsWithoutTimes: 0,
    });
    assertEquals(await firstFile(observations), [
      "S0USDT",
      "2024-01-01",
      "40000",
      "2024-01-02 07:00:00",
    ]);
  });
});

Deno.test("times that no offset explains are left out", async () => {
  await withUpstream(OLD_FORM, rows("to_minutes(i * 47)"), async (path, observations) => {
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals(report.monthsWithoutTimes, 1);
    assertEquals(await firstFile(observations), ["S0USDT", "2024-01-01", "40000", null]);
  });
});

Deno.test("times that two offsets explain prove neither", async () => {
  const same = "to_minutes(-j * 10)";
  await withUpstream(OLD_FORM, rows(same), async (path, observations) => {
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals(report.monthsWithoutTimes, 1);
  });
});

Deno.test("the 17-column form brings numbers; a second import adds nothing and changes nothing", async () => {
  await withUpstream(NEW_FORM, rows("INTERVAL '0 hours'"), async (path, observations) => {
    const first = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals([first.added, first.numbers], [270, 270]);
    const again = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals([again.added, again.numbers], [0, 0]);
  });
});

Deno.test("a packed database over HTTP is unpacked; what is none is refused", async () => {
  await withUpstream(OLD_FORM, rows("INTERVAL '0 hours'"), async (path, observations, dir) => {
    const packed = (await Deno.open(path)).readable.pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response(bytes),
    );
    const url = `http://127.0.0.1:${server.addr.port}/availability.duckdb.gz`;
    const local = await localDatabase(url, dir, httpClient());
    assertEquals(local.temporary, true);
    assertEquals(
      (await withObservations(observations, (s) => importUpstream(s, local.path, NOW))).rows,
      270,
    );
    await server.shutdown();

    await Deno.writeFile(`${dir}/whole.duckdb.gz`, bytes);
    const unpacked = await localDatabase(`${dir}/whole.duckdb.gz`, dir, httpClient());
    assertEquals(await Deno.readFile(unpacked.path), await Deno.readFile(path));
    await Deno.writeFile(`${dir}/cut.duckdb.gz`, bytes.slice(0, bytes.length / 2));
    await Deno.writeTextFile(`${dir}/text.duckdb.gz`, "no gzip");
    const before = [...Deno.readDirSync(dir)].length;
    for (const name of ["cut", "text"]) {
      const damaged = localDatabase(`${dir}/${name}.duckdb.gz`, dir, httpClient());
      assertEquals((await assertRejects(() => damaged, BfaError)).code, "integrity");
    }
    assertEquals([...Deno.readDirSync(dir)].length, before, "nothing half-written stays");

    await Deno.writeTextFile(`${dir}/text`, "no database");
    const refused = (file: string) =>
      assertRejects(
        () => withObservations(observations, (s) => importUpstream(s, file, NOW)),
        BfaError,
      );
    assertEquals((await refused(`${dir}/text`)).code, "integrity");
    assertEquals((await refused(`${dir}/nothing`)).code, "not_found");
  });
});

Deno.test("rows of names that are no symbols are set aside, and counted", async () => {
  const hostile =
    "CASE j WHEN 0 THEN '../x' WHEN 1 THEN 'A' || chr(0) || 'B' ELSE 'S' || j || 'USDT' END";
  const odd = rows("INTERVAL '0 hours'").replace("'S' || j || 'USDT'", hostile);
  await withUpstream(OLD_FORM, odd, async (path, observations) => {
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals([report.rows, report.odd, report.added, report.symbols], [270, 60, 210, 7]);
    const kept = await withDuckdb({ path: observations }, async (connection) => {
      const all = await connection.runAndReadAll("SELECT key, reason FROM odd_keys ORDER BY key");
      return all.getRowsJson();
    });
    assertEquals(kept.length, 60);
    assertEquals(kept[0], [
      'import: "../x" 2024-01-01',
      "not the name of a symbol",
    ]);
    assertEquals(kept.at(-1)![0], 'import: "A\\u0000B" 2024-01-30');
  });
});

async function withUpstream(
  form: string,
  rows: string,
  test: (path: string, observations: string, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-import-" });
  try {
    const path = `${dir}/availability.duckdb`;
    await withDuckdb({ path }, async (connection) => {
      await connection.run(`CREATE TABLE daily_availability AS SELECT ${form} FROM (${rows})`);
    });
    await test(path, `${dir}/observations.duckdb`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function firstFile(observations: string): Promise<unknown[]> {
  return await withDuckdb({ path: observations }, async (connection) => {
    const result = await connection.runAndReadAll(`SELECT symbol, date::VARCHAR,
      file_size_bytes::VARCHAR, last_modified::VARCHAR FROM files ORDER BY ALL LIMIT 1`);
    return result.getRowsJson()[0]!;
  });
}
