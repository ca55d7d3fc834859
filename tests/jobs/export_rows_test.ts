import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { parseDay } from "../../lib/core/day.ts";
import { BfaError } from "../../lib/core/errors.ts";
import { ListingIndex } from "../../lib/core/listing_index.ts";
import { DAILY_AVAILABILITY } from "../../lib/core/schema.ts";
import { LocalSql } from "../../lib/engine/local_sql.ts";
import { exportRows } from "../../lib/jobs/export_rows.ts";
import { canMount, withSmallDisk } from "../helpers/fault_disk.ts";
import { SMALL_LISTINGS } from "../helpers/publisher.ts";

const VALUES: Record<string, string> = {
  date: "DATE '2024-01-01'",
  symbol: "'S' || range",
  available: "true",
  state: "'traded'",
};

/** Tables of so many rows; `values` are SQL by column. */
async function manyRows(count: string, values: Record<string, string> = {}): Promise<LocalSql> {
  const columns = DAILY_AVAILABILITY.map(({ name, type }) =>
    `${{ ...VALUES, ...values }[name] ?? `NULL::${type}`} AS ${name}`
  );
  return await LocalSql.open(async (connection) => {
    await connection.run(
      `CREATE VIEW daily_availability AS SELECT ${columns.join(", ")} FROM range(${count})`,
    );
    await connection.run(
      "CREATE TABLE listings (listing VARCHAR, symbol VARCHAR, first_date DATE)",
    );
  });
}

const LISTINGS = { dataThrough: parseDay("2024-03-31"), listings: SMALL_LISTINGS };
const SOURCE = { version: "2024-03-31.1", index: new ListingIndex(LISTINGS) };

async function withDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-export-" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (const suffix of ["csv", "parquet", "sqlite"]) {
  Deno.test(`an export to .${suffix} that is stopped in its middle leaves nothing`, async () => {
    await withDir(async (dir) => {
      const sql = await manyRows("100_000_000"); // more than anybody waits for
      const stop = new AbortController();
      const watcher = Deno.watchFs(dir);
      const written = exportRows(join(dir, `all.${suffix}`), SOURCE, () => Promise.resolve(sql), {
        columns: ["state"],
        signal: stop.signal,
      });
      const begun = (async () => {
        for await (const { paths } of watcher) {
          if (paths.some((path) => path.endsWith(".tmp"))) return; // it is being written
        }
      })();
      const refused = assertRejects(() => written, DOMException, "aborted");
      await Promise.race([begun, refused]);
      stop.abort();
      await refused;
      await begun;
      assertEquals([...Deno.readDirSync(dir)], []);
      sql.close();
    });
  });

  Deno.test(`an export to .${suffix} whose rows end with a failure leaves nothing`, async () => {
    await withDir(async (dir) => {
      const state = "CASE WHEN range = 60_000 THEN error('unreadable') ELSE repeat('x', 200) END";
      const sql = await manyRows("80_000", { state });
      const path = join(dir, `all.${suffix}`);
      const written = () =>
        exportRows(path, SOURCE, () => Promise.resolve(sql), { columns: ["state"] });
      await assertRejects(written, Error, suffix === "parquet" ? "unreadable" : " of 80000 rows");
      assertEquals([...Deno.readDirSync(dir)], []);
      sql.close();
    });
  });
}

Deno.test("a query of the owner's that fails in its middle is a failure, not fewer rows", async () => {
  const sql = await manyRows("10");
  const query = "SELECT CASE WHEN range = 900_000 THEN error('late') END FROM range(1_000_000)";
  await assertRejects(() => sql.query(query), Error, "late");
  sql.close();
});

for (const suffix of ["csv", "parquet", "sqlite"]) {
  for (const state of ["full", "read-only"]) {
    Deno.test({
      name: `an export to .${suffix} on a disk that is ${state}: storage, and nothing is left`,
      ignore: !canMount,
      fn: () =>
        withSmallDisk(async (disk) => {
          await (state === "full" ? disk.fill(4) : disk.readOnly(true));
          // Digits that no encoding makes small.
          const sql = await manyRows("20_000", { symbol: "md5(range::VARCHAR)" });
          try {
            const path = join(disk.dir, `all.${suffix}`);
            const error = await assertRejects(
              () => exportRows(path, SOURCE, () => Promise.resolve(sql)),
              BfaError,
            );
            const why = state === "full" ? "the disk is full" : "this place is read-only";
            assertEquals(
              [error.code, error.message],
              ["storage", `Cannot write ${path}: ${why}`],
            );
            const left = Array.from(Deno.readDirSync(disk.dir), ({ name }) => name);
            assertEquals(left, state === "full" ? ["filler"] : []);
          } finally {
            sql.close();
          }
        }),
    });
  }
}
