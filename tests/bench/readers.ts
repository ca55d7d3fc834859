/**
 * What other programs ask a service for, with numbers in all rows of the embedded listings:
 *
 *     BFA_TOOLS=… deno run -A tests/bench/readers.ts
 *
 * Every reader is a new process with nothing kept. The answers themselves are checked by `deno task interop`.
 *
 * @module
 */

import { open } from "../../lib/mod.ts";
import { seedListings } from "../../lib/source/seed.ts";
import { docBlock } from "../helpers/doc_blocks.ts";
import { duckdb } from "../helpers/duckdb_cli.ts";
import { python, run, type ServedVersion, withServed } from "../helpers/interop.ts";

/** How to run a block of docs/readers.md, and the file whose size it is held against. */
const READERS: readonly [
  title: string,
  file: string,
  read: (served: ServedVersion) => Promise<unknown>,
][] = [
  ["bfa --no-copy, a day", "availability.parquet", async ({ url }) => {
    await (await open({ endpoint: url, copy: "none" })).rows({ day: "2024-01-15" });
  }],
  ["DuckDB, a day", "availability.parquet", sql("duckdb-day")],
  ["DuckDB, a symbol", "availability-by-symbol.parquet", sql("duckdb-symbol")],
  ["DuckDB, a day's ranks", "volume-rankings.parquet", code("duckdb-python", "ranks")],
  ["DuckDB, ATTACH and one count", "availability.duckdb.gz", sql("duckdb-attach")],
  ["Polars, a day", "availability.parquet", code("polars-day", "day.height")],
  ["pyarrow, a symbol", "availability-by-symbol.parquet", code("pyarrow-symbol", "rows.num_rows")],
  ["pandas, a year's part", "parts/2024.parquet", code("pandas-month", "len(month)")],
  ["R, a day as CSV", "", async (served) => {
    await run("Rscript", ["-e", await docBlock("r-csv", served)], { env: { LC_ALL: "C.UTF-8" } });
  }],
];

function sql(block: string) {
  return async (served: ServedVersion) => await duckdb(await docBlock(block, served), served);
}

function code(block: string, answer: string) {
  return async (served: ServedVersion) => {
    const text = await docBlock(block, served);
    await python(`${text}\nanswer = ${answer}`, { env: { HOME: served.scratch } });
  };
}

await withServed(async (served) => {
  const { signed } = await served.dataset.manifest();
  console.log("| reader | file, bytes | requests | bytes of bodies | seconds |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const [title, file, read] of READERS) {
    served.take();
    const began = performance.now();
    await read(served);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const { requests, bytes } = served.take();
    const size = signed.artifacts.find(({ name }) => name === file)?.bytes.toLocaleString("en");
    console.log(
      `| ${title} | ${file ? `\`${file}\`, ${size}` : "–"} | ${requests} | ${
        bytes.toLocaleString("en")
      } | ${seconds} |`,
    );
  }
  for (const name of ["all.csv", "all.sqlite", "all.parquet"]) {
    const path = `${served.scratch}/${name}`;
    const { stderr, success } = await new Deno.Command("/usr/bin/env", {
      args: [
        "bash",
        "-c",
        `/usr/bin/time -f "%U s of CPU, %M KB resident" ${Deno.execPath()} run -A cli.ts export ${path} -q`,
      ],
      env: { BFA_ENDPOINT: served.url, BFA_CACHE_DIR: `${served.scratch}/cache` },
    }).output();
    const text = new TextDecoder().decode(stderr);
    if (!success) throw new Error(text);
    const { size } = await Deno.stat(path);
    console.log(
      `bfa export ${name}: ${size.toLocaleString("en")} bytes; ${text.replaceAll("\n", " ")}`,
    );
  }
}, { file: await seedListings(), version: "2026-08-08.1" });
