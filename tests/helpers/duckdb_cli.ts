/** DuckDB's command line with httpfs, which is brought as `INSTALL httpfs` does where its server can be reached. @module */

import { run, type ServedVersion } from "./interop.ts";

const EXTENSION = `import duckdb_extension_httpfs as httpfs
from pathlib import Path
print(next(Path(httpfs.__path__[0]).rglob("*.duckdb_extension")))`;

/** Runs SQL in a home of its own and returns the rows of the last statement. */
export async function duckdb(sql: string, { scratch }: ServedVersion): Promise<unknown[][]> {
  const extension = (await run("./readers/bin/python", ["-c", EXTENSION])).trim();
  const all = `INSTALL '${extension}'; LOAD httpfs; ${sql}`;
  const out = await run("./readers/bin/duckdb", ["-json", "-c", all], { env: { HOME: scratch } });
  return JSON.parse(out).map(Object.values);
}
