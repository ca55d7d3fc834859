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
import { build as buildVersion } from "../lib/jobs/build.ts";
import { seedListings } from "../lib/source/seed.ts";
import type { Command } from "./command.ts";
import { BUILD_OPTIONS, PUBLISHER_OPTIONS } from "./options.ts";
import { formatBytes, formatDuration } from "./output.ts";

/** Builds a version. */
export const build: Command = {
  name: "build",
  summary: "Build the artifacts of a version; the same listings give the same bytes",
  args: [],
  options: {
    from: { value: "FILE", help: "A listings.json; the built-in listings when left out" },
    version: { value: "VERSION", help: "Its name; the next free number when left out" },
    out: { value: "DIR", help: "Where to build (DATA_DIR/builds/VERSION)" },
    ...BUILD_OPTIONS,
    ...PUBLISHER_OPTIONS,
  },
  examples: ["bfa build", "bfa build --from listings.json --out /tmp/version"],
  async run(inputs, tools) {
    const { world } = tools;
    const started = performance.now();
    const listings = await readListings(inputs.text("from"));
    const version = inputs.text("version") ?? await tools.withPublisher(
      inputs,
      async ({ store }) =>
        nextVersion(listings.dataThrough, (await store.versions()).map((v) => v.version)),
    );
    const outDir = inputs.text("out") ?? join(inputs.text("data-dir") ?? ".bfa", "builds", version);
    const wholeFiles = readWholeFiles(inputs.text("whole-files"));
    const made = await buildVersion(listings, { version, outDir, wholeFiles });
    const bytes = made.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
    world.out(`${outDir}\n`);
    world.err(
      `${version}: ${made.symbols} symbols, ${made.rows} rows, ${made.artifacts.length} artifacts, ${
        formatBytes(bytes)
      }, in ${formatDuration(performance.now() - started)}\n`,
    );
  },
};

async function readListings(path: string | undefined): Promise<ListingsFile> {
  if (path === undefined) return await seedListings();
  try {
    return parseListings(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BfaError("not_found", `no file ${path}`);
  }
}
