import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { forbidden, when } from "../helpers/bucket_faults.ts";
import { history } from "../helpers/bucket_history.ts";
import { bfaIn, smallListings, withCollecting } from "../helpers/collecting.ts";

const THROUGH = parseDay("2026-02-28");
const PAST = history(smallListings(), { through: THROUGH });

Deno.test("`bfa build` after `bfa collect` builds what was collected, row by row", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    assertEquals((await bfaIn(world, "collect", "--full")).code, 0);
    const built = await bfaIn(world, "build");
    assertEquals(built.out, `${world.dir}/builds/2026-02-28.1\n`, built.err);
    assertMatch(built.err, /^2026-02-28\.1 from \S+observations\.duckdb: 12 symbols, /);
    const file = `${built.out.trim()}/availability.parquet`;
    const rows = await withDuckdb(
      {},
      async (connection) =>
        (await connection.runAndReadAll(`SELECT symbol, date::VARCHAR, file_size_bytes
        FROM ${sqlText(file)} WHERE available ORDER BY symbol, date`)).getRowsJson(),
    );
    const expected = [...PAST.expectedRows()].filter(({ available }) => available)
      .map(({ symbol, date, size }) => [symbol, date, String(size)]);
    assertEquals(rows, expected);
    assertEquals((await bfaIn(world, "check", built.out.trim())).code, 0);
  });
});

Deno.test("`bfa build` does not build what an interrupted collection left", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    assertEquals((await bfaIn(world, "collect", "--full")).code, 0);
    world.bucket.fault = when(({ kind }, count) => kind === "keys" && count > 8, forbidden());
    assertEquals((await bfaIn(world, "collect")).code, 6);
    const built = await bfaIn(world, "build");
    assertEquals([built.code, built.out], [6, ""]);
    assertStringIncludes(built.err, "the last run (collect, incremental) did not finish");
    world.bucket.fault = undefined;
    assertEquals((await bfaIn(world, "collect")).code, 0);
    assertEquals((await bfaIn(world, "build")).code, 0);
  });
});

Deno.test("`bfa build --from` a file that is not there makes none", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    const { code, err } = await bfaIn(world, "build", "--from", `${world.dir}/none.duckdb`);
    assertEquals([code, err], [3, `bfa: no file ${world.dir}/none.duckdb\n`]);
    assertEquals([...Deno.readDirSync(world.dir)].map(({ name }) => name), []);
  });
});

Deno.test("`bfa build --from` another database refuses it, and leaves it as it is", async () => {
  await withCollecting(PAST, "2026-03-01T12:00:00.000Z", async (world) => {
    const path = `${world.dir}/availability.duckdb`;
    await withDuckdb({ path }, async (connection) => {
      await connection.run("CREATE TABLE daily_availability AS SELECT 1 AS i");
    });
    const before = await Deno.readFile(path);
    const { code, err } = await bfaIn(world, "build", "--from", path);
    assertEquals(code, 5);
    assertStringIncludes(err, "it holds no observations; `bfa import` takes in an upstream");
    assertEquals(await Deno.readFile(path), before);
  });
});
