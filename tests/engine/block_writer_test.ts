/** What `writeBlocks()` makes, read by DuckDB, by hyparquet, and by our own reader. */

import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { parquetMetadata } from "hyparquet";
import { AVAILABILITY_TIERS } from "../../lib/core/availability_rows.ts";
import { toHex } from "../../lib/core/bytes.ts";
import { BfaError } from "../../lib/core/errors.ts";
import type { BlockIndex } from "../../lib/core/blocks.ts";
import type { Artifact } from "../../lib/core/manifest.ts";
import type { RangeReader } from "../../lib/core/range_reader.ts";
import { DAILY_AVAILABILITY } from "../../lib/core/schema.ts";
import { parseBlockIndexes } from "../../lib/engine/block_index.ts";
import { formatBlockIndexes } from "../../lib/engine/block_index_writer.ts";
import { writeBlocks } from "../../lib/engine/block_writer.ts";
import { sqlText, withDuckdb } from "../../lib/engine/duckdb.ts";
import { readRows, RowCache } from "../../lib/engine/row_reader.ts";
import { hashFile, parquetFooterBytes } from "../../lib/files/file_facts.ts";
import { wholeRanges } from "../../lib/mirror/ranges.ts";

const COLUMNS = DAILY_AVAILABILITY.map(({ name }) => name);

/** Rows of made-up days: `perDay` symbols on each of `days` days; some numbers are missing. */
const rowsOf = (days: number, perDay: number) =>
  `(SELECT DATE '2024-01-01' + d::INTEGER AS date, 'S' || lpad(s::VARCHAR, 4, '0') AS symbol,
    s % 5 <> 0 AS available, CASE WHEN s % 5 = 0 THEN 'missing' ELSE 'traded' END AS state,
    CASE WHEN s % 5 <> 0 THEN 30000 + (d * 7919 + s * 104729) % 30000 END AS file_size_bytes,
    CASE WHEN s % 5 <> 0 THEN TIMESTAMP '2024-01-02' + INTERVAL 1 SECOND * (d * 86400 + s) END
      AS last_modified,
    CASE WHEN s % 7 <> 0 THEN (d * 7 + s) * 1234567.89123 END AS quote_volume_usdt,
    CASE WHEN s = 1 THEN 9007199254740993 ELSE d * s END AS trade_count, NULL::DOUBLE AS volume_base,
    0.5 AS taker_buy_volume_base, s / 3 AS taker_buy_quote_volume_usdt, d + 0.25 AS open_price,
    d + 0.5 AS high_price, d::DOUBLE AS low_price, 1e-7 * s AS close_price
  FROM range(${days}) AS a(d), range(${perDay}) AS b(s))`;

interface Written {
  readonly artifact: Artifact;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly index: BlockIndex;
  readonly indexFile: { readonly artifact: Artifact; readonly bytes: Uint8Array<ArrayBuffer> };
  readonly path: string;
  query(sql: string): Promise<unknown[][]>;
}

