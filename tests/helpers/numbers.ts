/** Sizes and numbers for every day that has a file, as a collection with klines leaves them. @module */

import { join } from "@std/path";
import { type Listing, stateRuns } from "../../lib/core/listing.ts";
import { listing } from "./listing.ts";
import type { ListingsFile } from "../../lib/core/kept_listings.ts";
import { parseDay } from "../../lib/core/day.ts";
import type { WholeFiles } from "../../lib/core/whole_files.ts";
import { appendRows, withDuckdb } from "../../lib/engine/duckdb.ts";
import { withObservations } from "../../lib/engine/observation_store.ts";
import { build } from "../../lib/jobs/build.ts";
import type { Build } from "../../lib/jobs/build_folder.ts";
import { type Moved, publish } from "../../lib/jobs/publish.ts";
import type { TestPublisher } from "./publisher.ts";

/** A number from 0 to 1 that hangs on the row and a purpose alone. */
const draw = (purpose: string) =>
  `((hash(symbol || date::VARCHAR || '${purpose}') % 1000003)::BIGINT / 1000003.0)`;

/** Makes the observations that listings could come from, in a new file. */
export async function writeObservations(path: string, file: ListingsFile): Promise<void> {
  await withObservations(path, async () => {});
  await withDuckdb({ path }, async (connection) => {
    await connection.run(
      "CREATE TEMP TABLE runs_of (symbol VARCHAR, a VARCHAR, b VARCHAR, s VARCHAR)",
    );
    const runs = file.listings.flatMap((l) =>
      stateRuns(l, file.dataThrough).map((run) => [l.symbol, run.from, run.to, run.state])
    );
    await appendRows(connection, "runs_of", runs);
    await connection.run(`CREATE TEMP TABLE days AS
      WITH d AS (SELECT symbol, day::DATE AS date, s = 'traded' AS traded,
          10 ** (8 * (hash(symbol) % 1000003)::BIGINT / 1000003.0 - 3) AS base
        FROM runs_of, unnest(generate_series(a::DATE, b::DATE, INTERVAL 1 DAY)) AS x(day)
        WHERE s <> 'missing'),
      p AS (SELECT *, CASE WHEN base > 100 THEN 2 WHEN base > 0.1 THEN 4 ELSE 7 END AS digits,
          base * exp(0.8 * sin(epoch(date) / 86400 / 190) + 0.03 * ${draw("open")}) AS open,
          base * exp(0.8 * sin(epoch(date) / 86400 / 190) + 0.03 * ${draw("close")}) AS close,
          CASE WHEN traded THEN 10 ** (6 + 3 * ${draw("volume")}) ELSE 0 END AS quote FROM d)
      SELECT *, quote / ((open + close) / 2) AS volume, 0.45 + 0.1 * ${draw("taker")} AS taker,
        CASE WHEN traded THEN 30000 + (30000 * ${draw("bytes")})::BIGINT ELSE 7700 END AS bytes
      FROM p`);
    await connection.run(`INSERT INTO files SELECT symbol, date, bytes,
        (date + 1)::TIMESTAMP + INTERVAL 1 SECOND * (25000 + (6000 * ${draw("at")})::INTEGER),
        md5(symbol || date::VARCHAR), false, TIMESTAMP '2026-11-21', 1 FROM days ORDER BY ALL`);
    await connection.run(
      `INSERT INTO klines SELECT symbol, date, md5(symbol || date::VARCHAR), NULL, NULL,
        round(quote, 5), ceil(quote / (100 + 2000 * ${draw("trades")}))::BIGINT, round(volume, 3),
        round(volume * taker, 3), round(quote * taker, 5), round(open, digits),
        round(greatest(open, close) * (1 + 0.04 * ${draw("high")}), digits),
        round(least(open, close) * (1 - 0.04 * ${draw("low")}), digits), round(close, digits),
        TIMESTAMP '2026-11-21' FROM days ORDER BY ALL`,
    );
  });
}

/** How to build. */
export interface NumbersOptions {
  /** Sizes, volumes and prices; they are there unless this is `false`. */
  readonly numbers?: boolean;
  readonly wholeFiles?: WholeFiles;
  /** SQL that changes what was observed, before it is built. */
  readonly revise?: readonly string[];
}

/** Builds of this process: what many tests publish is built once. */
const builds = new Map<string, Promise<{ dir: string; built: Build }>>();

/** Builds listings, with numbers unless they are to have none; the folder is there until the end. */
async function buildNumbers(
  version: string,
  file: ListingsFile,
  { numbers = true, revise = [], wholeFiles }: NumbersOptions,
) {
  const root = await Deno.makeTempDir({ prefix: "bfa-numbers-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
  const observations = numbers ? join(root, "observations.duckdb") : undefined;
  if (observations) await writeObservations(observations, file);
  if (observations && revise.length) {
    await withDuckdb({ path: observations }, async (connection) => {
      for (const sql of revise) await connection.run(sql);
    });
  }
  const dir = join(root, "build");
  return { dir, built: await build(file, { version, outDir: dir, observations, wholeFiles }) };
}

/** A build of listings with all their artifacts and numbers; the same one for all who ask in this process. */
export async function builtNumbers(
  version: string,
  file: ListingsFile,
  options: NumbersOptions = {},
) {
  const key = JSON.stringify([version, file, options]);
  if (!builds.has(key)) builds.set(key, buildNumbers(version, file, options));
  return await builds.get(key)!;
}

/** Publishes listings with all their artifacts and numbers; returns the build's folder. */
export async function publishNumbers(
  world: TestPublisher,
  version: string,
  file: ListingsFile,
  options: NumbersOptions = {},
): Promise<{ dir: string; moved: Moved }> {
  const { dir, built } = await builtNumbers(version, file, options);
  return { dir, moved: await publish(world.publisher, built, dir) };
}

/** 60 symbols of 120 days: enough for several blocks, of days and of symbols. */
export const MANY_LISTINGS: ListingsFile = {
  dataThrough: parseDay("2024-03-31"),
  listings: [
    ...Array.from(
      { length: 60 },
      (_, i): Listing => listing(`S${String(i).padStart(2, "0")}USDT#1`, "2023-12-03"),
    ),
    listing("THREEUSDT#1", "2024-03-29"),
    listing("ZENDEDUSDT#1", "2024-01-01", "2024-02-01", "2024-02-20"),
    listing("币安人生USDT#1", "2024-02-01"),
  ],
};
