import { assertEquals } from "@std/assert";
import { parseDay } from "../../lib/core/day.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { knownFiles } from "../../lib/engine/observation_views.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { type History, history } from "../helpers/bucket_history.ts";
import { madeUpListings } from "../helpers/bucket_lives.ts";
import { withCollecting } from "../helpers/collecting.ts";

/** What a collection should know of each file, one after another: nothing is held in memory. */
function* expectedFiles(past: History, now: number) {
  for (const { symbol, date, available } of past.expectedRows(past.through, now)) {
    if (!available) continue;
    const { size, lastModified, etag } = past.file(symbol, "1m", date, now)!;
    yield [symbol, date, String(size), lastModified, etag].join();
  }
}

/** What is in the observations, as lines of the same form, in the same order. */
async function compareFiles(path: string, expected: Generator<string>): Promise<number> {
  return await withDuckdb({}, async (connection) => {
    await connection.run(`ATTACH ${sqlText(path)} AS store (READ_ONLY)`);
    const result = await connection.stream(`
      SELECT concat_ws(',', symbol, date, file_size_bytes,
        strftime(last_modified, '%Y-%m-%dT%H:%M:%S.%gZ'), etag)
      FROM ${knownFiles({ schema: "store" })} ORDER BY symbol, date`);
    let rows = 0;
    for await (const chunk of result) {
      for (const line of chunk.getColumnValues(0)) {
        const { value } = expected.next();
        if (line !== value) assertEquals([rows, line], [rows, value]);
        rows++;
      }
    }
    assertEquals(expected.next().done, true, "files are missing");
    return rows;
  });
}

Deno.test("the whole history, 1,409,114 keys of 1,038 symbols, is collected row by row as it is", async () => {
  const { listings } = await seedListings();
  const past = history([...listings, ...madeUpListings(110)], { through: parseDay("2026-08-08") });
  await withCollecting(past, "2026-08-09T12:00:00.000Z", async (world) => {
    const { symbols, requests, keys, added, odd } = await world.collect({
      full: true,
      concurrency: 32,
    });
    assertEquals({ symbols, requests, keys, added, odd }, {
      symbols: 1_038,
      requests: 1_982,
      keys: 1_409_114,
      added: 704_557,
      odd: 0,
    });
    const expected = expectedFiles(past, world.clock.getTime());
    assertEquals(await compareFiles(world.observations, expected), 704_557);
    const again = await world.collect({ concurrency: 32 });
    assertEquals([again.added, again.changed, again.gone], [0, 0, 0]);
  });
});