async function withFile(
  { days, perDay, key = "date" as "date" | "symbol" }: {
    days: number;
    perDay: number;
    key?: "date" | "symbol";
  },
  test: (file: Written) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "bfa-blocks-" });
  const path = `${dir}/rows.parquet`;
  try {
    await withDuckdb({ threads: 1 }, async (connection) => {
      const from = `FROM ${rowsOf(days, perDay)} ORDER BY ${
        key === "date" ? "date, symbol" : "symbol, date"
      }`;
      const file = { table: DAILY_AVAILABILITY, tiers: AVAILABILITY_TIERS, key, from };
      const { rows, index } = await writeBlocks(connection, path, file);
      await test({
        index,
        indexFile: await indexFileOf({ "rows.parquet": index }),
        path,
        bytes: await Deno.readFile(path),
        artifact: {
          name: "rows.parquet",
          role: "availability",
          mediaType: "application/vnd.apache.parquet",
          ...await hashFile(path),
          parquet: { rows, footerBytes: await parquetFooterBytes(path), index: "blocks.parquet" },
        },
        query: async (sql) => (await connection.runAndReadAll(sql)).getRowsJson() as unknown[][],
      });
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function indexFileOf(indexes: Record<string, BlockIndex>) {
  const bytes = new Uint8Array(formatBlockIndexes(new Map(Object.entries(indexes))));
  const sha256 = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  const mediaType = "application/vnd.apache.parquet";
  const artifact = {
    name: "blocks.parquet",
    role: "blocks",
    mediaType,
    bytes: bytes.length,
    sha256,
  };
  return { artifact, bytes };
}

const SIZES: [days: number, perDay: number, key: "date" | "symbol", blocks: number[]][] = [
  [1, 1, "date", [1]],
  [14, 100, "date", [1400]],
  [15, 100, "date", [1400, 100]],
  [3, 1500, "date", [1500, 1500, 1500]],
  [40, 60, "date", [1380, 1020]],
  [40, 60, "symbol", [1400, 1000]],
  [2500, 2, "symbol", [2500, 2500]],
  [4, 700, "date", [1400, 1400]],
  [3, 701, "date", [701, 701, 701]],
  [0, 5, "date", []],
];

Deno.test("blocks hold whole days or whole symbols, 1,400 rows at most unless one has more", async () => {
  for (const [days, perDay, key, blocks] of SIZES) {
    await withFile({ days, perDay, key }, async (file) => {
      const { index } = file;
      assertEquals(
        index.blocks.map(({ rows }) => rows),
        blocks,
        `${days} days × ${perDay}, ${key}`,
      );
      const firsts = await file.query(
        `SELECT min(${key})::VARCHAR FROM read_parquet(${
          sqlText(file.path)
        }, file_row_number = true)
         GROUP BY file_row_number`,
      );
      for (const { first } of index.blocks) {
        assertEquals(firsts.some(([found]) => found === first), true, first);
      }
    });
  }
});

Deno.test("rows that are not sorted by their key are not written as if they were", async () => {
  const path = await Deno.makeTempFile({ prefix: "bfa-blocks-" });
  await withDuckdb({ threads: 1 }, async (connection) => {
    for (const [key, order] of [["date", "symbol, date"], ["symbol", "date, symbol"]] as const) {
      const from = `FROM ${rowsOf(3, 1500)} ORDER BY ${order}`;
      const file = { table: DAILY_AVAILABILITY, tiers: AVAILABILITY_TIERS, key, from };
      const error = await assertRejects(() => writeBlocks(connection, path, file), Error);
      assertEquals(error.message, "the rows to write are not sorted");
    }
    // The connection is free again.
    assertEquals((await connection.runAndReadAll("SELECT 1")).getRowsJson(), [[1]]);
  });
  await Deno.remove(path);
});

Deno.test("DuckDB reads the same rows and the same types out of it as were written", async () => {
  await withFile({ days: 40, perDay: 60 }, async ({ path, query }) => {
    const file = `read_parquet(${sqlText(path)})`;
    for (const [a, b] of [[rowsOf(40, 60), file], [file, rowsOf(40, 60)]] as const) {
      const columns = COLUMNS.join(", ");
      const left = `(SELECT ${columns} FROM ${a} EXCEPT ALL SELECT ${columns} FROM ${b})`;
      assertEquals(await query(`SELECT count(*) FROM ${left}`), [["0"]]);
    }
    assertEquals(
      (await query(`DESCRIBE FROM ${file}`)).map(([name, type]) => [name, type]),
      DAILY_AVAILABILITY.map(({ name, type }) => [name, type]),
    );
    assertEquals(
      await query(`SELECT list(file_row_number ORDER BY date, symbol) = range(2400)
        FROM read_parquet(${sqlText(path)}, file_row_number = true)`),
      [[true]],
    );
  });
});

Deno.test("other readers can prune by date and symbol: the footer has their bounds", async () => {
  await withFile({ days: 40, perDay: 60 }, async ({ path, query }) => {
    assertEquals(
      await query(`SELECT path_in_schema, stats_min_value, stats_max_value
        FROM parquet_metadata(${
        sqlText(path)
      }) WHERE row_group_id = 1 AND stats_min_value IS NOT NULL`),
      [["date", "2024-01-24", "2024-02-09"], ["symbol", "S0000", "S0059"]],
    );
  });
});

Deno.test("blocks fill a file up to its footer, which knows nothing of them", async () => {
  await withFile({ days: 40, perDay: 60 }, ({ artifact, bytes, index }) => {
    const { blocks, tiers, columns } = index;
    assertEquals(tiers, [7, 11, 15]);
    assertEquals(columns.slice(0, 7).map(({ name }) => name), AVAILABILITY_TIERS[0]);
    const last = blocks.at(-1)!;
    const end = artifact.bytes - artifact.parquet!.footerBytes;
    assertEquals([blocks[0]!.start, last.start + last.ends[2]!], [4, end]);
    const groups = parquetMetadata(bytes.buffer).row_groups;
    assertEquals(groups.map((group) => Number(group.num_rows)), blocks.map(({ rows }) => rows));
    return Promise.resolve();
  });
});

Deno.test("one index tells the blocks of several files, of some that have none, too", async () => {
  await withFile({ days: 40, perDay: 60 }, async ({ index: byDay }) => {
    await withFile({ days: 40, perDay: 60, key: "symbol" }, async ({ index: bySymbol }) => {
      const none = { ...byDay, blocks: [] };
      const all = { "by-day.parquet": byDay, "none.parquet": none, "recent/s.parquet": bySymbol };
      const { bytes } = await indexFileOf(all);
      assertEquals(Object.fromEntries(await parseBlockIndexes(bytes)), all);
      const empty = await indexFileOf({ "none.parquet": none });
      assertEquals((await parseBlockIndexes(empty.bytes)).get("none.parquet"), none);
    });
  });
});

Deno.test("the same rows give the same bytes", async () => {
  await withFile({ days: 40, perDay: 60 }, async (one) => {
    await withFile({ days: 40, perDay: 60 }, (other) => {
      assertEquals(other.artifact, one.artifact);
      return Promise.resolve();
    });
  });
});

/** Reads rows out of a file, some bytes of which may have been damaged. */
function rowsIn(
  file: Pick<Written, "artifact" | "bytes"> & { readonly indexFile?: Written["indexFile"] },
  columns = COLUMNS,
) {
  const files = [file, file.indexFile];
  const ranges = wholeRanges(
    ({ sha256 }) => Promise.resolve(files.find((f) => f?.artifact.sha256 === sha256)!.bytes),
    new Map(),
  );
  // What is read is checked as a mirror's is.
  const checked = {
    async read(...[a, start, end, options]: Parameters<typeof ranges.read>) {
      const part = await ranges.read(a, start, end, options);
      if (await options?.isSound?.(part) === false) throw new BfaError("integrity", "not sound");
      return part;
    },
  };
  const question = { key: "date" as const, from: "2024-01-20", to: "2024-01-21", columns };
  const { artifact, indexFile } = file;
  const options = { ranges: checked, cache: new RowCache() };
  return readRows({ artifact, index: indexFile?.artifact }, question, options);
}

Deno.test("`readRows()` gives the cells of a question; days and instants are texts", async () => {
  await withFile({ days: 40, perDay: 60 }, async (file) => {
    const rows = await rowsIn(file);
    assertEquals(rows.length, 120);
    assertEquals(rows.slice(0, 2), [
      // deno-fmt-ignore
      ["2024-01-20", "S0000", false, "missing", null, null, null, 0, null, 0.5, 0, 19.25, 19.5, 19, 0],
      [
        "2024-01-20",
        "S0001",
        true,
        "traded",
        30000 + (19 * 7919 + 104729) % 30000,
        "2024-01-21T00:00:01Z",
        134 * 1234567.89123,
        9007199254740993n,
        null,
        0.5,
        1 / 3,
        19.25,
        19.5,
        19,
        1e-7,
      ],
    ]);
    const few = await rowsIn(file, ["close_price", "date"]);
    assertEquals(few.slice(0, 2), [[0, "2024-01-20"], [1e-7, "2024-01-20"]]);
  });
});

Deno.test("a file without an index is read by its footer, with the same rows", async () => {
  await withFile({ days: 40, perDay: 60 }, async (file) => {
    const { artifact, bytes } = file;
    assertEquals(await rowsIn({ artifact, bytes }), await rowsIn(file));
  });
});

Deno.test("one flipped bit in the blocks or the index of a question is found", async () => {
  await withFile({ days: 40, perDay: 60 }, async (file) => {
    const { bytes, index: { blocks }, indexFile } = file;
    const { start, ends } = blocks[0]!;
    const sound = await rowsIn(file);
    const damaged = (bytes: Uint8Array<ArrayBuffer>, at: number) => {
      const broken = bytes.slice();
      broken[at]! ^= 4;
      assertNotEquals(broken, bytes);
      return broken;
    };
    const places = [
      start,
      start + 100,
      ...Array.from({ length: 40 }, (_, i) => start + 200 + Math.floor((ends[2]! - 201) * i / 39)),
    ];
    const last = indexFile.bytes.length - 1;
    const broken = [
      ...places.map((at) => ({ ...file, bytes: damaged(bytes, at) })),
      ...[0, 100, 300, last].map((at) => ({
        ...file,
        indexFile: { ...indexFile, bytes: damaged(indexFile.bytes, at) },
      })),
    ];
    for (const [i, one] of broken.entries()) {
      const error = await assertRejects(() => rowsIn(one), BfaError);
      assertEquals(error.code, "integrity", `damage ${i}`);
    }
    // What is not read is not looked at: another block, columns of a later tier, the footer.
    for (const at of [blocks[1]!.start, start + ends[2]! - 1, bytes.length - 20]) {
      assertEquals(
        await rowsIn({ ...file, bytes: damaged(bytes, at) }, ["date", "symbol"]),
        sound.map((row) => row.slice(0, 2)),
      );
    }
  });
});

Deno.test("rows that nobody waits for any more are not decoded to their end", async () => {
  await withFile({ days: 40, perDay: 60 }, async ({ artifact, bytes, indexFile }) => {
    const left = new AbortController();
    const ranges: RangeReader = {
      read: (asked, start, end) => {
        if (asked === artifact) left.abort();
        return Promise.resolve((asked === artifact ? bytes : indexFile.bytes).slice(start, end));
      },
    };
    const question = {
      key: "date",
      from: "2024-01-20",
      to: "2024-01-21",
      columns: ["date"],
    } as const;
    const options = { ranges, cache: new RowCache(), signal: left.signal };
    const file = { artifact, index: indexFile.artifact };
    await assertRejects(() => readRows(file, question, options), DOMException);
  });
});

Deno.test("who gives up while another reads the index is let go at once", async () => {
  await withFile({ days: 40, perDay: 60 }, async ({ artifact, bytes, indexFile }) => {
    const release = Promise.withResolvers<void>();
    const ranges: RangeReader = {
      async read(asked, start, end) {
        if (asked !== artifact) await release.promise;
        return (asked === artifact ? bytes : indexFile.bytes).slice(start, end);
      },
    };
    const cache = new RowCache();
    const left = new AbortController();
    const read = (signal?: AbortSignal) =>
      readRows(
        { artifact, index: indexFile.artifact },
        { key: "date", from: "2024-01-20", to: "2024-01-21", columns: ["date"] },
        { ranges, cache, signal },
      );
    const one = read();
    const other = read(left.signal);
    left.abort();
    await assertRejects(() => other, DOMException);
    release.resolve();
    assertEquals((await one).length, 120);
  });
});

Deno.test("a footer length that is wrong, and an index without the file, are integrity errors", async () => {
  await withFile({ days: 40, perDay: 60 }, async (file) => {
    const { artifact, bytes, index } = file;
    const { rows, footerBytes } = artifact.parquet!;
    const wrong: Parameters<typeof rowsIn>[0][] = [
      ...[footerBytes - 1, 8].map((footerBytes) => ({
        bytes,
        artifact: { ...artifact, parquet: { rows, footerBytes } },
      })),
      { ...file, indexFile: await indexFileOf({ "others.parquet": index }) },
    ];
    for (const one of wrong) {
      assertEquals((await assertRejects(() => rowsIn(one), BfaError)).code, "integrity");
    }
  });
});

Deno.test("rows that DuckDB fails at in their middle are no shorter file", async () => {
  const dir = await Deno.makeTempDir({ prefix: "bfa-blocks-" });
  try {
    await withDuckdb({ threads: 1 }, async (connection) => {
      await connection.run(`CREATE TABLE rows AS FROM ${rowsOf(400, 600)} ORDER BY date, symbol`);
      const failing = "CAST(if(date = DATE '2025-02-01', 'x', '1') AS DOUBLE)";
      const file = {
        table: DAILY_AVAILABILITY,
        tiers: AVAILABILITY_TIERS,
        key: "date" as const,
        from: `FROM (SELECT * REPLACE (${failing} AS open_price) FROM rows)`,
      };
      const error = await assertRejects(
        () => writeBlocks(connection, `${dir}/rows.parquet`, file),
        BfaError,
      );
      assertEquals(error.code, "integrity");
      assertMatch(
        error.message,
        /^Cannot write rows\.parquet: DuckDB stopped after \d+ of 240000 rows;/,
      );
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
