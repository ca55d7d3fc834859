/**
 * `bfa build`, `publish`, `promote`, `rollback`, `renew`, `log`: the publisher's side.
 *
 * @module
 */

import { join } from "@std/path";
import { BfaError } from "../lib/core/errors.ts";
import { type ListingsFile, parseListings } from "../lib/core/listings_file.ts";
import { nextVersion } from "../lib/core/version.ts";
import { build as buildVersion, readBuild } from "../lib/jobs/build.ts";
import {
  type Moved,
  type MoveOptions,
  promote as promoteVersion,
  publish as publishBuild,
  renew as renewChannel,
  rollback as rollbackChannel,
} from "../lib/jobs/publish.ts";
import { isKeyId } from "../lib/manifest/signature.ts";
import type { LogEntry } from "../lib/manifest/store.ts";
import { seedListings } from "../lib/source/seed.ts";
import type { Command, Inputs } from "./command.ts";
import { OUTPUT_OPTIONS, PUBLISHER_OPTIONS, SIGNING_OPTIONS } from "./options.ts";
import { counted, formatBytes, formatDuration, print } from "./output.ts";
import type { Tools } from "./tools.ts";

/** Builds a version. */
export const build: Command = {
  name: "build",
  summary: "Build the artifacts of a version; the same listings give the same bytes",
  args: [],
  options: {
    from: { value: "FILE", help: "A listings.json; the built-in listings when left out" },
    version: { value: "VERSION", help: "Its name; the next free number when left out" },
    out: { value: "DIR", help: "Where to build (DATA_DIR/builds/VERSION)" },
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
    const made = await buildVersion(listings, { version, outDir });
    const bytes = made.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
    world.out(`${outDir}\n`);
    world.err(
      `${version}: ${made.symbols} symbols, ${made.rows} rows, ${made.artifacts.length} artifacts, ${
        formatBytes(bytes)
      }, in ${formatDuration(performance.now() - started)}\n`,
    );
  },
};

/** Publishes a build. */
export const publish: Command = {
  name: "publish",
  summary: "Upload a build, verify it where it landed, and move a channel to it",
  args: [{ name: "dir", help: "The folder that `bfa build` printed" }],
  options: SIGNING_OPTIONS,
  examples: [
    "bfa publish .bfa/builds/2026-08-08.1",
    "DENO_KV_ACCESS_TOKEN=… bfa publish DIR --kv https://kv.example.org --channel candidate",
  ],
  async run(inputs, tools) {
    const dir = inputs.args[0]!;
    const made = await readBuild(dir);
    if (!made) throw new BfaError("not_found", `no build in ${dir}; make one with \`bfa build\``);
    await tools.withPublisher(inputs, async ({ publisher }) => {
      report(await publishBuild(publisher, made, dir, moveOptions(inputs)), tools);
    });
  },
};

/** Moves a channel to a version that exists. */
export const promote: Command = {
  name: "promote",
  summary: "Move a channel to a version that was published before",
  args: [{ name: "version", help: "Such as 2026-08-08.1" }],
  options: SIGNING_OPTIONS,
  examples: [
    "bfa promote 2026-08-08.2",
    'bfa promote 2026-08-08.2 --channel latest --reason "candidate looked good"',
  ],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ publisher }) => {
      report(await promoteVersion(publisher, inputs.args[0]!, moveOptions(inputs)), tools);
    }),
};

/** Moves a channel back. */
export const rollback: Command = {
  name: "rollback",
  summary: "Move a channel back: to a version, or to the one it named before",
  about: "A new manifest with the next sequence is signed: clients follow it like any other.",
  args: [{ name: "version", help: "Such as 2026-08-08.1", optional: true }],
  options: SIGNING_OPTIONS,
  examples: ['bfa rollback --reason "wrong volumes"', "bfa rollback 2026-08-08.1"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ publisher }) => {
      report(await rollbackChannel(publisher, inputs.args[0], moveOptions(inputs)), tools);
    }),
};

/** Signs a channel's version again. */
export const renew: Command = {
  name: "renew",
  summary: "Sign a channel's version again, with a new freshness window: it is still the newest",
  args: [],
  options: SIGNING_OPTIONS,
  examples: ["bfa renew", "bfa renew --next-key ed25519:…"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ publisher }) => {
      report(await renewChannel(publisher, moveOptions(inputs)), tools);
    }),
};

/** Who moved what, when, why. */
export const log: Command = {
  name: "log",
  summary: "Who moved which channel, when and why; newest first",
  args: [],
  options: { ...OUTPUT_OPTIONS, ...PUBLISHER_OPTIONS },
  examples: ["bfa log", "bfa log --json"],
  run: (inputs, tools) =>
    tools.withPublisher(inputs, async ({ store }) => {
      const entries = await store.log(1_000);
      await print<LogEntry>(
        {
          answer: { count: entries.length, entries },
          rows: entries,
          columns: [
            { name: "sequence", type: "BIGINT", cell: (row) => row.sequence },
            { name: "at", type: "VARCHAR", cell: (row) => row.at },
            { name: "action", type: "VARCHAR", cell: (row) => row.action },
            { name: "channel", type: "VARCHAR", cell: (row) => row.channel },
            { name: "version", type: "VARCHAR", cell: (row) => row.version },
            { name: "previous", type: "VARCHAR", cell: (row) => row.previous },
            { name: "by", type: "VARCHAR", cell: (row) => row.by },
            { name: "reason", type: "VARCHAR", cell: (row) => row.reason },
          ],
          footer: counted(entries.length, "move"),
        },
        inputs,
        tools.world,
      );
    }),
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

function moveOptions(inputs: Inputs): MoveOptions {
  const nextKeys = inputs.texts("next-key");
  for (const key of nextKeys ?? []) {
    if (!isKeyId(key)) {
      throw new BfaError(
        "usage",
        `Cannot announce ${JSON.stringify(key)}: a key looks like ed25519:…`,
      );
    }
  }
  return { channel: inputs.text("channel"), reason: inputs.text("reason"), nextKeys };
}

function report({ stored, changed }: Moved, { world }: Tools): void {
  const { channel, version, sequence } = stored.manifest.signed;
  world.out(
    changed
      ? `${channel} is now ${version} (sequence ${sequence})\n`
      : `${channel} is ${version} already (sequence ${sequence}); nothing to do\n`,
  );
}
