/** Older readers, and readers of other makers, open every artifact of a version: what we write is pinned. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { compressors } from "hyparquet-compressors";
import { parseListings } from "../../lib/core/listings_file.ts";
import { withDuckdb } from "../../lib/engine/duckdb.ts";
import { python, READ_LISTINGS, READ_VERSION, toolsDir } from "../helpers/interop.ts";
import { builtNumbers } from "../helpers/numbers.ts";
import { gunzipFile } from "../helpers/parquet.ts";

/** The Parquet files of a version that hold all rows, and the one of the ranks. */
const WHOLE = ["availability.parquet", "availability-by-symbol.parquet"];
const RANKS = "volume-rankings.parquet";

/** A built version, its database unpacked, and what is in it as our own DuckDB counts. */
interface Built {
  readonly dir: string;
  readonly database: string;
  readonly parts: readonly string[];
  /** Rows and whole volume of `daily_availability`, then of `volume_rankings`. */
  readonly all: Counted;
  readonly ranked: Counted;
}

type Counted = readonly [rows: number, volume: number];

async function withBuilt(check: (built: Built) => Promise<void>): Promise<void> {
  const { dir, built } = await builtNumbers(READ_VERSION, READ_LISTINGS);
  const scratch = await Deno.makeTempDir({ prefix: "bfa-old-" });
  const database = join(scratch, "availability.duckdb");
  try {
    await gunzipFile(join(dir, "availability.duckdb.gz"), database);
    const count = await withDuckdb(
      { path: database },
      (connection) =>
        Promise.all(
          ["daily_availability", "volume_rankings"].map(async (table): Promise<Counted> => {
            const sql = `SELECT count(*)::INT, round(sum(quote_volume_usdt)) FROM ${table}`;
            return (await connection.runAndReadAll(sql)).getRows()[0] as unknown as Counted;
          }),
        ),
    );
    const parts = built.artifacts.filter(({ role }) => role === "part").map(({ name }) => name);
    assertEquals(count[0]![0], built.rows);
    await check({ dir, database, parts, all: count[0]!, ranked: count[1]! });
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

for (const release of ["1.1.3", "1.2.2", "1.3.2", "1.4.4", "1.5.5"]) {
  Deno.test(`DuckDB ${release} opens every file`, async () => {
    await withBuilt(async ({ dir, database, all, ranked }) => {
      const tables = [
        "daily_availability",
        "availability_urls",
        ...WHOLE.map((file) => `'${dir}/${file}'`),
        `'${dir}/parts/*.parquet'`,
        "volume_rankings",
        `'${dir}/${RANKS}'`,
      ];
      const answer = await oldPython(`duckdb-${release}`)(
        `import duckdb
assert duckdb.__version__ == "${release}", duckdb.__version__
db = duckdb.connect("${database}", read_only=True)
count = lambda what: db.execute(f"SELECT count(*), round(sum(quote_volume_usdt)) FROM {what}").fetchone()
answer = [count(table) for table in ${JSON.stringify(tables)}]
answer.append(db.execute("SELECT count(*) FROM listings").fetchone())`,
      );
      const listed = [READ_LISTINGS.listings.length];
      assertEquals(answer, [all, all, all, all, all, ranked, ranked, listed]);
    });
  });
}

/** Defines `count(path)`: a file's rows and whole volume. */
const PYARROW = `import pyarrow, pyarrow.parquet as pq
version = pyarrow.__version__
def count(path):
  table = pq.read_table(path)
  return table.num_rows, sum(v for v in table["quote_volume_usdt"].to_pylist() if v is not None)`;
const POLARS = `import polars as pl
version = pl.__version__
def count(path):
  table = pl.read_parquet(path)
  return table.height, table["quote_volume_usdt"].sum()`;

/** Readers of Parquet by the folder they are in. */
const READERS: readonly { folder: string; code: string }[] = [
  { folder: "pyarrow-26.0.1", code: PYARROW },
  { folder: "pyarrow-15.0.2", code: PYARROW },
  { folder: "pyarrow-10.0.1", code: PYARROW },
  { folder: "polars-2.1.0", code: POLARS },
  { folder: "polars-0.20.31", code: POLARS },
];

for (const { folder, code } of READERS) {
  Deno.test(`${folder.replace("-", " ")} opens every Parquet file`, async () => {
    await withBuilt(async ({ dir, parts, all, ranked }) => {
      const answer = await oldPython(folder)(
        `${code}
assert version == "${folder.replace(/^\w+-/, "")}", version
found = [count("${dir}/" + file) for file in ${JSON.stringify([...WHOLE, RANKS, ...parts])}]
answer = [[rows, round(float(volume))] for rows, volume in found]`,
      ) as Counted[];
      assertSame(answer, { all, ranked }, parts.length);
    });
  });
}

for (const release of ["1.0.0", "1.13.1", "current"]) {
  Deno.test(`hyparquet ${release} opens every Parquet file`, async () => {
    await withBuilt(async ({ dir, parts, all, ranked }) => {
      const folder = `${toolsDir()}/old/hyparquet-${release}/node_modules/hyparquet`;
      const { parquetRead } = release === "current"
        ? await import("hyparquet")
        : await import(`file://${folder}/src/hyparquet.js`);
      const answer: Counted[] = [];
      for (const name of [...WHOLE, RANKS, ...parts]) {
        const { buffer } = await Deno.readFile(join(dir, name));
        const { promise, resolve } = Promise.withResolvers<[number | null][]>();
        const columns = ["quote_volume_usdt"];
        await parquetRead({ file: buffer, columns, compressors, onComplete: resolve });
        const rows = await promise;
        answer.push([
          rows.length,
          Math.round(rows.reduce((sum, [volume]) => sum + (volume ?? 0), 0)),
        ]);
      }
      assertSame(answer, { all, ranked }, parts.length);
    });
  });
}

/** What the files held must be what the version holds: each order, the ranks, and all parts together. */
function assertSame(
  answer: readonly Counted[],
  { all, ranked }: Pick<Built, "all" | "ranked">,
  parts: number,
): void {
  assertEquals(answer.slice(0, -parts), [all, all, ranked]);
  const [rows, volume] = [0, 1].map((i) =>
    answer.slice(-parts).reduce((sum, counted) => sum + counted[i]!, 0)
  );
  // The volume of every part is rounded.
  assert(rows === all[0] && Math.abs(volume! - all[1]) <= parts, `${rows} rows, ${volume}`);
}

/** Python with one old package, or with the newest ones. */
function oldPython(folder: string): typeof python {
  const newest = /^(duckdb-1\.5|pyarrow-26|polars-2)/.test(folder);
  return (code) =>
    newest
      ? python(code)
      : python(`import sys\nsys.path.insert(0, "${toolsDir()}/old/${folder}")\n${code}`, {
        venv: "python3",
      });
}

Deno.test("listings.json is read by any JSON reader", async () => {
  await withBuilt(async ({ dir }) => {
    const answer = await python(
      `import json\nanswer = json.load(open("${dir}/listings.json"))`,
      { venv: "python3" },
    );
    assertEquals(parseListings(JSON.stringify(answer)), READ_LISTINGS);
  });
});
