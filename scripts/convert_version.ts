/**
 * Makes a version of the present formats from one of any format that this program reads, with the same rows:
 *
 *     bfa pull --all --at 2024-03-31.1 --out old
 *     deno run -A scripts/convert_version.ts old new 2024-03-31.2
 *     bfa publish new
 *
 * Nothing is collected again. The new rows are compared with the old ones; where they differ, nothing is left.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError, NotFoundError } from "../lib/core/errors.ts";
import { parseListings } from "../lib/core/listings_file.ts";
import { sqlText, withDuckdb } from "../lib/engine/duckdb.ts";
import { withObservations } from "../lib/engine/observation_store.ts";
import { build } from "../lib/jobs/build.ts";
import type { Build } from "../lib/jobs/build_folder.ts";
import { runScript } from "./run_script.ts";

/** Where from, where to, and what to call it. */
export interface Conversion {
  /** Folder with `listings.json` and `parts/` of a version. */
  readonly from: string;
  /** Folder of the new build. */
  readonly to: string;
  /** The new version: the same day, another build. */
  readonly version: string;
}

/** A row can have some numbers and lack others. */
const HAS_NUMBERS = `coalesce(quote_volume_usdt, trade_count, volume_base, taker_buy_volume_base,
  taker_buy_quote_volume_usdt, open_price, high_price, low_price, close_price) IS NOT NULL`;

/** Converts a version. */
export async function convertVersion({ from, to, version }: Conversion): Promise<Build> {
  const text = await Deno.readTextFile(join(from, "listings.json")).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new NotFoundError(`no version in ${from}; bring it there with \`bfa pull --all --out\``);
  });
  const listings = parseListings(text);
  const scratch = await Deno.makeTempDir({ prefix: "bfa-convert-" });
  try {
    const rows = `read_parquet(${sqlText(join(from, "parts", "*.parquet"))})`;
    const observations = await observationsOf(rows, join(scratch, "observations.duckdb"));
    const made = await build(listings, { version, outDir: to, observations });
    await refuseDifference(rows, `read_parquet(${sqlText(join(to, "parts", "*.parquet"))})`)
      .catch(async (error) => {
        await Deno.remove(to, { recursive: true });
        throw error;
      });
    return made;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** The rows as if they had just been collected; `undefined` where they have no sizes and no numbers. */
async function observationsOf(rows: string, path: string): Promise<string | undefined> {
  await withObservations(path, () => Promise.resolve());
  return await withDuckdb({ path }, async (connection) => {
    const known = await connection.runAndReadAll(
      `SELECT count(*) FROM ${rows} WHERE file_size_bytes IS NOT NULL OR ${HAS_NUMBERS}`,
    );
    if (Number(known.getRows()[0]![0]) === 0) return undefined;
    // Numbers count while the file they came from has not changed: one tag for all says so.
    const [tag, at] = ["'converted'", "TIMESTAMP '1970-01-01'"];
    await connection.run(`INSERT INTO files
      SELECT symbol, date, file_size_bytes, last_modified, ${tag}, false, ${at}, 1
      FROM ${rows} WHERE available ORDER BY ALL`);
    await connection.run(`INSERT INTO klines
      SELECT symbol, date, ${tag}, NULL, NULL, quote_volume_usdt, trade_count, volume_base,
        taker_buy_volume_base, taker_buy_quote_volume_usdt, open_price, high_price, low_price,
        close_price, ${at}
      FROM ${rows} WHERE ${HAS_NUMBERS} ORDER BY ALL`);
    return path;
  });
}

async function refuseDifference(old: string, made: string): Promise<void> {
  await withDuckdb({}, async (connection) => {
    const difference = await connection.runAndReadAll(`SELECT count(*) FROM (
      (FROM ${old} EXCEPT ALL FROM ${made}) UNION ALL (FROM ${made} EXCEPT ALL FROM ${old}))`);
    const rows = Number(difference.getRows()[0]![0]);
    if (rows > 0) {
      throw new BfaError("integrity", `Cannot convert: ${rows} rows would not be the same`);
    }
  });
}

async function main(): Promise<void> {
  const [from, to, version] = Deno.args;
  if (!from || !to || !version) {
    throw new BfaError("usage", "Cannot convert: give FROM, TO and VERSION");
  }
  const { rows, artifacts } = await convertVersion({ from, to, version });
  console.log(`${to}: ${version}, ${rows} rows in ${artifacts.length} files`);
}

if (import.meta.main) await runScript("convert_version", main);
