import { assertEquals, assertRejects } from "@std/assert";
import { BfaError } from "../../lib/core/errors.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { importUpstream, localDatabase } from "../../lib/jobs/import.ts";
import { httpClient } from "../../lib/net/client.ts";

const NOW = () => new Date("2024-03-01T12:00:00Z");

const OLD_FORM = `date, symbol, available, file_size_bytes, last_modified, 'u' AS url,
  200 AS status_code, TIMESTAMP '2024-02-01' AS probe_timestamp`;
const NEW_FORM =
  `${OLD_FORM}, 1000.5::DOUBLE AS quote_volume_usdt, 7::BIGINT AS trade_count, 2.0::DOUBLE AS volume_base,
  1.0::DOUBLE AS taker_buy_volume_base, 500.0::DOUBLE AS taker_buy_quote_volume_usdt, 1.0::DOUBLE AS open_price,
  3.0::DOUBLE AS high_price, 0.5::DOUBLE AS low_price, 2.0::DOUBLE AS close_price`;

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
      withoutTimes: 0,
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
    assertEquals(report.withoutTimes, 270);
    assertEquals(await firstFile(observations), ["S0USDT", "2024-01-01", "40000", null]);
  });
});

Deno.test("times that two offsets explain prove neither", async () => {
  const same = "to_minutes(-j * 10)";
  await withUpstream(OLD_FORM, rows(same), async (path, observations) => {
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals(report.withoutTimes, 270);
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

Deno.test("where summer time begins, the days beside it keep no time, and all others the right one", async () => {
  // 07:00 to 08:30 UTC of the next day, as a clock in Berlin says it: an hour more from 29 March on.
  const berlin = `SELECT (DATE '2024-03-10' + i::INT)::DATE AS date, 'S' || j || 'USDT' AS symbol,
    true AS available, 40000 + j AS file_size_bytes,
    utc + to_hours(CASE WHEN utc < TIMESTAMP '2024-03-31 01:00' THEN 1 ELSE 2 END) AS last_modified
    FROM (SELECT *, CASE WHEN i = 2 AND j = 0 THEN TIMESTAMP '2024-04-10 07:00'
        WHEN i = 3 AND j = 0 THEN TIMESTAMP '2024-03-20 12:00'
        ELSE (DATE '2024-03-11' + i::INT)::TIMESTAMP + INTERVAL 7 HOUR + to_minutes(j * 10) END AS utc
      FROM range(50) d(i), range(10) s(j))`;
  await withUpstream(OLD_FORM, berlin, async (path, observations) => {
    const now = () => new Date("2024-06-01T12:00:00Z");
    const report = await withObservations(observations, (s) => importUpstream(s, path, now));
    assertEquals([report.added, report.withoutTimes], [500, 21]);
    const hours = await select(
      observations,
      `SELECT CASE WHEN last_modified::TIME BETWEEN TIME '07:00' AND TIME '08:30' THEN 'right'
          ELSE coalesce(last_modified::VARCHAR, 'none') END AS found, count(*)::INT,
        min(date)::VARCHAR, max(date)::VARCHAR FROM files GROUP BY found ORDER BY found`,
    );
    assertEquals(hours, [
      // Written ten days late, in the same time of the year: that offset is proved.
      ["2024-03-20 12:00:00", 1, "2024-03-13", "2024-03-13"],
      // The two days beside the change, and what was written late, in the other time of the year.
      ["none", 21, "2024-03-12", "2024-03-30"],
      ["right", 478, "2024-03-10", "2024-04-28"],
    ]);
  });
});

const NUMBERS = "1000, 10, 100, 50, 500, 1, 2, 0.5, 1.5";
const file = (symbol: string, interval: string, date: string) =>
  `data/futures/um/daily/klines/${symbol}/${interval}/${symbol}-${interval}-${date}.zip`;

/** A row's date, symbol, size and numbers; what it is called in the quarantine, and why. */
const HOSTILE: readonly [string, string, string, string, key: string, reason: string][] = [
  ["2024-03-02", "'AUSDT'", "1", NUMBERS, file("AUSDT", "1m", "2024-03-02"), "in the future"],
  ["infinity", "'BUSDT'", "1", NUMBERS, 'import: "BUSDT" infinity', "no such day"],
  ["0044-03-15 (BC)", "'CUSDT'", "1", NUMBERS, 'import: "CUSDT" 0044-03-15 (BC)', "no such day"],
  [
    "1999-01-01",
    "'DUSDT'",
    "1",
    NUMBERS,
    'import: "DUSDT" 1999-01-01',
    "before there were futures",
  ],
  ["2024-01-05", "NULL", "1", NUMBERS, "import: null 2024-01-05", "not the name of a symbol"],
  [
    "2024-01-05",
    "'S0USDT'",
    "1",
    NUMBERS,
    'import: "S0USDT" 2024-01-05',
    "a second row of its day",
  ],
  ["2024-01-05", "'EUSDT'", "-5", NUMBERS, file("EUSDT", "1m", "2024-01-05"), "empty file"],
  ["2024-01-05", "'FUSDT'", "0", NUMBERS, file("FUSDT", "1m", "2024-01-05"), "empty file"],
  [
    "2024-01-05",
    "'GUSDT'",
    "40000",
    NUMBERS.replace("1000", "'nan'"),
    file("GUSDT", "1d", "2024-01-05"),
    "numbers: quoteVolume is NaN",
  ],
  [
    "2024-01-05",
    "'HUSDT'",
    "40000",
    NUMBERS.replace("10,", "-10,"),
    file("HUSDT", "1d", "2024-01-05"),
    "numbers: tradeCount is -10",
  ],
];

Deno.test("rows that cannot be are set aside with the reason; numbers that cannot be, without their file", async () => {
  await withUpstream(NEW_FORM, rows("INTERVAL '0 hours'"), async (path, observations) => {
    await withDuckdb({ path }, async (connection) => {
      for (const [date, symbol, size, numbers] of HOSTILE) {
        await connection.run(`INSERT INTO daily_availability
          VALUES ('${date}', ${symbol}, true, ${size}, '2024-01-06 07:10', 'u', 200, now()::TIMESTAMP, ${numbers})`);
      }
    });
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals(report, {
      rows: 280,
      symbols: 11,
      added: 272,
      numbers: 270,
      odd: 10,
      withoutTimes: 0,
    });
    const odd = await select(observations, "SELECT key, reason FROM odd_keys");
    assertEquals(
      new Map(odd.map(([key, reason]) => [key, String(reason).replace("import: ", "")])),
      new Map(HOSTILE.map(([, , , , key, reason]) => [key, reason])),
    );
    const twice = "SELECT count(*)::INT FROM files GROUP BY symbol, date HAVING count(*) > 1";
    assertEquals(await select(observations, twice), []);
  });
});

Deno.test("SQL in a file is not run: a view that reads another file is no table", async () => {
  await withUpstream(OLD_FORM, rows("INTERVAL '0 hours'"), async (path, observations, dir) => {
    await Deno.writeTextFile(`${dir}/secret.csv`, "LEAKUSDT");
    await withDuckdb({ path }, async (connection) => {
      await connection.run("ALTER TABLE daily_availability RENAME TO old");
      await connection.run(`CREATE VIEW daily_availability AS
        SELECT * REPLACE (read.content AS symbol) FROM old, read_text('${dir}/secret.csv') AS read`);
    });
    const refused = withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals((await assertRejects(() => refused, BfaError)).code, "integrity");
  });
});

async function select(path: string, sql: string): Promise<unknown[][]> {
  return await withDuckdb(
    { path },
    async (connection) => (await connection.runAndReadAll(sql)).getRowsJson(),
  );
}

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

Deno.test("a row keeps the numbers that it has; a number that is not known proves and refuses nothing", async () => {
  const rowOf = (symbol: string, numbers: string) =>
    `INSERT INTO daily_availability VALUES ('2024-01-05', '${symbol}', true, 48000, '2024-01-06 07:10', 'u', 200,
      now()::TIMESTAMP, ${numbers})`;
  await withUpstream(NEW_FORM, rows("INTERVAL '0 hours'"), async (path, observations) => {
    await withDuckdb({ path }, async (connection) => {
      await connection.run("DELETE FROM daily_availability");
      await connection.run(rowOf("AUSDT", "NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL"));
      await connection.run(rowOf("BUSDT", "1000.5, NULL, NULL, 5, 7, 1, NULL, 2, 3"));
      await connection.run(rowOf("CUSDT", "1000.5, 7, 1, NULL, NULL, 1, 0.5, 1, 1"));
      await connection.run(rowOf("DUSDT", Array(9).fill("NULL").join(", ")));
    });
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals([report.added, report.numbers, report.odd], [4, 1, 2]);
    const kept = await select(
      observations,
      `SELECT symbol, COLUMNS(* EXCLUDE (symbol, date, etag, zip_etag, problem, learned_at)) FROM klines`,
    );
    assertEquals(kept, [["AUSDT", null, "0", 0, 0, 0, null, null, null, null]]);
    const odd = await select(observations, "SELECT reason FROM odd_keys ORDER BY 1");
    assertEquals(odd, [
      ["import: numbers: high 0.5 is below low 1"],
      ["import: numbers: open 1 is not between low 2 and high null"],
    ]);
    // The day had no trades, whatever its size says.
    const runs = await withObservations(observations, (s) => s.evidence());
    assertEquals(runs.map(({ symbol, traded }) => [symbol, traded]), [
      ["AUSDT", false],
      ["BUSDT", true],
      ["CUSDT", true],
      ["DUSDT", true],
    ]);
  });
});

Deno.test("a database with some of the nine columns brings the numbers it has", async () => {
  const some = `${OLD_FORM}, 1000.5::DOUBLE AS quote_volume_usdt, 7::BIGINT AS trade_count`;
  await withUpstream(some, rows("INTERVAL '0 hours'"), async (path, observations) => {
    const report = await withObservations(observations, (s) => importUpstream(s, path, NOW));
    assertEquals([report.added, report.numbers, report.odd], [270, 270, 0]);
    const sums =
      "SELECT sum(quote_volume_usdt), sum(trade_count)::INT, count(open_price)::INT FROM klines";
    assertEquals(await select(observations, sums), [[270 * 1000.5, 270 * 7, 0]]);
  });
});
