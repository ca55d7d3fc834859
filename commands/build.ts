/**
 * `bfa build`.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError } from "../lib/core/errors.ts";
import type { ListingsFile } from "../lib/core/kept_listings.ts";
import { parseListings } from "../lib/core/listings_file.ts";
import { nextVersion } from "../lib/core/version.ts";
import { readWholeFiles } from "../lib/core/whole_files.ts";
import { checkObservations, withObservations } from "../lib/engine/observation_store.ts";
import { build as buildVersion } from "../lib/jobs/build.ts";
import { derive } from "../lib/jobs/derive.ts";
import { seedFacts, seedListings } from "../lib/source/seed.ts";
import type { Command, Inputs } from "./command.ts";
import { BUILD_OPTIONS, dataDirOf, observationsFile, PUBLISHER_OPTIONS } from "./options.ts";
import { formatBytes, formatDuration } from "./output.ts";

/** Builds a version. */
export const build: Command = {
  name: "build",
  summary: "Build the artifacts of a version; the same observations give the same bytes",
  about:
    "From what was collected or imported, DATA_DIR/observations.duckdb; where nothing was, from the\nbuilt-in listings, without sizes and numbers.",
  args: [],
  options: {
    from: { value: "FILE", help: "Another file of observations, or a listings.json" },
    version: { value: "VERSION", help: "Its name; the next free number when left out" },
    out: { value: "DIR", help: "Where to build (DATA_DIR/builds/VERSION)" },
    ...BUILD_OPTIONS,
    ...PUBLISHER_OPTIONS,
  },
  examples: ["bfa build", "bfa build --from listings.json --out /tmp/version"],
  async run(inputs, tools) {
    const { world } = tools;
    const started = performance.now();
    const from = inputs.text("from") ?? await collected(inputs);
    const observations = from?.endsWith(".duckdb") ? from : undefined;
    const listings = observations
      ? await deriveFrom(observations, world.now())
      : await readListings(from);
    const version = inputs.text("version") ?? await tools.withPublisher(
      inputs,
      async ({ store }) =>
        nextVersion(listings.dataThrough, (await store.versions()).map((v) => v.version)),
    );
    const outDir = inputs.text("out") ?? join(dataDirOf(inputs), "builds", version);
    const wholeFiles = readWholeFiles(inputs.text("whole-files"));
    const made = await buildVersion(listings, { version, outDir, observations, wholeFiles });
    const bytes = made.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
    world.out(`${outDir}\n`);
    world.err(
      `${version} from ${
        from ?? "the built-in listings"
      }: ${made.symbols} symbols, ${made.rows} rows, ${made.artifacts.length} artifacts, ${
        formatBytes(bytes)
      }, in ${formatDuration(performance.now() - started)}\n`,
    );
  },
};

/** The file of observations, where something was collected or imported. */
async function collected(inputs: Inputs): Promise<string | undefined> {
  const path = observationsFile(inputs);
  return await exists(path) ? path : undefined;
}

async function deriveFrom(observations: string, now: Date): Promise<ListingsFile> {
  // To open a file that is not there would make one.
  if (!await exists(observations)) throw new BfaError("not_found", `no file ${observations}`);
  await checkObservations(observations);
  const facts = await seedFacts();
  return await withObservations(observations, async (store) => {
    const open = await store.unfinished();
    if (open) {
      throw new BfaError(
        "unavailable",
        `Cannot build from ${observations}: the last run (${open}) did not finish; run it again`,
      );
    }
    return await derive(store, { now, facts });
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    // A file where a folder should be is told by what is done next.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

async function readListings(path: string | undefined): Promise<ListingsFile> {
  if (path === undefined) return await seedListings();
  try {
    return parseListings(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BfaError("not_found", `no file ${path}`);
  }
}
